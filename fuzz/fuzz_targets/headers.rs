//! Headers of a request, by which somebody means to be let in.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tokenvend_fuzz::headers::let_in_only_by_what_was_signed(bytes);
});
