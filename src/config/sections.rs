//! Reads and validates each section of the configuration. What several sections must agree on is checked where
//! the later one is read.

mod audit;
mod auth;
mod linking;
mod pool_policy;
mod pools;
mod rate_limits;
mod tls;
mod trusted_proxies;
mod vending;

use std::net::SocketAddr;
use std::time::Duration;

use bounded_http::parse_keys_url;

use super::reader::{Reader, Section};
use super::settings::{AdminSettings, DrainSettings, HttpSettings, LogFormat, LogSettings, Settings};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Failed guesses are counted and recorded, but not slowed down: only its length protects a credential.
const MIN_CREDENTIAL_BYTES: usize = 32;

/// Reads all sections, even if one is invalid, so that every error is found.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Settings> {
    let http = read_http(&mut reader.section("http"));
    let limits = rate_limits::read_limits(&mut reader.section("limits"));
    let admin = read_admin(&mut reader.section("admin"), http.as_ref().map(|http| http.listen));
    let audit = audit::read_audit(&mut reader.section("audit"));
    let drain = read_drain(&mut reader.section("drain"));
    let log = read_log(&mut reader.section("log"));
    let cognito = vending::read_cognito(&mut reader.section("upstream"));
    let upstream = vending::read_upstream(&mut reader.section("upstream"), cognito.as_ref());
    let max_auth_cache_entries = reader.section("auth.cache").read_integer("max_entries", 1..=100_000_000_u64);
    let accept_opaque_tokens = reader.section("upstream").read_flag("accept_opaque_tokens");
    let clock_skew_warning = reader.section("upstream").read_duration("clock_skew_warning", SECOND..=5 * MINUTE);
    let refresh_policy = vending::read_refresh_policy(&mut reader.section("cache"));
    let credentials = vending::read_credentials(&mut reader.section("credentials"), refresh_policy, upstream);
    let vending = vending::read_cache(
        &mut reader.section("cache"),
        refresh_policy,
        upstream,
        clock_skew_warning,
        accept_opaque_tokens,
        credentials,
    );
    let auth = auth::read_authenticators(reader);
    auth::check_certificates_are_requested(reader, auth.as_deref(), http.as_ref());
    let users = auth::read_users(reader, auth.as_deref());
    let authenticators = auth::authenticator_names(reader);
    let pools = pools::read_pools(reader, refresh_policy.as_ref(), &authenticators);
    let openid_jwks = vending::read_openid_jwks(&mut reader.section("upstream"), cognito.as_ref(), pools.as_ref());
    Some(Settings {
        pools: pools?,
        vending: vending?,
        cognito: cognito?,
        openid_jwks: openid_jwks?,
        auth: auth?,
        users: users?,
        max_auth_cache_entries: max_auth_cache_entries?,
        http: http?,
        limits: limits?,
        admin: admin?,
        audit: audit?,
        drain: drain?,
        log: log?,
    })
}

fn read_http(section: &mut Section<'_, '_>) -> Option<HttpSettings> {
    let listen = section.read_address("listen");
    let tls = tls::read_tls(&mut section.subsection("tls"));
    let workers = section.read_integer("workers", 0..=1024);
    let max_connections = section.read_integer("max_connections", 1..=1_000_000);
    let keep_alive = section.read_duration("keep_alive", Duration::ZERO..=HOUR);
    let request_header_timeout = section.read_duration("request_header_timeout", Duration::from_millis(100)..=MINUTE);
    let request_body_timeout = section.read_duration("request_body_timeout", Duration::from_millis(100)..=MINUTE);
    let response_write_timeout =
        section.read_duration("response_write_timeout", Duration::from_millis(100)..=5 * MINUTE);
    let max_body_bytes = section.read_integer("max_body_bytes", 256..=1_048_576);
    let max_header_bytes = section.read_integer("max_header_bytes", 1024..=65_536);
    let allowed_origins = read_allowed_origins(section);
    let trusted_proxies = trusted_proxies::read_trusted_proxies(section);
    Some(HttpSettings {
        listen: listen?,
        tls: tls?,
        workers: workers?,
        max_connections: max_connections?,
        keep_alive: keep_alive?,
        request_header_timeout: request_header_timeout?,
        request_body_timeout: request_body_timeout?,
        response_write_timeout: response_write_timeout?,
        max_body_bytes: max_body_bytes?,
        max_header_bytes: max_header_bytes?,
        allowed_origins: allowed_origins?,
        trusted_proxies: trusted_proxies?,
    })
}

/// Origins are compared as texts, so each must have exactly the form that a browser sends.
fn read_allowed_origins(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    const ALLOWED: &str = "origins as browsers send them: scheme, host and port, without a path; no wildcard";
    let origins = section.read_list("allowed_origins", ALLOWED)?;
    for origin in &origins {
        let serialized = reqwest::Url::parse(origin).map(|url| url.origin().ascii_serialization());
        if serialized.as_deref() != Ok(origin.as_str()) || !origin.starts_with("http") {
            section.reject("allowed_origins", format!("{origin:?}"), ALLOWED);
            return None;
        }
    }
    Some(origins)
}

/// Reads the optional URL of keys that verify signatures.
fn read_keys_url(section: &mut Section<'_, '_>, key: &str) -> Option<reqwest::Url> {
    section.parse_optional(key, "an https URL, or an http one on loopback, without a password", parse_keys_url)
}

fn read_admin(section: &mut Section<'_, '_>, public: Option<SocketAddr>) -> Option<AdminSettings> {
    let listen = section.read_address("listen");
    let tls = tls::read_tls(&mut section.subsection("tls"));
    let credential = section.read_secret("credential");
    if let Some(listen) = listen {
        if public == Some(listen) && listen.port() != 0 {
            section.reject(
                "listen",
                format!("\"{listen}\", which is also http.listen"),
                "an address that no other listener uses",
            );
        }
        if !listen.ip().is_loopback() && credential.is_none() {
            section.warn(format!(
                "admin.listen {listen} is reachable from other machines and admin.credential is not set: every client \
                 that can connect can read the metrics."
            ));
        }
        if credential.as_ref().is_some_and(|credential| credential.expose().len() < MIN_CREDENTIAL_BYTES) {
            section.warn(format!(
                "admin.credential is shorter than {MIN_CREDENTIAL_BYTES} characters: an attacker who guesses it can \
                 merge and delete identities. Generate a random one with openssl rand -hex 32."
            ));
        }
    }
    let rate_limit = vending::read_call_rate_limit(&mut section.subsection("rate_limit"));
    Some(AdminSettings { listen: listen?, tls: tls?, credential, rate_limit: rate_limit? })
}

fn read_drain(section: &mut Section<'_, '_>) -> Option<DrainSettings> {
    let delay = section.read_duration("delay", Duration::ZERO..=5 * MINUTE);
    let timeout = section.read_duration("timeout", SECOND..=5 * MINUTE);
    Some(DrainSettings { delay: delay?, timeout: timeout? })
}

fn read_log(section: &mut Section<'_, '_>) -> Option<LogSettings> {
    use tracing::Level;
    let level = section.read_choice(
        "level",
        &[
            ("error", Level::ERROR),
            ("warn", Level::WARN),
            ("info", Level::INFO),
            ("debug", Level::DEBUG),
            ("trace", Level::TRACE),
        ],
    );
    let format = section.read_choice("format", &[("json", LogFormat::Json), ("pretty", LogFormat::Pretty)]);
    Some(LogSettings { level: level?, format: format? })
}
