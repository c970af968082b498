//! Claims that the app has signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tokenvend_fuzz::claims::check_user_id(bytes);
});
