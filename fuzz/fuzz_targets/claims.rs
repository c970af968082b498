//! Claims that the app has signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tokenvend_fuzz::claims::name_whoever_gets_in(bytes);
});
