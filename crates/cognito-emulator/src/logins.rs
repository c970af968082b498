//! Sorts a `Logins` map: the pool's developer provider, public providers, or this emulator's own tokens.

use super::pool::Pool;
use super::protocol::ApiError;
use super::state::Login;
use super::token::{OWN_PROVIDER, public_user};
use super::validation;
use clock::Timestamp;

/// The logins of a call by developer credentials.
#[derive(Debug)]
pub(super) struct DeveloperLogins {
    pub(super) developer: Login,
    pub(super) public: Vec<Login>,
}

/// Exactly one login is the developer's, the others are of public providers that the pool knows.
pub(super) fn sort_developer_logins(
    pool: &Pool,
    logins: Vec<(String, String)>,
    now: Timestamp,
) -> Result<DeveloperLogins, ApiError> {
    let (developer, public): (Vec<_>, Vec<_>) =
        logins.into_iter().partition(|(name, _)| pool.has_developer_provider(name));
    // A provider's name can stand only once, and a pool has one developer provider: never two of them here.
    let Some((provider, user)) = developer.into_iter().next() else {
        return Err(ApiError::invalid_parameter(
            "Please provide the pool's developer provider and a developer user identifier in Logins.",
        ));
    };
    validation::length("logins", &user, 1..=1024)?;
    Ok(DeveloperLogins { developer: Login { provider, user }, public: to_public(pool, public, now)? })
}

/// The logins of a call without credentials.
#[derive(Debug)]
pub(super) enum ClientLogins {
    /// Public logins, or none at all: a guest.
    Public(Vec<Login>),
    /// A token that this emulator minted, under `cognito-identity.amazonaws.com`.
    OwnToken(String),
}

/// An own token stands alone: it already says who the user is.
pub(super) fn sort_client_logins(
    pool: &Pool,
    mut logins: Vec<(String, String)>,
    now: Timestamp,
) -> Result<ClientLogins, ApiError> {
    match logins.iter().position(|(name, _)| name == OWN_PROVIDER) {
        Some(at) if logins.len() == 1 => Ok(ClientLogins::OwnToken(logins.swap_remove(at).1)),
        Some(_) => Err(ApiError::invalid_parameter(format!(
            "A login of {OWN_PROVIDER} can't be combined with other logins."
        ))),
        None => Ok(ClientLogins::Public(to_public(pool, logins, now)?)),
    }
}

fn to_public(pool: &Pool, logins: Vec<(String, String)>, now: Timestamp) -> Result<Vec<Login>, ApiError> {
    logins
        .into_iter()
        .map(|(provider, token)| {
            if pool.has_public_provider(&provider) {
                Ok(Login { provider, user: public_user(&token, now)? })
            } else {
                Err(ApiError::invalid_parameter("Please provide a valid public provider."))
            }
        })
        .collect()
}
