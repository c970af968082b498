//! Making, describing and listing identity pools.

use serde::{Deserialize, Serialize};

use super::{Call, paging};
use crate::emulator::input;
use crate::emulator::pool::{Pool, PoolSettings};
use crate::emulator::wire::{Answer, answer};

/// The new pool is of the region that the call's signature is scoped to, as if sent to that endpoint.
pub(super) fn create_identity_pool(call: &Call<'_>) -> Answer {
    let settings: PoolSettings = input::parse(call.input)?;
    settings.check()?;
    let region = call.signer()?.region;
    let mut state = call.state();
    let pool = Pool { id: state.new_pool_id(region)?, settings };
    state.put_pool(pool.clone());
    answer(&pool.description())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeInput {
    identity_pool_id: Option<String>,
}

pub(super) fn describe_identity_pool(call: &Call<'_>) -> Answer {
    let input: DescribeInput = input::parse(call.input)?;
    let id = input::pool_id(input.identity_pool_id)?;
    let pool = call.state().pool(&id)?;
    answer(&pool.description())
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

pub(super) fn list_identity_pools(call: &Call<'_>) -> Answer {
    let input: ListInput = input::parse(call.input)?;
    let max_results = input::required("maxResults", input.max_results)?;
    let state = call.state();
    let page =
        paging::page(state.pools(), |pool| pool.id.as_str(), max_results, input.next_token.as_deref())?;
    let identity_pools = page.items.iter().map(|pool| ListedPool {
        identity_pool_id: pool.id.as_str(),
        identity_pool_name: &pool.settings.identity_pool_name,
    });
    answer(&ListOutput { identity_pools: identity_pools.collect(), next_token: page.next_token })
}
