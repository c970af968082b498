//! The settings: validated values, each of a type that has no invalid ones.

use std::net::SocketAddr;
use std::time::Duration;

use jose::JwksSettings;

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

#[derive(Debug, Clone)]
pub struct Settings {
    pub pools: Pools,
    pub vending: VendingSettings,
    pub cognito: CognitoSettings,
    /// The keys of Cognito's tokens. They verify tokens that clients send as a proof.
    pub openid_jwks: JwksSettings,
    /// The authenticators, in the order in which they are tried. Never empty.
    pub auth: Vec<AuthSettings>,
    pub users: UsersSettings,
    /// The maximum number of verified credentials in the credential cache.
    pub max_auth_cache_entries: u64,
    pub http: HttpSettings,
    pub limits: RateLimitSettings,
    pub admin: AdminSettings,
    pub audit: AuditSettings,
    pub drain: DrainSettings,
    pub log: LogSettings,
}

/// The public listener.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    pub listen: SocketAddr,
    /// If none, the listener uses plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Threads that answer requests; 0 is one for each core.
    pub workers: usize,
    /// The maximum number of open connections for each worker.
    pub max_connections: usize,
    /// How long an idle connection is kept open.
    pub keep_alive: Duration,
    pub request_header_timeout: Duration,
    pub request_body_timeout: Duration,
    /// How long a client may leave a response unread.
    pub response_write_timeout: Duration,
    pub max_body_bytes: usize,
    /// The limit of all headers together.
    pub max_header_bytes: usize,
    /// The origins of pages that may call, as browsers send them.
    pub allowed_origins: Vec<String>,
    /// The proxies that are trusted to report the client address.
    pub trusted_proxies: TrustedProxies,
}

/// The admin listener.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    pub listen: SocketAddr,
    /// If none, the listener uses plain HTTP.
    pub tls: Option<TlsSettings>,
    /// The bearer token that it requires. If none, identity administration is disabled.
    pub credential: Option<Secret>,
    /// This replica's share of the quotas on identity administration.
    pub rate_limit: CallRateSettings,
}

/// Shutdown.
#[derive(Debug, Clone, Copy)]
pub struct DrainSettings {
    /// How long requests are still answered while the service is not ready.
    pub delay: Duration,
    /// How long requests in progress may then take.
    pub timeout: Duration,
}

#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    /// The least severe level that is written.
    pub level: tracing::Level,
    pub format: LogFormat,
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Readable text.
    Pretty,
}
