//! `tokenvend generate-key`: a key for a backend, `[auth.NAME] kind = "static_key"`.
//!
//! The key goes to standard output, for a file or a secret store. The line for the configuration, which has only the
//! key's digest, goes to standard error.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64_simd::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::error::CliError;
use super::stdout::print;

/// Secret scanners recognise leaked keys by it.
const PREFIX: &str = "tvk_";

pub(super) fn run() -> Result<(), CliError> {
    let mut random = Zeroizing::new([0; 32]);
    rand::fill(&mut *random).map_err(|_| CliError::unavailable("the system returned no random bytes"))?;
    let key = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode_to_string(*random)));
    let hex = hex::encode(digest(&SHA256, key.as_bytes()));
    print(&Zeroizing::new(format!("{}\n", *key)))?;
    let _ = writeln!(std::io::stderr(), "key_sha256 = [\"{hex}\"]");
    Ok(())
}
