//! Who is calling. Each configured way of authenticating looks at what a request presents, in turn, and says one of
//! four things: not mine, verified, refused, or cannot say. The first that does not say "not mine" decides.
//!
//! `presented` what is looked at · `carrier` where in it a credential is · one file a way ([`jwt`],
//! `introspection`, `forward`, `gateway`, `alb`, `static_key`, `certificate`) · `service` backends that act for users ·
//! `header_claims` claims in headers · `asked` what those have in common that ask somebody else · `vouch` how verified
//! claims become a [`Caller`] · `users` what the user is called · `remembered` what was verified a moment ago. Nothing
//! here knows HTTP's server.

mod act_as;
mod alb;
mod caller;
mod client_certificate;
mod credential_cache;
mod credential_source;
mod forward_auth;
mod gateway;
mod header_claims;
mod introspection;
pub mod jwt;
mod rejection;
mod remote_verifier;
mod request;
mod static_key;
mod user_id;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use act_as::{ActAsError, ServiceCaller, Subject, UserPattern};
use alb::AlbAuthenticator;
use caller::CallerBuilder;
use client_certificate::CertificateAuthenticator;
pub use client_certificate::CertificateMatcher;
use credential_cache::CredentialCache;
pub use credential_source::CredentialSource;
use forward_auth::ForwardAuthenticator;
use gateway::GatewayAuthenticator;
use introspection::IntrospectionAuthenticator;
use jwt::JwtAuthenticator;
pub use rejection::RejectionReason;
pub use remote_verifier::probe_endpoint;
pub use request::{AuthRequest, HeaderView};
use static_key::StaticKeyAuthenticator;
pub use user_id::UserIdMapper;

use crate::bookmark::LastEntryHint;
use crate::claims::Claims;
use crate::config::{AuthSettings, AuthenticatorSettings, UsersSettings};
use crate::jws::{KeysError, VerifyError};
use crate::metrics::Metrics;
use crate::metrics::labels::AuthOutcome;
use clock::{SharedClock, Timestamp};

/// A caller whose credential was verified. Can only be made by a way of authenticating.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For whom the caller acts.
    pub subject: Subject,
    /// The name of the way by which the caller was verified.
    pub authenticator: Arc<str>,
    /// Who vouches for the user.
    pub issuer: Arc<str>,
    /// What the credential says of the caller, as far as it counts for what the caller may have. Verified.
    pub claims: Claims,
    /// When the credential ends, if it says so.
    pub expires_at: Option<Timestamp>,
    /// What the caller's last request led to, for as long as the caller is remembered.
    pub bookmark: LastEntryHint,
}

/// What a way of authenticating says of what is presented.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// There is nothing of its kind that counts in such a request, or nothing from its issuer; and which of them.
    NotMine(RejectionReason),
    /// This is who calls.
    Verified(Arc<Caller>),
    /// No.
    Refused(RejectionReason),
    /// It cannot be judged now: what it is judged by could not be had.
    CannotSay,
}

impl Verdict {
    /// What is said of a credential that was not even read. A cookie that another page may have had sent counts for
    /// nothing at all: no more than none, and no less, where the request has somebody's own credential beside it.
    fn of_unread(refusal: RejectionReason) -> Self {
        if refusal == RejectionReason::CrossSite { Self::NotMine(refusal) } else { Self::Refused(refusal) }
    }
}

impl From<VerifyError> for Verdict {
    fn from(unproven: VerifyError) -> Self {
        match unproven {
            VerifyError::Algorithm => Self::Refused(RejectionReason::Algorithm),
            VerifyError::UnknownKey => Self::Refused(RejectionReason::UnknownKey),
            VerifyError::Signature => Self::Refused(RejectionReason::Signature),
            VerifyError::CannotSay => Self::CannotSay,
        }
    }
}

/// Why there is no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The credential was refused.
    #[error("refused: {}", .0.detail())]
    Rejected(RejectionReason),
    /// It cannot be judged now. Worth another try.
    #[error("what the credential is judged by could not be had")]
    Unavailable,
}

impl AuthError {
    /// How it is counted.
    pub fn outcome(self) -> AuthOutcome {
        match self {
            Self::Rejected(refusal) => refusal.outcome(),
            Self::Unavailable => AuthOutcome::Unavailable,
        }
    }
}

#[derive(Debug)]
enum AuthenticatorKind {
    // Those in boxes are many times as large as the others.
    Jwt(Box<JwtAuthenticator>),
    Introspection(IntrospectionAuthenticator),
    Forward(ForwardAuthenticator),
    Gateway(Box<GatewayAuthenticator>),
    Alb(Box<AlbAuthenticator>),
    StaticKey(StaticKeyAuthenticator),
    Certificate(CertificateAuthenticator),
}

impl AuthenticatorKind {
    async fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        match self {
            Self::Jwt(way) => way.judge(presented).await,
            // In boxes: what waits for somebody else is large, and nobody else should carry it about.
            Self::Introspection(way) => Box::pin(way.judge(presented)).await,
            Self::Forward(way) => Box::pin(way.judge(presented)).await,
            Self::Gateway(way) => way.judge(presented),
            Self::Alb(way) => Box::pin(way.judge(presented)).await,
            Self::StaticKey(way) => way.judge(presented),
            Self::Certificate(way) => way.judge(presented),
        }
    }

    /// Whether it has what it judges by. What is asked anew for each credential shows only then.
    fn is_ready(&self) -> bool {
        match self {
            Self::Jwt(way) => way.has_keys(),
            Self::Introspection(_)
            | Self::Forward(_)
            | Self::Gateway(_)
            | Self::Alb(_)
            | Self::StaticKey(_)
            | Self::Certificate(_) => true,
        }
    }

    fn takes_cookies(&self) -> bool {
        match self {
            Self::Jwt(way) => way.takes_cookies(),
            Self::Introspection(way) => way.takes_cookies(),
            Self::Forward(way) => way.takes_cookies(),
            // What cookies their sessions have is the gateway's own business.
            Self::Gateway(_) | Self::Alb(_) | Self::Certificate(_) => false,
            Self::StaticKey(way) => way.takes_cookies(),
        }
    }

    fn keys_age(&self) -> Option<Duration> {
        match self {
            Self::Jwt(way) => way.keys_age(),
            Self::Introspection(_)
            | Self::Forward(_)
            | Self::Gateway(_)
            | Self::Alb(_)
            | Self::StaticKey(_)
            | Self::Certificate(_) => None,
        }
    }
}

/// The certificates by which gateways are known.
fn gateways_certificates(settings: &[AuthSettings]) -> Vec<CertificateMatcher> {
    let of_one = |way: &AuthSettings| match &way.kind {
        AuthenticatorSettings::Gateway(gateway) => gateway.certificates.clone(),
        _ => Vec::new(),
    };
    settings.iter().flat_map(of_one).collect()
}

/// All configured ways, in order.
#[derive(Debug)]
pub struct AuthenticatorChain {
    ways: Vec<AuthenticatorKind>,
    remembered: Arc<CredentialCache>,
    users: Arc<UserIdMapper>,
    metrics: Arc<Metrics>,
}

impl AuthenticatorChain {
    /// Prepares every way; those with keys to fetch fetch them once, and go on trying behind if that fails.
    /// `wanted`: the claims by which pools decide what they grant. `room`: how many verified credentials are
    /// remembered.
    ///
    /// # Errors
    /// A key file cannot be read or holds no key for the algorithms, or no HTTPS client can be made.
    pub async fn start(
        settings: &[AuthSettings],
        users: &UsersSettings,
        wanted: BTreeSet<Box<str>>,
        room: u64,
        clock: &SharedClock,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let (users, wanted) = (Arc::new(UserIdMapper::new(users)), Arc::new(wanted));
        let remembered = Arc::new(CredentialCache::new(room, clock.clone()));
        let mut ways = Vec::new();
        for (way, place) in settings.iter().zip(0_u16..) {
            let vouch = CallerBuilder::new(way.clone(), users.clone(), wanted.clone());
            let (memory, clock) = ((place, remembered.clone()), clock.clone());
            ways.push(match way.kind.clone() {
                AuthenticatorSettings::Jwt(jwt) => AuthenticatorKind::Jwt(Box::new(
                    JwtAuthenticator::start(vouch, jwt, memory, clock, metrics.clone()).await?,
                )),
                AuthenticatorSettings::Introspection(asked) => AuthenticatorKind::Introspection(
                    IntrospectionAuthenticator::new(vouch, asked, memory, clock)?,
                ),
                AuthenticatorSettings::Forward(asked) => {
                    AuthenticatorKind::Forward(ForwardAuthenticator::new(vouch, asked, memory, clock)?)
                }
                AuthenticatorSettings::Gateway(gateway) => {
                    AuthenticatorKind::Gateway(Box::new(GatewayAuthenticator::new(vouch, gateway)))
                }
                AuthenticatorSettings::StaticKey(keys) => {
                    AuthenticatorKind::StaticKey(StaticKeyAuthenticator::new(&vouch, keys))
                }
                AuthenticatorSettings::Certificate(names) => AuthenticatorKind::Certificate(
                    CertificateAuthenticator::new(&vouch, names, gateways_certificates(settings)),
                ),
                AuthenticatorSettings::Alb(alb) => AuthenticatorKind::Alb(Box::new(AlbAuthenticator::new(
                    vouch,
                    alb,
                    memory,
                    clock,
                    metrics.clone(),
                )?)),
            });
        }
        Ok(Self { ways, users, remembered, metrics: metrics.clone() })
    }

    /// Finds out who calls.
    ///
    /// # Errors
    /// The credential was refused, or cannot be judged now.
    pub async fn authenticate(&self, presented: &AuthRequest<'_>) -> Result<Arc<Caller>, AuthError> {
        let result = self.judge(presented).await;
        self.metrics.auth_total.count(match &result {
            Ok(_) => AuthOutcome::Verified,
            Err(error) => error.outcome(),
        });
        result
    }

    async fn judge(&self, presented: &AuthRequest<'_>) -> Result<Arc<Caller>, AuthError> {
        let mut nobodys = RejectionReason::Missing;
        for way in &self.ways {
            match way.judge(presented).await {
                // A credential of a stranger's is more than none at all.
                Verdict::NotMine(RejectionReason::Missing) => {}
                Verdict::NotMine(refusal) => nobodys = refusal,
                Verdict::Verified(caller) => return Ok(caller),
                Verdict::Refused(refusal) => return Err(AuthError::Rejected(refusal)),
                Verdict::CannotSay => return Err(AuthError::Unavailable),
            }
        }
        Err(AuthError::Rejected(nobodys))
    }

    /// What the app's users are called towards Cognito.
    pub fn user_ids(&self) -> &UserIdMapper {
        &self.users
    }

    /// Whether a cookie of the request's can say who calls.
    pub fn takes_cookies(&self) -> bool {
        self.ways.iter().any(AuthenticatorKind::takes_cookies)
    }

    /// Whether every way has what it judges by.
    pub fn is_ready(&self) -> bool {
        self.ways.iter().all(AuthenticatorKind::is_ready)
    }

    /// Brings the gauges up to date that nobody counts as they change.
    pub fn sample(&self) {
        let oldest = self.ways.iter().filter_map(AuthenticatorKind::keys_age).max();
        self.metrics.jwks_age_seconds.set(oldest.map_or(0.0, |age| age.as_secs_f64()));
        self.metrics.remembered_credentials.set(i64::try_from(self.remembered.count()).unwrap_or(i64::MAX));
    }
}
