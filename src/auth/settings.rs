//! Settings of authentication: how callers are verified, and what users are called in Cognito.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jose::{Algorithm, JwksSettings, KeySource};
use reqwest::header::HeaderName;

use super::act_as::UserPattern;
use super::certificate_matcher::CertificateMatcher;
use super::credential_source::CredentialSource;
use crate::claims::conditions::Conditions;
use crate::claims::template::Template;
use crate::secret::Secret;

/// How user ids are sent to Cognito.
#[derive(Debug, Clone, Default)]
pub struct UsersSettings {
    /// The key of the pseudonyms; if none, the result of the template `user_id` is sent unchanged.
    pub pseudonym_key: Option<Secret>,
}

/// One authenticator.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// NAME in `[auth.NAME]`.
    pub name: String,
    /// The issuer of its users: for JWTs, the only `iss` that is accepted.
    pub issuer: String,
    /// The template of user ids, with the issuer inserted. It always has a claim.
    pub user_id: Template,
    /// Conditions that the claims must meet.
    pub require: Conditions,
    /// How long a verified credential is cached at most; zero: not at all.
    pub cache_ttl: Duration,
    /// Which of its callers are services, which act as users; none: all callers are users.
    pub act_as: Option<ActAsSettings>,
    pub kind: AuthenticatorSettings,
}

/// The settings of one kind of authenticator.
#[derive(Debug, Clone)]
pub enum AuthenticatorSettings {
    /// A JWT signed by the app.
    Jwt(JwtSettings),
    /// An opaque token, verified by the app's introspection endpoint.
    Introspection(IntrospectionSettings),
    /// Any credential of the app, verified by an endpoint of the app.
    ForwardAuth(ForwardSettings),
    /// Headers that a gateway sets.
    Gateway(GatewaySettings),
    /// An assertion that an AWS load balancer signed.
    Alb(AlbSettings),
    /// The key of a service.
    StaticKey(StaticKeySettings),
    /// The certificate of a service, which matches any of these.
    ClientCertificate(Vec<CertificateMatcher>),
}

impl AuthenticatorSettings {
    /// Whether it reads its credential from a cookie. Cookies of a session that a gateway or load balancer keeps do
    /// not count: this service does not read them.
    pub(super) fn takes_cookies(&self) -> bool {
        match self {
            Self::Jwt(JwtSettings { credential_source, .. })
            | Self::Introspection(IntrospectionSettings { credential_source, .. })
            | Self::StaticKey(StaticKeySettings { credential_source, .. }) => {
                matches!(credential_source, CredentialSource::Cookie(_))
            }
            Self::ForwardAuth(forward) => !forward.forward_cookies.is_empty(),
            Self::Gateway(_) | Self::Alb(_) | Self::ClientCertificate(_) => false,
        }
    }
}

/// Services that act as users.
#[derive(Debug, Clone)]
pub struct ActAsSettings {
    /// Callers whose claims meet these are services. Empty for kinds of which every caller is a service.
    pub conditions: Conditions,
    /// The users that a service may act as. Never empty.
    pub users: Arc<[UserPattern]>,
}

/// The keys of a service.
#[derive(Debug, Clone)]
pub struct StaticKeySettings {
    pub credential_source: CredentialSource,
    /// The SHA-256 digests of the keys that are accepted. Never empty.
    pub digests: Vec<[u8; 32]>,
}

/// How remote endpoints verify credentials.
#[derive(Debug, Clone, Copy)]
pub struct RemoteCheckSettings {
    /// The limit of one request.
    pub timeout: Duration,
    /// How long a rejected credential is cached.
    pub negative_cache_ttl: Duration,
    pub max_concurrent_requests: usize,
}

/// Token introspection (RFC 7662).
#[derive(Debug, Clone)]
pub struct IntrospectionSettings {
    pub credential_source: CredentialSource,
    pub url: reqwest::Url,
    /// The client id of this service at the endpoint.
    pub client_id: String,
    pub client_secret: Secret,
    pub check: RemoteCheckSettings,
}

/// Forward authentication.
#[derive(Debug, Clone)]
pub struct ForwardSettings {
    pub url: reqwest::Url,
    /// The headers of the request that are sent to the endpoint.
    pub forward_headers: Vec<HeaderName>,
    /// The cookies of the request that are sent to the endpoint.
    pub forward_cookies: Vec<String>,
    pub claims: ClaimsFrom,
    pub check: RemoteCheckSettings,
}

/// Where the endpoint's response has the user's claims.
#[derive(Debug, Clone)]
pub enum ClaimsFrom {
    /// The body is a JSON object of claims.
    Body,
    /// Each claim is in a header.
    Headers(Vec<(String, HeaderName)>),
}

/// Headers that a gateway sets for the user whom it has signed in.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// The networks from which the gateway connects. Never empty, and never the whole internet.
    pub trusted_peers: Vec<IpNet>,
    /// Each claim and its header. Never empty.
    pub claims: Vec<(String, HeaderName)>,
    /// The secret that authenticates the gateway. Always set unless there are certificates.
    pub secret: Option<GatewaySecret>,
    /// The certificates that authenticate the gateway, any of them; if empty, none is required.
    pub certificates: Vec<CertificateMatcher>,
}

/// A secret that the gateway and this service share.
#[derive(Debug, Clone)]
pub struct GatewaySecret {
    /// The header that contains it.
    pub header: HeaderName,
    /// The secret, and the previous one during rotation.
    pub accepted: Vec<Secret>,
}

/// Assertions that an AWS load balancer signs for the user whom it has signed in.
#[derive(Debug, Clone)]
pub struct AlbSettings {
    /// The load balancer's ARN.
    pub signer: String,
    /// The load balancer's OAuth client id at the issuer; if none, any is accepted.
    pub client: Option<String>,
    /// The load balancer's keys, each at the URL that ends in its key id.
    pub keys: JwksSettings,
    /// The tolerance for `exp`, `nbf` and `iat`.
    pub leeway: Duration,
}

/// A JWT signed by the app.
#[derive(Debug, Clone)]
pub struct JwtSettings {
    pub credential_source: CredentialSource,
    /// The values of `typ` that are accepted; if empty, any.
    pub token_types: Vec<String>,
    /// The `aud` values of tokens for this service.
    pub audience: Vec<String>,
    /// The allowed algorithms: symmetric or asymmetric, never both.
    pub algorithms: Vec<Algorithm>,
    pub keys: KeySource,
    /// The tolerance for `exp`, `nbf` and `iat`.
    pub leeway: Duration,
}
