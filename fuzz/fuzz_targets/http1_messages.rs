//! HTTP/1 messages of one connection. The first byte is the size of the pieces in which they arrive.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(http_listener::fuzzing::serve_messages(bytes)));
