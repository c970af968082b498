//! Defects of minted tokens, for fault injection.

use serde::{Deserialize, Serialize};

/// The claim of a minted token that differs from the requested one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenDefect {
    Aud,
    Sub,
    Amr,
    /// The token is not a JWT.
    Opaque,
}

/// How a token is minted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MintOptions {
    pub(crate) defect: Option<TokenDefect>,
    pub(crate) clock_skew_seconds: i64,
}
