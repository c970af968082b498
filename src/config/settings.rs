//! The settings: proved values, each of a type that cannot hold a wrong one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::audit::AuditSettings;
use crate::auth::{AuthSettings, UsersSettings};
use crate::call_rate_limit::CallRateSettings;
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

/// Where the keys come from that the app's tokens are judged by.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A JWKS over HTTP.
    Jwks(JwksSettings),
    /// A file that holds a JWKS or a PEM public key.
    File(PathBuf),
    /// A shared secret.
    Secret(Secret),
}

/// A JWKS over HTTP.
#[derive(Debug, Clone)]
pub struct JwksSettings {
    /// Where it is, or where the discovery document is that says so.
    pub url: reqwest::Url,
    /// The issuer of whom `url` is the discovery document; none: it is the key set itself.
    pub discovered_for: Option<String>,
    /// How often it is fetched anew.
    pub refresh: Duration,
    /// The least time between two fetches for a `kid` that is not known.
    pub min_interval: Duration,
    /// The age from which on keys do not count any more.
    pub max_age: Duration,
    /// How long a fetch may take.
    pub timeout: Duration,
}

impl JwksSettings {
    /// Cognito's keys, which hardly ever change: fetched once an hour, and when a token names a key that is not
    /// there yet.
    pub fn of_cognito(url: reqwest::Url, timeout: Duration) -> Self {
        Self {
            url,
            discovered_for: None,
            refresh: Duration::from_secs(3600),
            min_interval: Duration::from_secs(10),
            max_age: Duration::from_secs(7 * 24 * 3600),
            timeout,
        }
    }
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
