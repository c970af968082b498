//! Tests of the service over sockets, with the emulator as Cognito. One binary, no fixed port, no order. A manual
//! clock takes the place of waiting. Each response is validated against the OpenAPI documents.

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

mod act_as;
mod attacks;
mod audit;
mod auth;
mod authentication_page;
mod authorization;
mod aws_cli_command;
mod credentials;
mod doctor;
mod emulator_page;
mod freshness;
mod fuzzing;
mod gateway;
mod help;
mod http;
mod identity_admin;
mod last_entry_hint;
mod linking;
mod metrics;
mod oidc;
mod problems;
mod process;
mod proxies;
mod rate_limits;
mod remote_auth;
mod signatures;
mod single_flight;
mod third_party_clients;
mod tls;
mod token_verification;
mod upstream_failures;
mod vending;
mod verify;
