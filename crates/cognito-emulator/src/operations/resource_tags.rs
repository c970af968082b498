//! The tags that a pool bears as an AWS resource. Nothing here depends on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::OperationContext;
use crate::pool::{Pool, check_resource_tags};
use crate::protocol::{ApiError, Empty, OperationResult, answer};
use crate::state::State;
use crate::validation;
use cognito_types::IdentityPoolId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagInput {
    resource_arn: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

pub(super) fn tag_resource(call: &OperationContext<'_>) -> OperationResult {
    let input: TagInput = validation::parse(call.input)?;
    let arn = arn(input.resource_arn)?;
    let tags = validation::required("tags", input.tags)?;
    check_resource_tags("tags", &tags)?;

    let mut state = call.state();
    let mut pool = Pool::clone(&*pool_of(call, &state, &arn)?);
    pool.settings.identity_pool_tags.extend(tags);
    check_resource_tags("tags", &pool.settings.identity_pool_tags)?;
    state.put_pool(pool);
    answer(&Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagInput {
    resource_arn: Option<String>,
    tag_keys: Option<Vec<String>>,
}

/// A key that is not there is no fault.
pub(super) fn untag_resource(call: &OperationContext<'_>) -> OperationResult {
    let input: UntagInput = validation::parse(call.input)?;
    let arn = arn(input.resource_arn)?;
    let keys = validation::required("tagKeys", input.tag_keys)?;
    for key in &keys {
        validation::length("tagKeys", key, 1..=128)?;
    }

    let mut state = call.state();
    let mut pool = Pool::clone(&*pool_of(call, &state, &arn)?);
    pool.settings.identity_pool_tags.retain(|key, _| !keys.contains(key));
    state.put_pool(pool);
    answer(&Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    resource_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput<'a> {
    tags: &'a BTreeMap<String, String>,
}

pub(super) fn list_tags_for_resource(call: &OperationContext<'_>) -> OperationResult {
    let input: ListInput = validation::parse(call.input)?;
    let arn = arn(input.resource_arn)?;
    let pool = pool_of(call, &call.state(), &arn)?;
    answer(&ListOutput { tags: &pool.settings.identity_pool_tags })
}

fn arn(text: Option<String>) -> Result<String, ApiError> {
    const MEMBER: &str = "resourceArn";
    let text = validation::required(MEMBER, text)?;
    validation::length(MEMBER, &text, 20..=2048)?;
    Ok(text)
}

/// The pool that `arn:PARTITION:cognito-identity:REGION:ACCOUNT:identitypool/POOL_ID` names.
fn pool_of(call: &OperationContext<'_>, state: &State, arn: &str) -> Result<Arc<Pool>, ApiError> {
    let malformed = || ApiError::invalid_parameter("ResourceArn is no ARN of an identity pool.");
    let mut parts = arn.splitn(6, ':');
    let ["arn", _, "cognito-identity", region, account, resource] =
        [(); 6].map(|()| parts.next().unwrap_or(""))
    else {
        return Err(malformed());
    };
    let id = resource.strip_prefix("identitypool/").and_then(|id| IdentityPoolId::parse(id).ok());
    let id = id.ok_or_else(malformed)?;
    if region != id.region() || account != call.service.account_id {
        return Err(ApiError::not_found(format!("IdentityPool '{id}' not found.")));
    }
    state.pool(&id)
}
