//! `GetOpenIdTokenForDeveloperIdentity` and `GetOpenIdToken`, which mint tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use super::identities::{AUTHENTICATED, IdentityAccess, resolve_access};
use crate::login_classification::{DeveloperLogins, classify_developer_logins};
use crate::protocol::{OperationError, OperationResult, serialize};
use crate::token::{self, TokenSpec};
use crate::validation::{self, StringPairs};
use cognito_types::{PrincipalTags, TokenDuration};

/// The lifetime of a token of `GetOpenIdToken`.
const OPEN_ID_TOKEN_LIFETIME: Duration = Duration::from_secs(600);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeveloperInput {
    identity_pool_id: Option<String>,
    identity_id: Option<String>,
    logins: Option<StringPairs>,
    principal_tags: Option<StringPairs>,
    token_duration: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TokenOutput<'a> {
    identity_id: &'a str,
    token: String,
}

pub(super) fn get_open_id_token_for_developer_identity(context: &OperationContext<'_>) -> OperationResult {
    let input: DeveloperInput = validation::parse(context.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let requested = validation::optional_identity_id(input.identity_id)?;
    validation::required("logins", input.logins.as_ref())?;
    let logins = validation::logins(input.logins)?;
    let tags = validation::principal_tags(input.principal_tags)?;
    let lifetime = token_duration(input.token_duration)?.as_duration();

    let (identity, amr) = {
        let mut state = context.state();
        let pool = state.pool(&pool_id)?;
        let DeveloperLogins { developer, public } = classify_developer_logins(&pool, logins, context.now)?;
        let mut amr = vec![
            AUTHENTICATED.to_owned(),
            developer.provider.clone(),
            format!("{}:{pool_id}:{}", developer.provider, developer.user),
        ];
        amr.extend(public.iter().map(|login| login.provider.clone()));
        (state.register_developer_user(&pool, requested.as_ref(), developer, public, context.now)?, amr)
    };
    mint(context, &TokenSpec { pool: &pool_id, identity: &identity, amr, tags: &tags, lifetime })
}

fn token_duration(seconds: Option<i64>) -> Result<TokenDuration, OperationError> {
    let Some(seconds) = seconds else { return Ok(TokenDuration::DEFAULT) };
    validation::range("tokenDuration", seconds, 1..=i64::from(TokenDuration::MAX_SECONDS))?;
    let parsed = u64::try_from(seconds).ok().and_then(|seconds| TokenDuration::parse(seconds).ok());
    parsed.ok_or_else(OperationError::internal)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ClientInput {
    identity_id: Option<String>,
    logins: Option<StringPairs>,
}

/// A token in exchange for a token has its `amr`, but not its principal tags: AWS does not document it, and fewer
/// permissions are safer.
pub(super) fn get_open_id_token(context: &OperationContext<'_>) -> OperationResult {
    let input: ClientInput = validation::parse(context.input)?;
    let id = validation::identity_id(input.identity_id)?;
    let IdentityAccess { identity, amr, .. } = resolve_access(context, &id, validation::logins(input.logins)?)?;
    mint(
        context,
        &TokenSpec {
            pool: &identity.pool,
            identity: &identity.id,
            amr,
            tags: &PrincipalTags::none(),
            lifetime: OPEN_ID_TOKEN_LIFETIME,
        },
    )
}

fn mint(context: &OperationContext<'_>, spec: &TokenSpec<'_>) -> OperationResult {
    let token = token::mint(&context.emulator.keys, spec, context.now, &context.mint_options)?;
    serialize(&TokenOutput { identity_id: spec.identity.as_str(), token })
}
