//! `tokenvend new-key`: a key for a backend, `[auth.NAME] kind = "static_key"`. The key goes to standard output, for a
//! file or a secret store; what the configuration has of it, to standard error.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64_simd::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::{CliError, print};

/// So that scanners for secrets find keys that were left lying about.
const PREFIX: &str = "tvk_";

pub(super) fn run() -> Result<(), CliError> {
    let mut random = Zeroizing::new([0; 32]);
    rand::fill(&mut *random)
        .map_err(|_| CliError { code: 69, words: "the system gives no random bytes".to_owned() })?;
    let key = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode_to_string(*random)));
    let hex = hex::encode(digest(&SHA256, key.as_bytes()));
    print(&Zeroizing::new(format!("{}\n", *key)))?;
    let _ = writeln!(std::io::stderr(), "key_sha256 = [\"{hex}\"]");
    Ok(())
}
