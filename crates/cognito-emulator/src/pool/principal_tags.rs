//! Which claims of a provider's tokens become principal tags: what `SetPrincipalTagAttributeMap` sets.
//!
//! Kept and answered, but not followed: it is for the tokens of other providers, which the emulator does not
//! verify. A developer user's tags come with `GetOpenIdTokenForDeveloperIdentity`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One provider's map, as it travels and as the state file keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagMap {
    /// `username` from `sub`, `client` from `aud`.
    pub(crate) use_defaults: bool,
    /// A tag's name, and the claim that its value is from.
    pub(crate) principal_tags: BTreeMap<String, String>,
}
