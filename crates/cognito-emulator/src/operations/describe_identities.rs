//! `DescribeIdentity` and `ListIdentities`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use super::pagination;
use crate::protocol::{OperationResult, serialize};
use crate::state::Identity;
use crate::validation;
use clock::Timestamp;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeInput {
    identity_id: Option<String>,
}

/// The shape `IdentityDescription` of the service model.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description<'a> {
    identity_id: &'a str,
    /// Provider names without duplicates.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    logins: BTreeSet<&'a str>,
    creation_date: f64,
    last_modified_date: f64,
}

impl<'a> From<&'a Identity> for Description<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            identity_id: identity.id.as_str(),
            logins: identity.logins.iter().map(|login| login.provider.as_str()).collect(),
            creation_date: epoch_seconds(identity.created),
            last_modified_date: epoch_seconds(identity.modified),
        }
    }
}

/// Also describes disabled identities.
pub(super) fn describe_identity(context: &OperationContext<'_>) -> OperationResult {
    let input: DescribeInput = validation::parse(context.input)?;
    let id = validation::identity_id(input.identity_id)?;
    let identity = context.state().identity(&id)?;
    serialize(&Description::from(&*identity))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    identity_pool_id: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
    hide_disabled: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput<'a> {
    identity_pool_id: &'a str,
    identities: Vec<Description<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(super) fn list_identities(context: &OperationContext<'_>) -> OperationResult {
    let input: ListInput = validation::parse(context.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let max_results = validation::required("maxResults", input.max_results)?;
    let hide_disabled = input.hide_disabled.unwrap_or(false);

    let state = context.state();
    let pool = state.pool(&pool_id)?;
    let listed = state.identities_in(&pool).filter(|identity| !(hide_disabled && identity.disabled));
    let page = pagination::paginate(listed, |identity| identity.id.as_str(), max_results, input.next_token.as_deref())?;
    serialize(&ListOutput {
        identity_pool_id: pool_id.as_str(),
        identities: page.items.into_iter().map(|identity| Description::from(&**identity)).collect(),
        next_token: page.next_token,
    })
}

/// A timestamp in the format of JSON 1.1: seconds since the epoch, with a fraction.
#[expect(clippy::cast_precision_loss, reason = "milliseconds are exact in a double for 285,000 years")]
pub(super) fn epoch_seconds(timestamp: Timestamp) -> f64 {
    timestamp.as_millis() as f64 / 1000.0
}
