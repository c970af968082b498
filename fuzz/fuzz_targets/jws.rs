//! A token, or the header and the payload of one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jose::fuzzing::token(bytes));
