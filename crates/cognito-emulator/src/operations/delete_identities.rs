//! `DeleteIdentities`. The next token of a deleted identity's user is for a new identity.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use crate::protocol::{OperationResult, serialize};
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

/// Unknown ids are unprocessed with `AccessDenied`. AWS does not document this, but without a pool it cannot check the
/// caller's permissions, and the other code, `InternalServerError`, suggests a retry.
pub(super) fn delete_identities(context: &OperationContext<'_>) -> OperationResult {
    const MEMBER: &str = "identityIdsToDelete";
    let input: Input = validation::parse(context.input)?;
    let ids = validation::required(MEMBER, input.identity_ids_to_delete)?;
    validation::count(MEMBER, ids.len(), 1..=60)?;
    let ids =
        ids.into_iter().map(|id| validation::identity_id(Some(id))).collect::<Result<BTreeSet<IdentityId>, _>>()?;

    let mut state = context.state();
    let unprocessed = ids.iter().filter(|id| !state.delete_identity(id));
    let unprocessed = unprocessed.map(|id| Unprocessed { identity_id: id.to_string(), error_code: "AccessDenied" });
    serialize(&Output { unprocessed_identity_ids: unprocessed.collect() })
}
