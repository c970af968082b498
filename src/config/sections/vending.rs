//! `[cache]`, `[upstream]` and `[credentials]`.

use std::time::Duration;

use bounded_http::is_loopback;
use jose::JwksSettings;

use super::{DAY, HOUR, MILLISECOND, MINUTE, SECOND, read_keys_url};
use crate::call_rate_limit::CallRateSettings;
use crate::config::reader::{Bound, Reader, Section};
use crate::gcra::RateLimit;
use crate::issuer::cognito::CognitoSettings;
use crate::pools::Pools;
use crate::token;
use crate::vending::freshness::RefreshPolicy;
use crate::vending::{
    CacheSettings, CircuitBreakerSettings, CredentialsSettings, NegativeTtls, UpstreamSettings, VendingSettings,
};

const MEBIBYTE: u64 = 1 << 20;

pub(super) fn read_vending(reader: &mut Reader<'_>, call_timeout: Duration) -> VendingSettings {
    let section = &mut reader.section("upstream");
    let upstream = read_upstream(section, call_timeout);
    let accept_opaque_tokens = section.read_flag("accept_opaque_tokens");
    let clock_skew_warning = section.read_duration("clock_skew_warning", SECOND..=5 * MINUTE);
    let refresh_policy = read_refresh_policy(&mut reader.section("cache"));
    let max_wait = upstream.rate_limit.max_wait;
    let credentials = read_credentials(&mut reader.section("credentials"), refresh_policy, max_wait);
    let section = &mut reader.section("cache");
    let cache = CacheSettings {
        refresh_policy,
        refresh_if_used_within: section.read_duration("refresh_if_used_within", Duration::ZERO..=DAY),
        refresh_timeout: section.read_duration("refresh_timeout", 10 * MILLISECOND..=MINUTE),
        min_refresh_interval: section.read_duration("min_refresh_interval", SECOND..=5 * MINUTE),
        max_size_bytes: read_max_size(section),
        negative_ttls: NegativeTtls {
            user: section.read_duration("negative_ttl_user", Duration::ZERO..=HOUR),
            pool: section.read_duration("negative_ttl_pool", Duration::ZERO..=MINUTE),
        },
    };
    VendingSettings { cache, upstream, accept_opaque_tokens, clock_skew_warning, credentials }
}

fn read_refresh_policy(section: &mut Section<'_, '_>) -> RefreshPolicy {
    let policy = RefreshPolicy {
        clock_skew_allowance: section.read_duration("clock_skew_allowance", SECOND..=HOUR),
        advisory_window: section.read_duration("advisory_window", Duration::ZERO..=HOUR),
        refresh_jitter: section.read_duration("refresh_jitter", Duration::ZERO..=HOUR),
        min_remaining_life: section.read_duration("min_remaining_life", SECOND..=HOUR),
    };
    let most = Bound { path: "cache.clock_skew_allowance", duration: policy.clock_skew_allowance };
    if policy.min_remaining_life > most.duration {
        section.reject_duration("min_remaining_life", policy.min_remaining_life, most, format!("at most {most}"));
    }
    policy
}

/// The refresh policy of tokens applies to credentials too, except for the two windows that the clients' own refresh
/// determines.
fn read_credentials(
    section: &mut Section<'_, '_>,
    refresh_policy: RefreshPolicy,
    max_wait: Duration,
) -> CredentialsSettings {
    let mandatory_window = section.read_duration("mandatory_window", MINUTE..=50 * MINUTE);
    let least = Bound { path: "cache.min_remaining_life", duration: refresh_policy.min_remaining_life };
    if mandatory_window < least.duration {
        section.reject_duration("mandatory_window", mandatory_window, least, format!("at least {least}"));
    }
    CredentialsSettings {
        refresh_policy: RefreshPolicy {
            clock_skew_allowance: mandatory_window,
            advisory_window: section.read_duration("advisory_window", Duration::ZERO..=HOUR),
            ..refresh_policy
        },
        refresh_timeout: section.read_duration("refresh_timeout", 10 * MILLISECOND..=MINUTE),
        max_size_bytes: read_max_size(section),
        rate_limit: CallRateSettings { limit: read_rate_limit(&mut section.subsection("rate_limit")), max_wait },
    }
}

fn read_max_size(section: &mut Section<'_, '_>) -> u64 {
    section.read_size("max_size", MEBIBYTE..=1024 * 1024 * MEBIBYTE)
}

pub(super) fn read_cognito(section: &mut Section<'_, '_>) -> CognitoSettings {
    let settings = CognitoSettings {
        endpoint_url: read_endpoint_url(section),
        connect_timeout: section.read_duration("connect_timeout", 10 * MILLISECOND..=MINUTE),
        read_timeout: section.read_duration("read_timeout", 10 * MILLISECOND..=MINUTE),
        operation_timeout: section.read_duration("call_timeout", 10 * MILLISECOND..=MINUTE),
        credentials: None,
    };
    let most = Bound { path: "upstream.call_timeout", duration: settings.operation_timeout };
    for (key, part) in [("connect_timeout", settings.connect_timeout), ("read_timeout", settings.read_timeout)] {
        if part > most.duration {
            section.reject_duration(key, part, most, format!("at most {most}"));
        }
    }
    settings
}

fn read_endpoint_url(section: &mut Section<'_, '_>) -> Option<String> {
    let url = section.parse_optional("endpoint_url", "an http or https URL", |text| {
        let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(format!("its scheme is {other}")),
        }
    })?;
    if url.scheme() == "http" && !is_loopback(&url) {
        section.warn(format!(
            "upstream.endpoint_url {url} is plain http to another machine: an attacker on the network path can read \
             the tokens."
        ));
    }
    Some(url.into())
}

/// The URL of Cognito's keys: the configured one, or else where AWS publishes those of the default pool's region. All
/// pools of a process are in one partition of AWS, because its credentials are.
pub(super) fn read_openid_jwks(
    section: &mut Section<'_, '_>,
    cognito: &CognitoSettings,
    pools: Option<&Pools>,
) -> Option<JwksSettings> {
    let configured = read_keys_url(section, "openid_keys_url");
    let region = pools?.find(None)?.id.region();
    let derived = || token::keys_url(region, cognito.endpoint_url.as_deref()).parse().ok();
    Some(JwksSettings::new(configured.or_else(derived)?, cognito.operation_timeout))
}

fn read_upstream(section: &mut Section<'_, '_>, call_timeout: Duration) -> UpstreamSettings {
    UpstreamSettings {
        rate_limit: read_call_rate_limit(&mut section.subsection("rate_limit")),
        circuit_breaker: read_circuit_breaker(section),
        max_attempts: section.read_integer("max_attempts", 1..=10),
        call_timeout,
    }
}

/// Reads `[upstream.rate_limit]` or `[admin.rate_limit]`.
pub(super) fn read_call_rate_limit(section: &mut Section<'_, '_>) -> CallRateSettings {
    CallRateSettings {
        limit: read_rate_limit(section),
        max_wait: section.read_duration("max_wait", Duration::ZERO..=MINUTE),
    }
}

/// Reads `rate` and `burst`. Calls to AWS always have a limit: `rate` cannot be "off".
fn read_rate_limit(section: &mut Section<'_, '_>) -> RateLimit {
    let burst = section.read_integer("burst", 1..=100_000);
    let limit = section.parse("rate", RateLimit::ALLOWED, |rate| RateLimit::parse(rate, burst));
    limit.unwrap_or(RateLimit::new(SECOND, burst))
}

fn read_circuit_breaker(section: &mut Section<'_, '_>) -> CircuitBreakerSettings {
    let throttle_backoff = section.read_duration("throttle_backoff", MILLISECOND..=MINUTE);
    let throttle_backoff_max = section.read_duration("throttle_backoff_max", MILLISECOND..=10 * MINUTE);
    let mut own = section.subsection("circuit_breaker");
    CircuitBreakerSettings {
        throttle_backoff,
        throttle_backoff_max,
        failure_threshold: own.read_integer("failure_threshold", 1..=1000),
        open_duration: own.read_duration("open_duration", MILLISECOND..=MINUTE),
        max_open_duration: own.read_duration("max_open_duration", MILLISECOND..=10 * MINUTE),
    }
}
