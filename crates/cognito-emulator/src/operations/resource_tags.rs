//! AWS resource tags of pools. They have no effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use crate::pool::{Pool, check_resource_tags};
use crate::protocol::{Empty, OperationError, OperationResult, serialize};
use crate::state::{State, missing_pool};
use crate::validation;
use cognito_types::IdentityPoolId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagInput {
    resource_arn: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

pub(super) fn tag_resource(context: &OperationContext<'_>) -> OperationResult {
    let input: TagInput = validation::parse(context.input)?;
    let arn = parse_arn(input.resource_arn)?;
    let tags = validation::required("tags", input.tags)?;
    check_resource_tags("tags", &tags)?;

    let mut state = context.state();
    let mut pool = Pool::clone(&*find_pool(context, &state, &arn)?);
    pool.settings.identity_pool_tags.extend(tags);
    check_resource_tags("tags", &pool.settings.identity_pool_tags)?;
    state.put_pool(pool);
    serialize(&Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagInput {
    resource_arn: Option<String>,
    tag_keys: Option<Vec<String>>,
}

/// An unknown key is not an error.
pub(super) fn untag_resource(context: &OperationContext<'_>) -> OperationResult {
    let input: UntagInput = validation::parse(context.input)?;
    let arn = parse_arn(input.resource_arn)?;
    let keys = validation::required("tagKeys", input.tag_keys)?;
    for key in &keys {
        validation::length("tagKeys", key, 1..=128)?;
    }

    let mut state = context.state();
    let mut pool = Pool::clone(&*find_pool(context, &state, &arn)?);
    pool.settings.identity_pool_tags.retain(|key, _| !keys.contains(key));
    state.put_pool(pool);
    serialize(&Empty {})
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

pub(super) fn list_tags_for_resource(context: &OperationContext<'_>) -> OperationResult {
    let input: ListInput = validation::parse(context.input)?;
    let arn = parse_arn(input.resource_arn)?;
    let pool = find_pool(context, &context.state(), &arn)?;
    serialize(&ListOutput { tags: &pool.settings.identity_pool_tags })
}

fn parse_arn(text: Option<String>) -> Result<String, OperationError> {
    const MEMBER: &str = "resourceArn";
    let text = validation::required(MEMBER, text)?;
    validation::length(MEMBER, &text, 20..=2048)?;
    Ok(text)
}

/// The pool that `arn:PARTITION:cognito-identity:REGION:ACCOUNT:identitypool/POOL_ID` names.
fn find_pool(context: &OperationContext<'_>, state: &State, arn: &str) -> Result<Arc<Pool>, OperationError> {
    let malformed = || OperationError::invalid_parameter("ResourceArn is no ARN of an identity pool.");
    let mut parts = arn.splitn(6, ':');
    let ["arn", _, "cognito-identity", region, account, resource] = [(); 6].map(|()| parts.next().unwrap_or("")) else {
        return Err(malformed());
    };
    let id = resource.strip_prefix("identitypool/").and_then(|id| IdentityPoolId::parse(id).ok());
    let id = id.ok_or_else(malformed)?;
    if region != id.region() || account != context.emulator.account_id {
        return Err(missing_pool(&id));
    }
    state.pool(&id)
}
