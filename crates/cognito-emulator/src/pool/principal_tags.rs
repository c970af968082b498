//! Principal tag maps of `SetPrincipalTagAttributeMap`: the claims of a provider's tokens that become principal tags.
//!
//! Stored and returned, but not applied: they concern tokens of other providers, which the emulator does not verify. A
//! developer user's tags are in the input of `GetOpenIdTokenForDeveloperIdentity`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The map of one provider, in the format of the API and of the state file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagMap {
    /// `username` from `sub`, `client` from `aud`.
    pub(crate) use_defaults: bool,
    /// The claim of each tag.
    pub(crate) principal_tags: BTreeMap<String, String>,
}
