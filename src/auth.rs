//! Who is calling. Each configured way of authenticating looks at the credential in turn and says one of four
//! things: not mine, verified, refused, or cannot say. The first that does not say "not mine" decides.
//!
//! There is one way so far, a bearer JWT ([`jwt`]); each further one is a file beside it and a variant of
//! `Way`. Nothing here knows HTTP: the caller hands in the credential's text.

pub mod jwt;
mod users;

use std::sync::Arc;

use jwt::JwtWay;
pub use users::Users;

use crate::claims::Claims;
use crate::clock::{SharedClock, Timestamp};
use crate::config::{AuthSettings, UsersSettings};
use crate::identity::DeveloperUserId;
use crate::jws::KeysError;
use crate::metrics::Metrics;
use crate::metrics::labels::AuthOutcome;

/// A caller whose credential was verified. Can only be made by a way of authenticating.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user that the token is for.
    pub user: DeveloperUserId,
    /// The name of the way by which the caller was verified.
    pub way: Arc<str>,
    /// Who vouches for the user: the issuer of the credential.
    pub issuer: Arc<str>,
    /// What the credential says of the caller. Verified.
    pub claims: Claims,
    /// When the credential ends.
    pub expires_at: Timestamp,
}

/// Why a credential was refused. The caller learns no more than [`Refusal::detail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There was none.
    Missing,
    /// It is not of the form that it must have, or there was more than one.
    Malformed,
    /// Its signing algorithm is not allowed.
    Algorithm,
    /// It names a key that the app does not publish.
    UnknownKey,
    /// Its signature does not fit.
    Signature,
    /// It comes from an issuer that is not configured.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// It has ended.
    Expired,
    /// It does not count yet.
    NotYetValid,
    /// The claim that names the user is missing or unfit.
    User,
}

impl Refusal {
    /// What the caller is told.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Missing => "send your app's own token: Authorization: Bearer TOKEN",
            Self::Malformed => "the bearer token is malformed, or there is more than one",
            Self::Algorithm => "the bearer token is signed with an algorithm that is not accepted",
            Self::UnknownKey => "the bearer token is signed with a key that is not known",
            Self::Signature => "the bearer token's signature is not valid",
            Self::Issuer => "the bearer token's issuer is not accepted",
            Self::Audience => "the bearer token is meant for another audience",
            Self::Expired => "the bearer token has expired",
            Self::NotYetValid => "the bearer token is not valid yet",
            Self::User => "the bearer token does not name a user in a form that is accepted",
        }
    }

    /// How it is counted.
    fn outcome(self) -> AuthOutcome {
        match self {
            Self::Missing => AuthOutcome::Missing,
            Self::Malformed => AuthOutcome::Malformed,
            Self::Algorithm => AuthOutcome::Algorithm,
            Self::UnknownKey => AuthOutcome::UnknownKey,
            Self::Signature => AuthOutcome::Signature,
            Self::Issuer => AuthOutcome::Issuer,
            Self::Audience => AuthOutcome::Audience,
            Self::Expired => AuthOutcome::Expired,
            Self::NotYetValid => AuthOutcome::NotYetValid,
            Self::User => AuthOutcome::User,
        }
    }
}

/// What a way of authenticating says of a credential.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The credential is not of its kind or from its issuer.
    NotMine,
    /// This is who calls.
    Verified(Caller),
    /// No.
    Refused(Refusal),
    /// It cannot be judged now: what it is judged by could not be had.
    CannotSay,
}

/// Why there is no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The credential was refused.
    #[error("refused: {}", .0.detail())]
    Refused(Refusal),
    /// It cannot be judged now. Worth another try.
    #[error("the keys to judge the credential by could not be had")]
    CannotSay,
}

impl AuthError {
    /// How it is counted.
    pub fn outcome(self) -> AuthOutcome {
        match self {
            Self::Refused(refusal) => refusal.outcome(),
            Self::CannotSay => AuthOutcome::Unavailable,
        }
    }
}

#[derive(Debug)]
enum Way {
    Jwt(JwtWay),
}

/// All configured ways, in order.
#[derive(Debug)]
pub struct Authenticator {
    ways: Vec<Way>,
    metrics: Arc<Metrics>,
}

impl Authenticator {
    /// Prepares every way; those with keys to fetch fetch them once, and go on trying behind if that fails.
    ///
    /// # Errors
    /// A key file cannot be read or holds no key for the algorithms, or no HTTPS client can be made.
    pub async fn start(
        settings: &[AuthSettings],
        users: &UsersSettings,
        clock: &SharedClock,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let users = Arc::new(Users::new(users));
        let mut ways = Vec::new();
        for way in settings {
            let (users, clock, metrics) = (users.clone(), clock.clone(), metrics.clone());
            let jwt = JwtWay::start(&way.name, &way.jwt, users, clock, metrics).await?;
            ways.push(Way::Jwt(jwt));
        }
        Ok(Self { ways, metrics: metrics.clone() })
    }

    /// Finds out who calls, from the values of the request's `Authorization` headers.
    ///
    /// # Errors
    /// The credential was refused, or cannot be judged now.
    pub async fn authenticate<'a>(
        &self,
        headers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Caller, AuthError> {
        let result = match bearer(headers) {
            Ok(bearer) => self.judge(bearer).await,
            Err(refusal) => Err(AuthError::Refused(refusal)),
        };
        self.metrics.auth_total.count(match &result {
            Ok(_) => AuthOutcome::Verified,
            Err(error) => error.outcome(),
        });
        result
    }

    async fn judge(&self, bearer: &str) -> Result<Caller, AuthError> {
        for way in &self.ways {
            let Way::Jwt(jwt) = way;
            match jwt.judge(bearer).await {
                Verdict::NotMine => {}
                Verdict::Verified(caller) => return Ok(caller),
                Verdict::Refused(refusal) => return Err(AuthError::Refused(refusal)),
                Verdict::CannotSay => return Err(AuthError::CannotSay),
            }
        }
        // A JWT is not a way's own only where its issuer is another.
        Err(AuthError::Refused(Refusal::Issuer))
    }

    /// Whether every way has what it judges by.
    pub fn is_ready(&self) -> bool {
        self.ways.iter().all(|Way::Jwt(jwt)| jwt.has_keys())
    }

    /// Brings the gauges up to date that nobody counts as they change.
    pub fn sample(&self) {
        let oldest = self.ways.iter().filter_map(|Way::Jwt(jwt)| jwt.keys_age()).max();
        self.metrics.jwks_age_seconds.set(oldest.map_or(0.0, |age| age.as_secs_f64()));
    }
}

/// The one bearer token of a request. Two are none: the service and whatever stands before it might not pick
/// the same one.
fn bearer<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<&'a str, Refusal> {
    let mut headers = headers.into_iter();
    let value = headers.next().ok_or(Refusal::Missing)?;
    if headers.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let value = std::str::from_utf8(value).map_err(|_| Refusal::Malformed)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim_matches(' ');
            if token.is_empty() || token.contains([' ', ',']) { Err(Refusal::Malformed) } else { Ok(token) }
        }
        _ if value.eq_ignore_ascii_case("bearer") => Err(Refusal::Malformed),
        // Another scheme (Basic, …) is somebody else's credential.
        _ => Err(Refusal::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_exactly_one_bearer_token_or_none_that_counts() {
        let of = |values: &[&'static str]| bearer(values.iter().map(|value| value.as_bytes()));
        assert_eq!(of(&["Bearer a.b.c"]), Ok("a.b.c"));
        assert_eq!(of(&["bearer  a.b.c "]), Ok("a.b.c"));
        assert_eq!(of(&[]), Err(Refusal::Missing));
        assert_eq!(of(&["Basic dXNlcg=="]), Err(Refusal::Missing));
        for bad in
            [&["Bearer a", "Bearer a"][..], &["Bearer"], &["Bearer "], &["Bearer a b"], &["Bearer a,b"]]
        {
            assert_eq!(of(bad), Err(Refusal::Malformed), "{bad:?}");
        }
    }
}
