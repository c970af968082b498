//! OpenID tokens: minting, verification of incoming ones, and defects for fault injection.

mod defect;
mod format;
mod incoming;
mod mint;
mod public_login;

pub(crate) use defect::{MintOptions, TokenDefect};
pub(crate) use format::{ISSUER, OWN_PROVIDER};
pub(crate) use incoming::{IncomingToken, TokenError};
pub(crate) use mint::{TokenSpec, mint};
pub(crate) use public_login::public_user;
