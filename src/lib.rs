//! tokenvend

mod admin;
pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dev;
pub mod emulator;
pub mod http;
pub mod identity;
pub mod issuer;
pub mod metrics;
pub mod pools;
pub mod secret;
pub mod telemetry;
pub mod token;
pub mod vending;
