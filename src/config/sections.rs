//! Each section of the configuration, read and proved. What several sections must agree on is checked where
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

/// Wrong guesses are counted and recorded, not slowed down: only its length protects a credential.
const SHORTEST_CREDENTIAL: usize = 32;

/// Reads all sections, whatever is wrong with one, so that every fault is found.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Settings> {
    let http = http(&mut reader.section("http"));
    let limits = rate_limits::limits(&mut reader.section("limits"));
    let admin = admin(&mut reader.section("admin"), http.as_ref().map(|http| http.listen));
    let audit = audit::audit(&mut reader.section("audit"));
    let drain = drain(&mut reader.section("drain"));
    let log = log(&mut reader.section("log"));
    let cognito = vending::cognito(&mut reader.section("upstream"));
    let upstream = vending::upstream(&mut reader.section("upstream"), cognito.as_ref());
    let cache_bytes = vending::cache_bytes(&mut reader.section("cache"));
    let most_remembered = reader.section("cache").integer("max_remembered_credentials", 1..=100_000_000_u64);
    let opaque_tokens = reader.section("upstream").flag("accept_opaque_tokens");
    let windows = vending::windows(&mut reader.section("vending"));
    let credentials = vending::credentials(&mut reader.section("credentials"), windows, upstream);
    let vending = vending::vending(
        &mut reader.section("vending"),
        windows,
        upstream,
        cache_bytes,
        opaque_tokens,
        credentials,
    );
    let auth = auth::all(reader);
    auth::certificates_can_be_shown(reader, auth.as_deref(), http.as_ref());
    let users = auth::users(reader, auth.as_deref());
    let ways = reader.names("auth");
    let pools = pools::pools(reader, windows.as_ref(), &ways);
    let openid_keys = vending::openid_keys(&mut reader.section("upstream"), cognito.as_ref(), pools.as_ref());
    Some(Settings {
        pools: pools?,
        vending: vending?,
        cognito: cognito?,
        openid_keys: openid_keys?,
        auth: auth?,
        users: users?,
        most_remembered: most_remembered?,
        http: http?,
        limits: limits?,
        admin: admin?,
        audit: audit?,
        drain: drain?,
        log: log?,
    })
}

fn http(section: &mut Section<'_, '_>) -> Option<HttpSettings> {
    let listen = section.address("listen");
    let tls = tls::tls(&mut section.inner("tls"));
    let workers = section.integer("workers", 0..=1024);
    let max_connections = section.integer("max_connections", 1..=1_000_000);
    let keep_alive = section.duration("keep_alive", Duration::ZERO..=HOUR);
    let head_timeout = section.duration("head_timeout", Duration::from_millis(100)..=MINUTE);
    let body_timeout = section.duration("body_timeout", Duration::from_millis(100)..=MINUTE);
    let read_answer_timeout =
        section.duration("read_answer_timeout", Duration::from_millis(100)..=5 * MINUTE);
    let max_body_bytes = section.integer("max_body_bytes", 256..=1_048_576);
    let max_header_bytes = section.integer("max_header_bytes", 1024..=65_536);
    let allowed_origins = origins(section);
    let hops = trusted_proxies::hops(section);
    Some(HttpSettings {
        listen: listen?,
        tls: tls?,
        workers: workers?,
        max_connections: max_connections?,
        keep_alive: keep_alive?,
        head_timeout: head_timeout?,
        body_timeout: body_timeout?,
        read_answer_timeout: read_answer_timeout?,
        max_body_bytes: max_body_bytes?,
        max_header_bytes: max_header_bytes?,
        allowed_origins: allowed_origins?,
        hops: hops?,
    })
}

/// Origins are compared as texts, so only the one text that a browser sends can be right.
fn origins(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    const ALLOWED: &str = "origins as browsers send them: scheme, host and port, without a path; no wildcard";
    let origins = section.list("allowed_origins", ALLOWED)?;
    for origin in &origins {
        let serialized = reqwest::Url::parse(origin).map(|url| url.origin().ascii_serialization());
        if serialized.as_deref() != Ok(origin.as_str()) || !origin.starts_with("http") {
            section.fault("allowed_origins", format!("{origin:?}"), ALLOWED);
            return None;
        }
    }
    Some(origins)
}

/// Where keys are published that signatures are judged by.
fn keys_url(section: &mut Section<'_, '_>, key: &str) -> Option<reqwest::Url> {
    section.optional(key, "an https URL, or an http one on loopback, without a password", parse_keys_url)
}

fn admin(section: &mut Section<'_, '_>, public: Option<SocketAddr>) -> Option<AdminSettings> {
    let listen = section.address("listen");
    let tls = tls::tls(&mut section.inner("tls"));
    let credential = section.secret("credential");
    if let Some(listen) = listen {
        if public == Some(listen) && listen.port() != 0 {
            section.fault(
                "listen",
                format!("\"{listen}\", which is http.listen too"),
                "an address of its own",
            );
        }
        if !listen.ip().is_loopback() && credential.is_none() {
            section.warn(format!(
                "admin.listen {listen} can be reached from other machines and admin.credential is not set: \
                 whoever reaches it can read the metrics."
            ));
        }
        if credential.as_ref().is_some_and(|credential| credential.expose().len() < SHORTEST_CREDENTIAL) {
            section.warn(format!(
                "admin.credential is shorter than {SHORTEST_CREDENTIAL} characters, and whoever guesses it can \
                 merge and delete identities: openssl rand -hex 32 makes one that nobody guesses."
            ));
        }
    }
    let budget = vending::budget(section);
    Some(AdminSettings { listen: listen?, tls: tls?, credential, budget: budget? })
}

fn drain(section: &mut Section<'_, '_>) -> Option<DrainSettings> {
    let delay = section.duration("delay", Duration::ZERO..=5 * MINUTE);
    let timeout = section.duration("timeout", SECOND..=5 * MINUTE);
    Some(DrainSettings { delay: delay?, timeout: timeout? })
}

fn log(section: &mut Section<'_, '_>) -> Option<LogSettings> {
    use tracing::Level;
    let level = section.choice(
        "level",
        &[
            ("error", Level::ERROR),
            ("warn", Level::WARN),
            ("info", Level::INFO),
            ("debug", Level::DEBUG),
            ("trace", Level::TRACE),
        ],
    );
    let format = section.choice("format", &[("json", LogFormat::Json), ("pretty", LogFormat::Pretty)]);
    Some(LogSettings { level: level?, format: format? })
}
