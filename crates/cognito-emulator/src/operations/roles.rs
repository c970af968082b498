//! `SetIdentityPoolRoles` and `GetIdentityPoolRoles`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use crate::pool::{Pool, PoolRoles, RoleMapping};
use crate::protocol::{Empty, OperationResult, serialize};
use crate::validation;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetInput {
    identity_pool_id: Option<String>,
    roles: Option<BTreeMap<String, String>>,
    role_mappings: Option<BTreeMap<String, RoleMapping>>,
}

/// Replaces all roles. An empty map is a pool without roles, not one with the emulator's own.
pub(super) fn set_identity_pool_roles(context: &OperationContext<'_>) -> OperationResult {
    let input: SetInput = validation::parse(context.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let roles = PoolRoles {
        roles: validation::required("roles", input.roles)?,
        role_mappings: input.role_mappings.unwrap_or_default(),
    };
    roles.check()?;

    let mut state = context.state();
    let pool = state.pool(&pool_id)?;
    state.put_pool(Pool { roles: Some(roles), ..Pool::clone(&pool) });
    serialize(&Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetInput {
    identity_pool_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetOutput<'a> {
    identity_pool_id: &'a str,
    #[serde(flatten)]
    roles: Option<&'a PoolRoles>,
}

pub(super) fn get_identity_pool_roles(context: &OperationContext<'_>) -> OperationResult {
    let input: GetInput = validation::parse(context.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let pool = context.state().pool(&pool_id)?;
    serialize(&GetOutput { identity_pool_id: pool_id.as_str(), roles: pool.roles.as_ref() })
}
