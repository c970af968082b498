//! The settings: proved values, each of a type that cannot hold a wrong one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jose::{Algorithm, JwksSettings, KeySource};
use reqwest::header::HeaderName;

use crate::audit::AuditSettings;
use crate::auth::{CertificateMatcher, CredentialSource, UserPattern};
use crate::call_rate_limit::CallRateSettings;
use crate::claims::conditions::Conditions;
use crate::claims::template::Template;
use crate::client_address::TrustedProxies;
use crate::issuer::cognito::CognitoSettings;
use crate::pools::Pools;
use crate::rate_limit::RateLimitSettings;
use crate::secret::Secret;
use crate::tls::TlsSettings;
use crate::vending::VendingSettings;

/// Everything that the service needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The identity pools.
    pub pools: Pools,
    /// How tokens are vended.
    pub vending: VendingSettings,
    /// How Cognito is reached.
    pub cognito: CognitoSettings,
    /// Where Cognito publishes the keys of its tokens, for those that are handed in as a proof.
    pub openid_keys: JwksSettings,
    /// The ways in which callers authenticate, in the order in which they are tried. Never empty.
    pub auth: Vec<AuthSettings>,
    /// How users are called towards Cognito.
    pub users: UsersSettings,
    /// How many verified credentials are remembered.
    pub most_remembered: u64,
    /// The public listener.
    pub http: HttpSettings,
    /// How often somebody may ask.
    pub limits: RateLimitSettings,
    /// The admin listener.
    pub admin: AdminSettings,
    /// What is recorded for auditors.
    pub audit: AuditSettings,
    /// How the service shuts down.
    pub drain: DrainSettings,
    /// What is logged, and how.
    pub log: LogSettings,
}

/// How users are called towards Cognito.
#[derive(Debug, Clone, Default)]
pub struct UsersSettings {
    /// The key of their pseudonyms; none: they are called what `user_id` makes of their claims.
    pub pseudonym_key: Option<Secret>,
}

/// One way of authenticating callers.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Its name in the configuration.
    pub name: String,
    /// Who vouches for its users: for JWTs, the only `iss` that is accepted.
    pub issuer: String,
    /// How its claims name the user; the issuer is written in already. Never without a claim.
    pub user_id: Template,
    /// What its claims must say.
    pub require: Conditions,
    /// How long a verified credential is remembered at most; zero: not at all.
    pub remember: Duration,
    /// Which of its callers are services, that act for users whom they name; none: all are users.
    pub on_behalf: Option<ActAsSettings>,
    /// What is particular to its kind.
    pub kind: AuthenticatorSettings,
}

/// What is particular to one kind of authentication.
#[derive(Debug, Clone)]
pub enum AuthenticatorSettings {
    /// A JWT signed by the app.
    Jwt(JwtSettings),
    /// An opaque token, judged by the app's introspection endpoint.
    Introspection(IntrospectionSettings),
    /// Whatever the app takes for a user, judged by an endpoint of the app's.
    Forward(ForwardSettings),
    /// Headers that a gateway sets.
    Gateway(GatewaySettings),
    /// What an AWS load balancer signs.
    Alb(AlbSettings),
    /// A backend's key.
    StaticKey(StaticKeySettings),
    /// A backend's certificate, by any of these names.
    Certificate(Vec<CertificateMatcher>),
}

/// Backends that act for users.
#[derive(Debug, Clone)]
pub struct ActAsSettings {
    /// What the claims of a caller say who is one. Empty for those kinds whose callers all are.
    pub who: Conditions,
    /// The users for whom it may act. Never empty.
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

/// How somebody else is asked about credentials.
#[derive(Debug, Clone, Copy)]
pub struct RemoteCheckSettings {
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long a no is remembered.
    pub remember_refusal: Duration,
    /// The most questions under way at once.
    pub most_at_once: usize,
}

/// Token introspection (RFC 7662).
#[derive(Debug, Clone)]
pub struct IntrospectionSettings {
    /// Where in the request the token is.
    pub carrier: CredentialSource,
    /// The endpoint.
    pub url: reqwest::Url,
    /// Who we are there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret,
    /// How it is asked.
    pub ask: RemoteCheckSettings,
}

/// Forward authentication.
#[derive(Debug, Clone)]
pub struct ForwardSettings {
    /// The app's endpoint.
    pub url: reqwest::Url,
    /// The headers that it is shown.
    pub headers: Vec<HeaderName>,
    /// The cookies that it is shown.
    pub cookies: Vec<String>,
    /// Where its answer says who the user is.
    pub claims: ClaimsFrom,
    /// How it is asked.
    pub ask: RemoteCheckSettings,
}

/// Where an answer says who the user is.
#[derive(Debug, Clone)]
pub enum ClaimsFrom {
    /// Its body is a JSON object of claims.
    Body,
    /// Each claim stands in a header.
    Headers(Vec<(String, HeaderName)>),
}

/// Headers that a gateway sets, which has signed the user in.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// The networks from which the gateway connects. Never empty, never everything.
    pub trusted_peers: Vec<IpNet>,
    /// The claims, each in a header. Never empty.
    pub claims: Vec<(String, HeaderName)>,
    /// The secret by which it shows that it is the gateway. Never without, unless there are certificates.
    pub secret: Option<GatewaySecret>,
    /// The certificates that it may show, any of them; none: it need not.
    pub certificates: Vec<CertificateMatcher>,
}

/// A secret that the gateway and the service share.
#[derive(Debug, Clone)]
pub struct GatewaySecret {
    /// The header that it stands in.
    pub header: HeaderName,
    /// The secret, and the one before it while it is being changed.
    pub accepted: Vec<Secret>,
}

/// What an AWS load balancer signs of the user whom it has signed in.
#[derive(Debug, Clone)]
pub struct AlbSettings {
    /// The load balancer's ARN.
    pub signer: String,
    /// The OAuth client that the load balancer is at the issuer; none: any.
    pub client: Option<String>,
    /// Where its keys are, each under its name.
    pub keys: JwksSettings,
    /// How far the token's times may be off.
    pub leeway: Duration,
}

/// A JWT signed by the app.
#[derive(Debug, Clone)]
pub struct JwtSettings {
    /// Where in the request it is.
    pub carrier: CredentialSource,
    /// The `typ`s that are accepted; empty: any.
    pub kinds: Vec<String>,
    /// The `aud` values that are meant for us.
    pub audience: Vec<String>,
    /// The algorithms allowed. Symmetric or asymmetric, never both.
    pub algorithms: Vec<Algorithm>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// How far the token's times may be off.
    pub leeway: Duration,
}

/// The public listener.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How TLS is spoken there; without it plain HTTP is.
    pub tls: Option<TlsSettings>,
    /// Threads that answer; 0 is one for each core.
    pub workers: usize,
    /// Connections held open at once, for each worker.
    pub max_connections: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long a request's head may take to arrive.
    pub head_timeout: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// How long an answer may lie unread by its client.
    pub read_answer_timeout: Duration,
    /// The most bytes in a body.
    pub max_body_bytes: usize,
    /// The most bytes in all headers together.
    pub max_header_bytes: usize,
    /// The origins whose pages may call, as browsers send them.
    pub allowed_origins: Vec<String>,
    /// The proxies that are believed when they say for whom they speak.
    pub hops: TrustedProxies,
}

/// The admin listener.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How TLS is spoken there; without it plain HTTP is.
    pub tls: Option<TlsSettings>,
    /// The bearer token that it demands, if any. Without one there is no lifecycle of identities.
    pub credential: Option<Secret>,
    /// Our share of the quotas on what administrators do with identities.
    pub budget: CallRateSettings,
}

/// How the service shuts down.
#[derive(Debug, Clone, Copy)]
pub struct DrainSettings {
    /// How long it goes on answering, no longer ready.
    pub delay: Duration,
    /// How long requests under way may then take.
    pub timeout: Duration,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    /// The least important level that is written.
    pub level: tracing::Level,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For human eyes.
    Pretty,
}
