//! A verification key, parsed once for each algorithm that it supports.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;

use crate::algorithm::Algorithm;

/// A key and the algorithms that it may be used for.
pub(crate) struct VerificationKey {
    /// `None`: the key matches any `kid`.
    pub(crate) kid: Option<String>,
    /// Never empty.
    pub(crate) verifiers: Vec<(Algorithm, Verifier)>,
}

/// A key, parsed for one algorithm.
pub(crate) enum Verifier {
    Public(ParsedPublicKey),
    /// Boxed: it is many times as large as the other variant.
    Secret(Box<hmac::Key>),
}

impl Verifier {
    /// Whether the holder of the key signed the message. In constant time for HMAC.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
            Self::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}
