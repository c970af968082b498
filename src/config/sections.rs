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

const MILLISECOND: Duration = Duration::from_millis(1);
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
    let admin = read_admin(&mut reader.section("admin"), http.listen);
    let audit = audit::read_audit(&mut reader.section("audit"));
    let drain = read_drain(&mut reader.section("drain"));
    let log = read_log(&mut reader.section("log"));
    let cognito = vending::read_cognito(&mut reader.section("upstream"));
    let vending = vending::read_vending(reader, cognito.operation_timeout);
    let auth = auth::read_authenticators(reader);
    auth::check_certificates_are_requested(reader, &auth, &http);
    let users = auth::read_users(reader, &auth);
    let authenticators = auth::authenticator_names(reader);
    let pools = pools::read_pools(reader, vending.cache.refresh_policy.clock_skew_allowance, &authenticators);
    let openid_jwks = vending::read_openid_jwks(&mut reader.section("upstream"), &cognito, pools.as_ref());
    Some(Settings {
        vending,
        cognito,
        auth,
        users,
        max_auth_cache_entries: reader.section("auth.cache").read_integer("max_entries", 1..=100_000_000),
        http,
        limits,
        admin,
        audit,
        drain,
        log,
        pools: pools?,
        openid_jwks: openid_jwks?,
    })
}

fn read_http(section: &mut Section<'_, '_>) -> HttpSettings {
    const ORIGINS: &str = "origins as browsers send them: scheme, host and port, without a path; no wildcard";
    HttpSettings {
        listen: section.read_address("listen"),
        tls: tls::read_tls(&mut section.subsection("tls")),
        workers: section.read_integer("workers", 0..=1024),
        max_connections: section.read_integer("max_connections", 1..=1_000_000),
        keep_alive: section.read_duration("keep_alive", Duration::ZERO..=HOUR),
        request_header_timeout: section.read_duration("request_header_timeout", 100 * MILLISECOND..=MINUTE),
        request_body_timeout: section.read_duration("request_body_timeout", 100 * MILLISECOND..=MINUTE),
        response_write_timeout: section.read_duration("response_write_timeout", 100 * MILLISECOND..=5 * MINUTE),
        max_body_bytes: section.read_integer("max_body_bytes", 256..=1_048_576),
        max_header_bytes: section.read_integer("max_header_bytes", 1024..=65_536),
        allowed_origins: section.parse_list("allowed_origins", ORIGINS, parse_origin),
        trusted_proxies: trusted_proxies::read_trusted_proxies(section),
    }
}

/// Origins are compared as texts, so each must have exactly the form that a browser sends.
fn parse_origin(text: &str) -> Result<String, &'static str> {
    let serialized = reqwest::Url::parse(text).map(|url| url.origin().ascii_serialization());
    if serialized.as_deref() == Ok(text) && text.starts_with("http") {
        Ok(text.to_owned())
    } else {
        Err("no browser sends it")
    }
}

/// Reads the optional URL of keys that verify signatures.
fn read_keys_url(section: &mut Section<'_, '_>, key: &str) -> Option<reqwest::Url> {
    section.parse_optional(key, "an https URL, or an http one on loopback, without a password", parse_keys_url)
}

fn read_admin(section: &mut Section<'_, '_>, public: SocketAddr) -> AdminSettings {
    let listen = section.read_address("listen");
    let tls = tls::read_tls(&mut section.subsection("tls"));
    let credential = section.read_secret("credential");
    if listen == public && listen.port() != 0 {
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
            "admin.credential is shorter than {MIN_CREDENTIAL_BYTES} characters: an attacker who guesses it can merge \
             and delete identities. Generate a random one with openssl rand -hex 32."
        ));
    }
    let rate_limit = vending::read_call_rate_limit(&mut section.subsection("rate_limit"));
    AdminSettings { listen, tls, credential, rate_limit }
}

fn read_drain(section: &mut Section<'_, '_>) -> DrainSettings {
    DrainSettings {
        delay: section.read_duration("delay", Duration::ZERO..=5 * MINUTE),
        timeout: section.read_duration("timeout", SECOND..=5 * MINUTE),
    }
}

fn read_log(section: &mut Section<'_, '_>) -> LogSettings {
    use tracing::Level;
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    LogSettings {
        level: section.read_choice("level", levels),
        format: section.read_choice("format", [("json", LogFormat::Json), ("pretty", LogFormat::Pretty)]),
    }
}
