//! Authentication: a chain of authenticators, tried in order. Each one verifies one kind of credential, and returns a
//! verified caller or declines: not applicable, rejected or unavailable. The first result that is not "not applicable"
//! decides.
//!
//! `request` the parts of a request that are read · `credential_source` where in it a credential is · one file for each
//! authenticator ([`jwt`], `introspection`, `forward_auth`, `gateway`, `alb`, `static_key`, `client_certificate`) ·
//! `act_as` services that act as users · `header_claims` claims in headers · `remote_verifier` verification by an
//! endpoint of the app · `caller` the result, and `caller_builder` which builds it from verified claims · `user_id` the
//! developer user identifier · `credential_cache` the verified credentials. Nothing here depends on the HTTP server.

mod act_as;
mod alb;
mod caller;
mod caller_builder;
mod certificate_matcher;
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
mod settings;
mod static_key;
mod user_id;

use std::collections::BTreeSet;
use std::sync::Arc;

use jose::{KeyProvider, KeysError};

pub use act_as::{ActAsError, ServiceCaller, UserPattern};
use alb::AlbAuthenticator;
use caller::Declined;
pub use caller::{Caller, Subject};
use caller_builder::CallerBuilder;
pub use certificate_matcher::CertificateMatcher;
use client_certificate::CertificateAuthenticator;
use credential_cache::CredentialCache;
pub use credential_source::CredentialSource;
use forward_auth::ForwardAuthenticator;
use gateway::GatewayAuthenticator;
use introspection::IntrospectionAuthenticator;
use jwt::JwtAuthenticator;
pub use rejection::RejectionReason;
pub use remote_verifier::probe_endpoint;
pub use request::{AuthRequest, HeaderView};
use settings::AuthenticatorSettings as Kind;
pub use settings::{
    ActAsSettings, AlbSettings, AuthSettings, AuthenticatorSettings, ClaimsFrom, ForwardSettings, GatewaySecret,
    GatewaySettings, IntrospectionSettings, JwtSettings, RemoteCheckSettings, StaticKeySettings, UsersSettings,
};
use static_key::StaticKeyAuthenticator;
pub use user_id::UserIdMapper;

use crate::metrics::Metrics;
use crate::metrics::labels::AuthOutcome;
use clock::SharedClock;

/// Why a request has no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("rejected: {}", .0.detail())]
    Rejected(RejectionReason),
    /// The credential cannot be verified now. The client may retry.
    #[error("the keys or the endpoint that verify the credential are not available")]
    Unavailable,
}

#[derive(Debug)]
enum Authenticator {
    // The boxed ones are many times as large as the others.
    Jwt(Box<JwtAuthenticator>),
    Introspection(IntrospectionAuthenticator),
    ForwardAuth(ForwardAuthenticator),
    Gateway(Box<GatewayAuthenticator>),
    Alb(Box<AlbAuthenticator>),
    StaticKey(StaticKeyAuthenticator),
    ClientCertificate(CertificateAuthenticator),
}

impl Authenticator {
    async fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        match self {
            Self::Jwt(jwt) => jwt.authenticate(request).await,
            // Boxed: the futures that wait for an endpoint are large, and the other authenticators should not pay.
            Self::Introspection(introspection) => Box::pin(introspection.authenticate(request)).await,
            Self::ForwardAuth(forward) => Box::pin(forward.authenticate(request)).await,
            Self::Gateway(gateway) => gateway.authenticate(request),
            Self::Alb(alb) => Box::pin(alb.authenticate(request)).await,
            Self::StaticKey(static_key) => static_key.authenticate(request),
            Self::ClientCertificate(certificate) => certificate.authenticate(request),
        }
    }

    /// The fetched key set, if it has one. The others always count as able to verify credentials.
    fn keys(&self) -> Option<&KeyProvider> {
        match self {
            Self::Jwt(jwt) => Some(jwt.keys()),
            _ => None,
        }
    }
}

/// The client certificates of all gateways.
fn gateway_certificates(settings: &[AuthSettings]) -> Vec<CertificateMatcher> {
    let of_one = |settings: &AuthSettings| match &settings.kind {
        Kind::Gateway(gateway) => gateway.certificates.clone(),
        _ => Vec::new(),
    };
    settings.iter().flat_map(of_one).collect()
}

/// All configured authenticators, in order.
#[derive(Debug)]
pub struct AuthenticatorChain {
    authenticators: Vec<Authenticator>,
    cache: Arc<CredentialCache>,
    user_ids: Arc<UserIdMapper>,
    takes_cookies: bool,
    metrics: Arc<Metrics>,
}

impl AuthenticatorChain {
    /// Prepares all authenticators. Keys are fetched once, and after a failure again in the background. Must be called
    /// on a Tokio runtime that outlives the requests.
    ///
    /// `used_claims`: the claims that authorization uses. `cache_capacity`: how many verified credentials are cached.
    ///
    /// # Errors
    /// A key file cannot be read or has no key for the algorithms, or no HTTPS client can be created.
    pub async fn start(
        settings: &[AuthSettings],
        users: &UsersSettings,
        used_claims: BTreeSet<Box<str>>,
        cache_capacity: u64,
        clock: &SharedClock,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let user_ids = Arc::new(UserIdMapper::new(users.pseudonym_key.as_ref()));
        let used_claims = Arc::new(used_claims);
        let credentials = Arc::new(CredentialCache::new(cache_capacity, clock.clone()));
        let mut authenticators = Vec::new();
        for (one, index) in settings.iter().zip(0_u16..) {
            let callers = CallerBuilder::new(one.clone(), user_ids.clone(), used_claims.clone());
            let (cache, clock, metrics) = (credentials.scoped(index), clock.clone(), metrics.clone());
            authenticators.push(match one.kind.clone() {
                Kind::Jwt(jwt) => {
                    let jwt = JwtAuthenticator::start(callers, jwt, cache, clock, metrics).await?;
                    Authenticator::Jwt(Box::new(jwt))
                }
                Kind::Introspection(remote) => {
                    Authenticator::Introspection(IntrospectionAuthenticator::new(callers, remote, cache, clock)?)
                }
                Kind::ForwardAuth(remote) => {
                    Authenticator::ForwardAuth(ForwardAuthenticator::new(callers, remote, cache, clock)?)
                }
                Kind::Gateway(gateway) => Authenticator::Gateway(Box::new(GatewayAuthenticator::new(callers, gateway))),
                Kind::Alb(alb) => {
                    Authenticator::Alb(Box::new(AlbAuthenticator::new(callers, alb, cache, clock, metrics)?))
                }
                Kind::StaticKey(keys) => Authenticator::StaticKey(StaticKeyAuthenticator::new(&callers, keys)),
                Kind::ClientCertificate(certificates) => {
                    let gateways = gateway_certificates(settings);
                    let authenticator = CertificateAuthenticator::new(&callers, certificates, gateways);
                    Authenticator::ClientCertificate(authenticator)
                }
            });
        }
        let takes_cookies = settings.iter().any(|one| one.kind.takes_cookies());
        Ok(Self { authenticators, cache: credentials, user_ids, takes_cookies, metrics: metrics.clone() })
    }

    /// The verified caller of a request.
    ///
    /// # Errors
    /// The credential was rejected, or cannot be verified now.
    pub async fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, AuthError> {
        let result = self.try_in_order(request).await;
        self.metrics.authentications_total.count(match &result {
            Ok(_) => AuthOutcome::Verified,
            Err(AuthError::Rejected(reason)) => AuthOutcome::Rejected(*reason),
            Err(AuthError::Unavailable) => AuthOutcome::Unavailable,
        });
        result
    }

    async fn try_in_order(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, AuthError> {
        let mut not_applicable = RejectionReason::Missing;
        for authenticator in &self.authenticators {
            match authenticator.authenticate(request).await {
                Ok(caller) => return Ok(caller),
                // A credential of an unknown issuer is reported rather than a missing one.
                Err(Declined::NotApplicable(RejectionReason::Missing)) => {}
                Err(Declined::NotApplicable(reason)) => not_applicable = reason,
                Err(Declined::Rejected(reason)) => return Err(AuthError::Rejected(reason)),
                Err(Declined::Unavailable) => return Err(AuthError::Unavailable),
            }
        }
        Err(AuthError::Rejected(not_applicable))
    }

    /// The mapping of the app's user ids to developer user identifiers.
    pub fn user_ids(&self) -> &UserIdMapper {
        &self.user_ids
    }

    /// Whether an authenticator reads a cookie.
    pub fn takes_cookies(&self) -> bool {
        self.takes_cookies
    }

    /// Whether all authenticators can verify credentials.
    pub fn is_ready(&self) -> bool {
        self.keys().all(KeyProvider::is_loaded)
    }

    /// Updates the gauges that are computed on demand.
    pub fn sample(&self) {
        let oldest = self.keys().filter_map(KeyProvider::age).max();
        self.metrics.jwks_age_seconds.set(oldest.map_or(0.0, |age| age.as_secs_f64()));
        self.metrics.auth_cache_entries.set(i64::try_from(self.cache.count()).unwrap_or(i64::MAX));
    }

    fn keys(&self) -> impl Iterator<Item = &KeyProvider> {
        self.authenticators.iter().filter_map(Authenticator::keys)
    }
}
