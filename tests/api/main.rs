//! What tokenvend promises, tried over sockets: HTTP in, HTTP out, with the emulator as Cognito. One binary, no
//! fixed port, no order. A clock that the test moves takes the place of waiting.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what a test cannot go on without fails it, helpers included"
)]

#[path = "../peers/packages.rs"]
mod packages;
mod support;

mod asked;
mod attacks;
mod audit;
mod auth;
mod authentication_page;
mod bookmarks;
mod credentials;
mod doctor;
mod emulator_page;
mod fences;
mod flights;
mod freshness;
mod fuzzing;
mod gateway;
mod http;
mod lifecycle;
mod limits;
mod linking;
mod metrics;
mod oidc;
mod own_command;
mod peers;
mod policy;
mod problems;
mod process;
mod proof;
mod services;
mod signatures;
mod tls;
mod trouble;
mod vending;
mod verify;
