//! Classification of a `Logins` map: developer provider, public providers, or the emulator's own tokens.

use crate::pool::Pool;
use crate::protocol::OperationError;
use crate::state::Login;
use crate::token::{OWN_PROVIDER, public_user};
use crate::validation;
use clock::Timestamp;

/// The logins of a request with developer credentials.
#[derive(Debug)]
pub(crate) struct DeveloperLogins {
    pub(crate) developer: Login,
    pub(crate) public: Vec<Login>,
}

/// Exactly one login is the developer provider's. The others are of public providers of the pool.
pub(crate) fn classify_developer_logins(
    pool: &Pool,
    logins: Vec<(String, String)>,
    now: Timestamp,
) -> Result<DeveloperLogins, OperationError> {
    let (developer, public): (Vec<_>, Vec<_>) =
        logins.into_iter().partition(|(name, _)| pool.has_developer_provider(name));
    // Provider names are unique, and a pool has one developer provider: there is at most one.
    let Some((provider, user)) = developer.into_iter().next() else {
        return Err(OperationError::invalid_parameter(
            "Please provide the pool's developer provider and a developer user identifier in Logins.",
        ));
    };
    validation::length("logins", &user, 1..=1024)?;
    Ok(DeveloperLogins { developer: Login { provider, user }, public: parse_public_logins(pool, public, now)? })
}

/// The logins of a request without credentials.
#[derive(Debug)]
pub(crate) enum ClientLogins {
    /// Public logins, or none: a guest.
    Public(Vec<Login>),
    /// A token that this emulator minted, under `cognito-identity.amazonaws.com`.
    OwnToken(String),
}

/// An own token cannot be combined with other logins: it already identifies the user.
pub(crate) fn classify_client_logins(
    pool: &Pool,
    mut logins: Vec<(String, String)>,
    now: Timestamp,
) -> Result<ClientLogins, OperationError> {
    match logins.iter().position(|(name, _)| name == OWN_PROVIDER) {
        Some(at) if logins.len() == 1 => Ok(ClientLogins::OwnToken(logins.swap_remove(at).1)),
        Some(_) => Err(OperationError::invalid_parameter(format!(
            "A login of {OWN_PROVIDER} can't be combined with other logins."
        ))),
        None => Ok(ClientLogins::Public(parse_public_logins(pool, logins, now)?)),
    }
}

fn parse_public_logins(
    pool: &Pool,
    logins: Vec<(String, String)>,
    now: Timestamp,
) -> Result<Vec<Login>, OperationError> {
    logins
        .into_iter()
        .map(|(provider, token)| {
            if pool.has_public_provider(&provider) {
                Ok(Login { provider, user: public_user(&token, now)? })
            } else {
                Err(OperationError::invalid_parameter("Please provide a valid public provider."))
            }
        })
        .collect()
}
