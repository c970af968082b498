//! The two operations that mint OpenID tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::OperationContext;
use super::identities::{AUTHENTICATED, IdentityAccess, enter};
use crate::logins::{DeveloperLogins, sort_developer_logins};
use crate::protocol::{ApiError, OperationResult, answer};
use crate::token::{self, TokenSpec};
use crate::validation::{self, StringPairs};
use cognito_types::{PrincipalTags, TokenDuration};

/// How long a token of `GetOpenIdToken` lives.
const OPEN_ID_TOKEN_LIFE: Duration = Duration::from_secs(600);

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

pub(super) fn get_open_id_token_for_developer_identity(call: &OperationContext<'_>) -> OperationResult {
    let input: DeveloperInput = validation::parse(call.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let wanted = validation::optional_identity_id(input.identity_id)?;
    validation::required("logins", input.logins.as_ref())?;
    let logins = validation::logins(input.logins)?;
    let tags = validation::principal_tags(input.principal_tags)?;
    let life = token_duration(input.token_duration)?.as_duration();

    let (identity, amr) = {
        let mut state = call.state();
        let pool = state.pool(&pool_id)?;
        let DeveloperLogins { developer, public } = sort_developer_logins(&pool, logins, call.now)?;
        let mut amr = vec![
            AUTHENTICATED.to_owned(),
            developer.provider.clone(),
            format!("{}:{pool_id}:{}", developer.provider, developer.user),
        ];
        amr.extend(public.iter().map(|login| login.provider.clone()));
        (state.register_developer_user(&pool, wanted.as_ref(), developer, public, call.now)?, amr)
    };
    mint(call, &TokenSpec { pool: &pool_id, identity: &identity, amr, tags: &tags, life })
}

fn token_duration(seconds: Option<i64>) -> Result<TokenDuration, ApiError> {
    let Some(seconds) = seconds else { return Ok(TokenDuration::DEFAULT) };
    validation::range("tokenDuration", seconds, 1..=i64::from(TokenDuration::MAX_SECONDS))?;
    let parsed = u64::try_from(seconds).ok().and_then(|seconds| TokenDuration::parse(seconds).ok());
    parsed.ok_or_else(ApiError::internal)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ClientInput {
    identity_id: Option<String>,
    logins: Option<StringPairs>,
}

/// A token got for a token keeps its `amr`, but not its principal tags: AWS does not say, and losing rights
/// is the safer of the two.
pub(super) fn get_open_id_token(call: &OperationContext<'_>) -> OperationResult {
    let input: ClientInput = validation::parse(call.input)?;
    let id = validation::identity_id(input.identity_id)?;
    let IdentityAccess { identity, amr, .. } = enter(call, &id, validation::logins(input.logins)?)?;
    mint(
        call,
        &TokenSpec {
            pool: &identity.pool,
            identity: &identity.id,
            amr,
            tags: &PrincipalTags::none(),
            life: OPEN_ID_TOKEN_LIFE,
        },
    )
}

fn mint(call: &OperationContext<'_>, grant: &TokenSpec<'_>) -> OperationResult {
    let token = token::mint(&call.service.keys, grant, call.now, &call.minting)?;
    answer(&TokenOutput { identity_id: grant.identity.as_str(), token })
}
