//! Headers of a request, with credentials.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tokenvend_fuzz::headers::check_credential(bytes);
});
