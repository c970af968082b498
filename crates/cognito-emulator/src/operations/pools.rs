//! Operations that create, update, describe, list and delete identity pools.

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use super::pagination;
use crate::pool::{Pool, PoolSettings};
use crate::protocol::{Empty, OperationError, OperationResult, serialize};
use crate::validation;

/// The region of the new pool is that of the signature's scope, as if sent to that endpoint.
pub(super) fn create_identity_pool(context: &OperationContext<'_>) -> OperationResult {
    let settings: PoolSettings = validation::parse(context.input)?;
    settings.check()?;
    let region = context.signer()?.region;
    let mut state = context.state();
    let pool = Pool::new(state.new_pool_id(region)?, settings);
    state.put_pool(pool.clone());
    serialize(&pool.description())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeInput {
    identity_pool_id: Option<String>,
}

pub(super) fn describe_identity_pool(context: &OperationContext<'_>) -> OperationResult {
    let input: DescribeInput = validation::parse(context.input)?;
    let id = validation::pool_id(input.identity_pool_id)?;
    let pool = context.state().pool(&id)?;
    serialize(&pool.description())
}

/// Replaces the settings: an omitted one is reset. AWS keeps two: the tags, which have operations of their own, and the
/// developer provider, which cannot be changed once it is set.
pub(super) fn update_identity_pool(context: &OperationContext<'_>) -> OperationResult {
    let named: DescribeInput = validation::parse(context.input)?;
    let id = validation::pool_id(named.identity_pool_id)?;
    let mut settings: PoolSettings = validation::parse(context.input)?;
    settings.check()?;

    let mut state = context.state();
    let previous = state.pool(&id)?;
    let provider = &previous.settings.developer_provider_name;
    if settings.developer_provider_name.is_none() {
        settings.developer_provider_name.clone_from(provider);
    } else if provider.is_some() && settings.developer_provider_name != *provider {
        return Err(OperationError::invalid_parameter(
            "The developer provider's name can't be changed once it is set.",
        ));
    }
    if settings.identity_pool_tags.is_empty() {
        settings.identity_pool_tags.clone_from(&previous.settings.identity_pool_tags);
    }
    let pool = Pool { settings, ..Pool::clone(&previous) };
    state.put_pool(pool.clone());
    serialize(&pool.description())
}

/// Also deletes its identities, roles and tags.
pub(super) fn delete_identity_pool(context: &OperationContext<'_>) -> OperationResult {
    let input: DescribeInput = validation::parse(context.input)?;
    let id = validation::pool_id(input.identity_pool_id)?;
    context.state().delete_pool(&id)?;
    serialize(&Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput<'a> {
    identity_pools: Vec<ListedPool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedPool<'a> {
    identity_pool_id: &'a str,
    identity_pool_name: &'a str,
}

pub(super) fn list_identity_pools(context: &OperationContext<'_>) -> OperationResult {
    let input: ListInput = validation::parse(context.input)?;
    let max_results = validation::required("maxResults", input.max_results)?;
    let state = context.state();
    let page = pagination::paginate(state.pools(), |pool| pool.id.as_str(), max_results, input.next_token.as_deref())?;
    let identity_pools = page.items.iter().map(|pool| ListedPool {
        identity_pool_id: pool.id.as_str(),
        identity_pool_name: &pool.settings.identity_pool_name,
    });
    serialize(&ListOutput { identity_pools: identity_pools.collect(), next_token: page.next_token })
}
