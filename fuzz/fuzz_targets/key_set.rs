//! A key set as somebody publishes it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenvend::jws::fuzzing::key_set(bytes));
