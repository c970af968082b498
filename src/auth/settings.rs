//! Settings of authentication: how callers are verified, and what users are called in Cognito.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::HeaderName;

use super::act_as::UserPattern;
use super::certificate_matcher::CertificateMatcher;
use super::credential_source::CredentialSource;
use crate::claims::conditions::Conditions;
use crate::claims::template::Template;
use crate::config::{JwksSettings, KeySource};
use crate::jws::Algorithm;
use crate::secret::Secret;

/// What users are called in Cognito.
#[derive(Debug, Clone, Default)]
pub struct UsersSettings {
    /// The key of the pseudonyms. Without one, the developer user id is what `user_id` renders from the claims.
    pub pseudonym_key: Option<Secret>,
}

/// One authenticator.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Its name in the configuration.
    pub name: String,
    /// The issuer of its users: for JWTs, the only `iss` that is accepted.
    pub issuer: String,
    /// Renders the user id from the claims. The issuer is filled in already. Never without a claim.
    pub user_id: Template,
    /// What its claims must say.
    pub require: Conditions,
    /// The longest time that a verified credential is cached. Zero: it is not cached.
    pub remember: Duration,
    /// Which of its callers are services that act as users whom they name. None: all callers are users.
    pub on_behalf: Option<ActAsSettings>,
    /// The settings of its kind.
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
    Forward(ForwardSettings),
    /// Headers that a gateway sets.
    Gateway(GatewaySettings),
    /// User claims signed by an AWS load balancer.
    Alb(AlbSettings),
    /// A backend's key.
    StaticKey(StaticKeySettings),
    /// A backend's certificate, by any of these names.
    Certificate(Vec<CertificateMatcher>),
}

/// Backends that act as users.
#[derive(Debug, Clone)]
pub struct ActAsSettings {
    /// What the claims of a service say. Empty for those kinds whose callers are all services.
    pub who: Conditions,
    /// The users as whom it may act. Never empty.
    pub users: Arc<[UserPattern]>,
}

/// A backend's key.
#[derive(Debug, Clone)]
pub struct StaticKeySettings {
    /// Where in the request it is.
    pub carrier: CredentialSource,
    /// The SHA-256 digests of the keys that are accepted. Never empty.
    pub digests: Vec<[u8; 32]>,
}

/// How a remote endpoint verifies credentials.
#[derive(Debug, Clone, Copy)]
pub struct RemoteCheckSettings {
    /// How long a response may take.
    pub timeout: Duration,
    /// How long a rejection is cached.
    pub remember_refusal: Duration,
    /// The largest number of concurrent requests.
    pub most_at_once: usize,
}

/// Token introspection (RFC 7662).
#[derive(Debug, Clone)]
pub struct IntrospectionSettings {
    /// Where in the request the token is.
    pub carrier: CredentialSource,
    /// The endpoint.
    pub url: reqwest::Url,
    /// The service's client id there.
    pub client_id: String,
    /// The service's secret there.
    pub client_secret: Secret,
    /// Timeout, caching and concurrency.
    pub ask: RemoteCheckSettings,
}

/// Forward authentication.
#[derive(Debug, Clone)]
pub struct ForwardSettings {
    /// The app's endpoint.
    pub url: reqwest::Url,
    /// The headers that are forwarded to it.
    pub headers: Vec<HeaderName>,
    /// The cookies that are forwarded to it.
    pub cookies: Vec<String>,
    /// Where its response has the claims of the user.
    pub claims: ClaimsFrom,
    /// Timeout, caching and concurrency.
    pub ask: RemoteCheckSettings,
}

/// Where a response has the claims of the user.
#[derive(Debug, Clone)]
pub enum ClaimsFrom {
    /// Its body is a JSON object of claims.
    Body,
    /// Each claim is in a header.
    Headers(Vec<(String, HeaderName)>),
}

/// Headers set by a gateway that has signed the user in.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// The networks from which the gateway connects. Never empty, never all addresses.
    pub trusted_peers: Vec<IpNet>,
    /// The claims, each with its header. Never empty.
    pub claims: Vec<(String, HeaderName)>,
    /// The secret that authenticates the gateway. Required, unless there are certificates.
    pub secret: Option<GatewaySecret>,
    /// The client certificates that authenticate the gateway, any of them. None: no certificate is required.
    pub certificates: Vec<CertificateMatcher>,
}

/// A secret that the gateway and the service share.
#[derive(Debug, Clone)]
pub struct GatewaySecret {
    /// The header that it is sent in.
    pub header: HeaderName,
    /// The secret, and the previous one during a rotation.
    pub accepted: Vec<Secret>,
}

/// The user claims that an AWS load balancer signs after it has signed the user in.
#[derive(Debug, Clone)]
pub struct AlbSettings {
    /// The load balancer's ARN.
    pub signer: String,
    /// The load balancer's OAuth client id at the issuer. None: any.
    pub client: Option<String>,
    /// Where its keys are, each under its own URL.
    pub keys: JwksSettings,
    /// The tolerance for the token's times.
    pub leeway: Duration,
}

/// A JWT signed by the app.
#[derive(Debug, Clone)]
pub struct JwtSettings {
    /// Where in the request it is.
    pub carrier: CredentialSource,
    /// The `typ` values that are accepted. Empty: any.
    pub kinds: Vec<String>,
    /// The `aud` values that are accepted.
    pub audience: Vec<String>,
    /// The algorithms allowed. Symmetric or asymmetric, never both.
    pub algorithms: Vec<Algorithm>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// The tolerance for the token's times.
    pub leeway: Duration,
}
