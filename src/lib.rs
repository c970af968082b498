//! tokenvend

pub mod clock;
pub mod identity;
