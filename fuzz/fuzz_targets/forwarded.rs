//! Lines of `X-Forwarded-For` and `Forwarded`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenvend_fuzz::forwarded::check_client_address(bytes));
