//! `MergeDeveloperIdentities`, `UnlinkDeveloperIdentity` and `UnlinkIdentity`.

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use super::identities::check_access;
use crate::pool::Pool;
use crate::protocol::{Empty, OperationError, OperationResult, serialize};
use crate::state::Login;
use crate::validation::{self, StringPairs};
use cognito_types::DeveloperProvider;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MergeInput {
    source_user_identifier: Option<String>,
    destination_user_identifier: Option<String>,
    developer_provider_name: Option<String>,
    identity_pool_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MergeOutput<'a> {
    identity_id: &'a str,
}

pub(super) fn merge_developer_identities(context: &OperationContext<'_>) -> OperationResult {
    let input: MergeInput = validation::parse(context.input)?;
    let source = validation::developer_user("sourceUserIdentifier", input.source_user_identifier)?;
    let destination = validation::developer_user("destinationUserIdentifier", input.destination_user_identifier)?;
    let provider = validation::developer_provider(input.developer_provider_name)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    if source == destination {
        return Err(OperationError::invalid_parameter("The source and the destination are the same user."));
    }

    let mut state = context.state();
    let pool = state.pool(&pool_id)?;
    let source = developer_login(&pool, &provider, source)?;
    let destination = developer_login(&pool, &provider, destination)?;
    let id = state.merge_developer_users(&pool, &source, &destination, context.now)?;
    serialize(&MergeOutput { identity_id: id.as_str() })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UnlinkDeveloperInput {
    identity_id: Option<String>,
    identity_pool_id: Option<String>,
    developer_provider_name: Option<String>,
    developer_user_identifier: Option<String>,
}

pub(super) fn unlink_developer_identity(context: &OperationContext<'_>) -> OperationResult {
    let input: UnlinkDeveloperInput = validation::parse(context.input)?;
    let id = validation::identity_id(input.identity_id)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let provider = validation::developer_provider(input.developer_provider_name)?;
    let user = validation::developer_user("developerUserIdentifier", input.developer_user_identifier)?;

    let mut state = context.state();
    let pool = state.pool(&pool_id)?;
    let login = developer_login(&pool, &provider, user)?;
    state.unlink_developer_user(&pool, &id, &login, context.now)?;
    serialize(&Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UnlinkInput {
    identity_id: Option<String>,
    logins: Option<StringPairs>,
    logins_to_remove: Option<Vec<String>>,
}

/// The logins authenticate the client and are not linked. A client cannot remove the developer provider's login: that
/// needs AWS credentials and `UnlinkDeveloperIdentity`.
pub(super) fn unlink_identity(context: &OperationContext<'_>) -> OperationResult {
    const REMOVED: &str = "loginsToRemove";
    let input: UnlinkInput = validation::parse(context.input)?;
    let id = validation::identity_id(input.identity_id)?;
    validation::required("logins", input.logins.as_ref())?;
    let logins = validation::logins(input.logins)?;
    let providers = validation::required(REMOVED, input.logins_to_remove)?;
    for provider in &providers {
        validation::length(REMOVED, provider, 1..=128)?;
    }

    let identity = check_access(context, &id, logins)?;
    let mut state = context.state();
    let pool = state.pool(&identity.pool)?;
    if providers.iter().any(|provider| pool.has_developer_provider(provider)) {
        return Err(OperationError::not_authorized(
            "The developer provider's login is unlinked by UnlinkDeveloperIdentity.",
        ));
    }
    state.unlink_providers(&id, &providers, context.now)?;
    serialize(&Empty {})
}

fn developer_login(pool: &Pool, provider: &DeveloperProvider, user: String) -> Result<Login, OperationError> {
    if pool.has_developer_provider(provider.as_str()) {
        Ok(Login { provider: provider.as_str().to_owned(), user })
    } else {
        Err(OperationError::invalid_parameter("DeveloperProviderName is not the pool's developer provider."))
    }
}
