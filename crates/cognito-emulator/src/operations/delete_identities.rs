//! Deleting identities. Their users are new the next time they are seen.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::OperationContext;
use crate::protocol::{OperationResult, answer};
use crate::validation;
use cognito_types::IdentityId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    identity_ids_to_delete: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    unprocessed_identity_ids: Vec<Unprocessed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Unprocessed {
    identity_id: String,
    error_code: &'static str,
}

/// An id that nobody has is not processed, as `AccessDenied`: AWS does not say, but it has no pool on which
/// the caller's rights could be looked up, and `InternalServerError`, the other code, invites a retry.
pub(super) fn delete_identities(call: &OperationContext<'_>) -> OperationResult {
    const MEMBER: &str = "identityIdsToDelete";
    let input: Input = validation::parse(call.input)?;
    let ids = validation::required(MEMBER, input.identity_ids_to_delete)?;
    validation::count(MEMBER, ids.len(), 1..=60)?;
    let ids = ids
        .into_iter()
        .map(|id| validation::identity_id(Some(id)))
        .collect::<Result<BTreeSet<IdentityId>, _>>()?;

    let mut state = call.state();
    let unprocessed = ids.iter().filter(|id| !state.delete_identity(id));
    let unprocessed =
        unprocessed.map(|id| Unprocessed { identity_id: id.to_string(), error_code: "AccessDenied" });
    answer(&Output { unprocessed_identity_ids: unprocessed.collect() })
}
