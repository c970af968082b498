//! A listener over real sockets, with clients that write bytes and frames by hand.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what a test cannot go on without fails it, helpers included"
)]

mod frames;
mod http1;
mod http2;
mod http2_attacks;
mod listener;
mod pool;
mod smuggling;
mod support;
mod tls;
