//! A line for the media type, then the body of a request.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenvend::http::fuzzing::body(bytes));
