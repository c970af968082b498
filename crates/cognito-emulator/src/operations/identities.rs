//! Finding, entering and looking up identities.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::OperationContext;
use super::pagination::{self, MOST_RESULTS};
use crate::logins::{ClientLogins, sort_client_logins};
use crate::protocol::{ApiError, OperationResult, answer};
use crate::state::{Identity, Login};
use crate::token::{IncomingToken, TokenError};
use crate::validation::{self, StringPairs};
use cognito_types::{IdentityId, PrincipalTags};

/// What `amr` begins with where somebody has signed in.
pub(super) const AUTHENTICATED: &str = "authenticated";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetIdInput {
    account_id: Option<String>,
    identity_pool_id: Option<String>,
    logins: Option<StringPairs>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetIdOutput<'a> {
    identity_id: &'a str,
}

pub(super) fn get_id(call: &OperationContext<'_>) -> OperationResult {
    let input: GetIdInput = validation::parse(call.input)?;
    if let Some(account) = &input.account_id {
        validation::length("accountId", account, 1..=15)?;
        validation::characters("accountId", account, r"\d+", |c| c.is_ascii_digit())?;
        if *account != call.service.account_id {
            return Err(ApiError::not_authorized("The identity pool is another account's."));
        }
    }
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let logins = validation::logins(input.logins)?;

    let mut state = call.state();
    let pool = state.pool(&pool_id)?;
    match sort_client_logins(&pool, logins, call.now)? {
        ClientLogins::Public(logins) => {
            let id = state.find_or_create(&pool, logins, call.now)?;
            answer(&GetIdOutput { identity_id: id.as_str() })
        }
        ClientLogins::OwnToken(_) => {
            Err(ApiError::not_authorized("Invalid login token. Can't pass in a Cognito token."))
        }
    }
}

/// An identity that a client may act as, and how it proved that.
pub(super) struct IdentityAccess {
    pub(super) identity: Arc<Identity>,
    pub(super) amr: Vec<String>,
    /// Those of the token it came with.
    pub(super) tags: PrincipalTags,
}

impl IdentityAccess {
    /// Whether it is no guest's.
    pub(super) fn is_authenticated(&self) -> bool {
        self.amr.first().is_some_and(|reference| reference == AUTHENTICATED)
    }
}

/// Lets a client act as an identity, by its logins or as a guest. Logins that are new are linked along.
pub(super) fn enter(
    call: &OperationContext<'_>,
    id: &IdentityId,
    logins: Vec<(String, String)>,
) -> Result<IdentityAccess, ApiError> {
    let mut state = call.state();
    let identity = state.open_identity(id)?;
    let pool = state.pool(&identity.pool)?;
    match sort_client_logins(&pool, logins, call.now)? {
        ClientLogins::Public(logins) => {
            let amr = amr_of(&logins);
            state.enter(&pool, &identity, logins, call.now)?;
            Ok(IdentityAccess { identity, amr, tags: PrincipalTags::none() })
        }
        ClientLogins::OwnToken(token) => {
            drop(state);
            enter_by_own_token(call, identity, &token)
        }
    }
}

/// The identity, if these logins prove that the client may act as it. Links nothing.
pub(super) fn prove(
    call: &OperationContext<'_>,
    id: &IdentityId,
    logins: Vec<(String, String)>,
) -> Result<Arc<Identity>, ApiError> {
    let state = call.state();
    let identity = state.open_identity(id)?;
    let pool = state.pool(&identity.pool)?;
    match sort_client_logins(&pool, logins, call.now)? {
        ClientLogins::Public(logins) => {
            state.prove(&pool, &identity, &logins)?;
            Ok(identity)
        }
        ClientLogins::OwnToken(token) => {
            drop(state);
            enter_by_own_token(call, identity, &token).map(|entrance| entrance.identity)
        }
    }
}

/// Checks a signature, and so wants the state unlocked.
fn enter_by_own_token(
    call: &OperationContext<'_>,
    identity: Arc<Identity>,
    token: &str,
) -> Result<IdentityAccess, ApiError> {
    let refuse = |why: &str| ApiError::not_authorized(format!("Invalid login token. {why}"));
    let presented =
        IncomingToken::read(&call.service.keys, token, call.now).map_err(|fault| match fault {
            TokenError::Shapeless => refuse("Not a valid OpenId Connect identity token."),
            TokenError::Unsigned => refuse("Couldn't verify signed token."),
            TokenError::Foreign => refuse("Issuer doesn't match providerName."),
            TokenError::Expired { now, exp } => refuse(&format!("Token expired: {now} >= {exp}")),
        })?;
    if presented.aud != identity.pool.as_str() {
        return Err(refuse("Incorrect token audience."));
    }
    if presented.sub != identity.id.as_str() {
        return Err(refuse("The token is another identity's."));
    }
    Ok(IdentityAccess { identity, amr: presented.amr, tags: presented.tags })
}

fn amr_of(logins: &[Login]) -> Vec<String> {
    let standing = if logins.is_empty() { "unauthenticated" } else { AUTHENTICATED };
    std::iter::once(standing.to_owned()).chain(logins.iter().map(|login| login.provider.clone())).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LookupInput {
    identity_pool_id: Option<String>,
    identity_id: Option<String>,
    developer_user_identifier: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LookupOutput<'a> {
    identity_id: &'a str,
    developer_user_identifier_list: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// By the identity or by one user: all users of the identity. By both: that user, if the two belong
/// together.
pub(super) fn lookup_developer_identity(call: &OperationContext<'_>) -> OperationResult {
    let input: LookupInput = validation::parse(call.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let wanted = validation::optional_identity_id(input.identity_id)?;
    let user = input.developer_user_identifier;
    if let Some(user) = &user {
        validation::length("developerUserIdentifier", user, 1..=1024)?;
    }

    let state = call.state();
    let pool = state.pool(&pool_id)?;
    let provider = pool.settings.developer_provider_name.as_deref().unwrap_or_default();
    let owner = |user: &str| {
        let login = Login { provider: provider.to_owned(), user: user.to_owned() };
        state.owner(&pool, &login).ok_or_else(|| ApiError::not_found("Developer user identifier not found."))
    };
    let both = wanted.is_some() && user.is_some();
    let identity = match (&wanted, &user) {
        (None, None) => {
            return Err(ApiError::invalid_parameter(
                "Either IdentityId or DeveloperUserIdentifier must be given.",
            ));
        }
        (None, Some(user)) => state.identity(owner(user)?)?,
        (Some(id), None) => state.identity_of(&pool, id)?,
        (Some(id), Some(user)) => {
            let identity = state.identity_of(&pool, id)?;
            if owner(user).ok() != Some(id) {
                return Err(ApiError::conflict("The developer user identifier is not the identity's."));
            }
            identity
        }
    };

    let users: BTreeSet<_> = identity
        .logins
        .iter()
        .filter(|login| login.provider == provider)
        .map(|login| login.user.as_str())
        .filter(|linked| !both || user.as_deref() == Some(*linked))
        .collect();
    let max_results = input.max_results.unwrap_or(MOST_RESULTS);
    let page = pagination::page(users, |user| user, max_results, input.next_token.as_deref())?;
    answer(&LookupOutput {
        identity_id: identity.id.as_str(),
        developer_user_identifier_list: page.items,
        next_token: page.next_token,
    })
}
