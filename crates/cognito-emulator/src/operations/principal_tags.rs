//! `SetPrincipalTagAttributeMap` and `GetPrincipalTagAttributeMap`.

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use crate::pool::{Pool, TagMap};
use crate::protocol::{OperationError, OperationResult, serialize};
use crate::validation::{self, StringPairs};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    identity_pool_id: Option<String>,
    identity_provider_name: Option<String>,
    use_defaults: Option<bool>,
    principal_tags: Option<StringPairs>,
}

/// The output of both operations: the current map.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    identity_pool_id: &'a str,
    identity_provider_name: &'a str,
    #[serde(flatten)]
    map: &'a TagMap,
}

pub(super) fn set_principal_tag_attribute_map(context: &OperationContext<'_>) -> OperationResult {
    let input: Input = validation::parse(context.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let provider = validation::provider(input.identity_provider_name)?;
    let tags = validation::principal_tags(input.principal_tags)?;
    let map = TagMap {
        use_defaults: input.use_defaults.unwrap_or(false),
        principal_tags: tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    };

    let mut state = context.state();
    let mut pool = Pool::clone(&*state.pool(&pool_id)?);
    if !pool.has_public_provider(&provider) && !pool.has_developer_provider(&provider) {
        return Err(OperationError::invalid_parameter("IdentityProviderName is none of the pool's providers."));
    }
    pool.tag_maps.insert(provider.clone(), map.clone());
    state.put_pool(pool);
    serialize(&Output { identity_pool_id: pool_id.as_str(), identity_provider_name: &provider, map: &map })
}

/// A map that was never set is not found.
pub(super) fn get_principal_tag_attribute_map(context: &OperationContext<'_>) -> OperationResult {
    let input: Input = validation::parse(context.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let provider = validation::provider(input.identity_provider_name)?;
    let pool = context.state().pool(&pool_id)?;
    let missing = || OperationError::not_found("The provider has no principal tag attribute map.");
    let map = pool.tag_maps.get(&provider).ok_or_else(missing)?;
    serialize(&Output { identity_pool_id: pool_id.as_str(), identity_provider_name: &provider, map })
}
