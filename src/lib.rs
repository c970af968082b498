//! tokenvend

pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod emulator;
pub mod identity;
pub mod issuer;
pub mod metrics;
pub mod pools;
pub mod token;
pub mod vending;
