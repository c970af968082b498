//! `GetId`, `LookupDeveloperIdentity`, and access to identities by logins.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use super::pagination::{self, MAX_RESULTS};
use crate::login_classification::{ClientLogins, classify_client_logins};
use crate::protocol::{OperationError, OperationResult, serialize};
use crate::state::{Identity, Login};
use crate::token::{IncomingToken, TokenError};
use crate::validation::{self, StringPairs};
use cognito_types::{IdentityId, PrincipalTags};

/// The first element of `amr` for authenticated identities.
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

pub(super) fn get_id(context: &OperationContext<'_>) -> OperationResult {
    let input: GetIdInput = validation::parse(context.input)?;
    if let Some(account) = &input.account_id {
        validation::length("accountId", account, 1..=15)?;
        validation::characters("accountId", account, r"\d+", |c| c.is_ascii_digit())?;
        if *account != context.emulator.account_id {
            return Err(OperationError::not_authorized("The identity pool is another account's."));
        }
    }
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let logins = validation::logins(input.logins)?;

    let mut state = context.state();
    let pool = state.pool(&pool_id)?;
    match classify_client_logins(&pool, logins, context.now)? {
        ClientLogins::Public(logins) => {
            let id = state.find_or_create(&pool, logins, context.now)?;
            serialize(&GetIdOutput { identity_id: id.as_str() })
        }
        ClientLogins::OwnToken(_) => {
            Err(OperationError::not_authorized("Invalid login token. Can't pass in a Cognito token."))
        }
    }
}

/// Access of a client to an identity.
pub(super) struct IdentityAccess {
    pub(super) identity: Arc<Identity>,
    pub(super) amr: Vec<String>,
    /// The tags of the presented token.
    pub(super) tags: PrincipalTags,
}

impl IdentityAccess {
    /// Whether the identity is not a guest.
    pub(super) fn is_authenticated(&self) -> bool {
        self.amr.first().is_some_and(|reference| reference == AUTHENTICATED)
    }
}

/// Resolves the access to an identity by logins or as a guest, and links new logins.
pub(super) fn resolve_access(
    context: &OperationContext<'_>,
    id: &IdentityId,
    logins: Vec<(String, String)>,
) -> Result<IdentityAccess, OperationError> {
    let mut state = context.state();
    let identity = state.enabled_identity(id)?;
    let pool = state.pool(&identity.pool)?;
    match classify_client_logins(&pool, logins, context.now)? {
        ClientLogins::Public(logins) => {
            let amr = build_amr(&logins);
            state.resolve_access(&pool, &identity, logins, context.now)?;
            Ok(IdentityAccess { identity, amr, tags: PrincipalTags::none() })
        }
        ClientLogins::OwnToken(token) => {
            drop(state);
            resolve_access_by_token(context, identity, &token)
        }
    }
}

/// Returns the identity if the logins grant access to it. Links nothing.
pub(super) fn check_access(
    context: &OperationContext<'_>,
    id: &IdentityId,
    logins: Vec<(String, String)>,
) -> Result<Arc<Identity>, OperationError> {
    let state = context.state();
    let identity = state.enabled_identity(id)?;
    let pool = state.pool(&identity.pool)?;
    match classify_client_logins(&pool, logins, context.now)? {
        ClientLogins::Public(logins) => {
            state.check_access(&pool, &identity, &logins)?;
            Ok(identity)
        }
        ClientLogins::OwnToken(token) => {
            drop(state);
            resolve_access_by_token(context, identity, &token).map(|access| access.identity)
        }
    }
}

/// Verifies a signature, so the state must not be locked.
fn resolve_access_by_token(
    context: &OperationContext<'_>,
    identity: Arc<Identity>,
    token: &str,
) -> Result<IdentityAccess, OperationError> {
    let reject = |why: &str| OperationError::not_authorized(format!("Invalid login token. {why}"));
    let incoming = IncomingToken::verify(&context.emulator.keys, token, context.now).map_err(|error| match error {
        TokenError::Malformed => reject("Not a valid OpenId Connect identity token."),
        TokenError::InvalidSignature => reject("Couldn't verify signed token."),
        TokenError::WrongIssuer => reject("Issuer doesn't match providerName."),
        TokenError::Expired { now, exp } => reject(&format!("Token expired: {now} >= {exp}")),
    })?;
    if incoming.aud != identity.pool.as_str() {
        return Err(reject("Incorrect token audience."));
    }
    if incoming.sub != identity.id.as_str() {
        return Err(reject("The token is another identity's."));
    }
    Ok(IdentityAccess { identity, amr: incoming.amr, tags: incoming.tags })
}

fn build_amr(logins: &[Login]) -> Vec<String> {
    let status = if logins.is_empty() { "unauthenticated" } else { AUTHENTICATED };
    std::iter::once(status.to_owned()).chain(logins.iter().map(|login| login.provider.clone())).collect()
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

/// By identity or by user: returns all users of the identity. By both: returns that user if it is linked to the
/// identity.
pub(super) fn lookup_developer_identity(context: &OperationContext<'_>) -> OperationResult {
    let input: LookupInput = validation::parse(context.input)?;
    let pool_id = validation::pool_id(input.identity_pool_id)?;
    let requested = validation::optional_identity_id(input.identity_id)?;
    let user = input.developer_user_identifier;
    if let Some(user) = &user {
        validation::length("developerUserIdentifier", user, 1..=1024)?;
    }

    let state = context.state();
    let pool = state.pool(&pool_id)?;
    let provider = pool.settings.developer_provider_name.as_deref().unwrap_or_default();
    let owner = |user: &str| {
        let login = Login { provider: provider.to_owned(), user: user.to_owned() };
        state.owner(&pool, &login).ok_or_else(|| OperationError::not_found("Developer user identifier not found."))
    };
    let both = requested.is_some() && user.is_some();
    let identity = match (&requested, &user) {
        (None, None) => {
            return Err(OperationError::invalid_parameter(
                "Either IdentityId or DeveloperUserIdentifier must be given.",
            ));
        }
        (None, Some(user)) => state.identity(owner(user)?)?,
        (Some(id), None) => state.identity_in(&pool, id)?,
        (Some(id), Some(user)) => {
            let identity = state.identity_in(&pool, id)?;
            if owner(user).ok() != Some(id) {
                return Err(OperationError::conflict("The developer user identifier is not the identity's."));
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
    let max_results = input.max_results.unwrap_or(MAX_RESULTS);
    let page = pagination::paginate(users, |user| user, max_results, input.next_token.as_deref())?;
    serialize(&LookupOutput {
        identity_id: identity.id.as_str(),
        developer_user_identifier_list: page.items,
        next_token: page.next_token,
    })
}
