//! tokenvend

pub mod cli;
pub mod clock;
pub mod emulator;
pub mod identity;
