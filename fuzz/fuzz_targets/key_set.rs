//! A JWKS.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jose::fuzzing::key_set(bytes));
