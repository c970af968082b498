//! `[cache]`, `[upstream]` and `[credentials]`.

use std::time::Duration;

use bounded_http::is_loopback;
use jose::JwksSettings;

use super::{DAY, HOUR, MINUTE, SECOND, read_keys_url};
use crate::call_rate_limit::CallRateSettings;
use crate::config::reader::Section;
use crate::gcra::RateLimit;
use crate::issuer::cognito::CognitoSettings;
use crate::pools::Pools;
use crate::token;
use crate::vending::freshness::RefreshPolicy;
use crate::vending::{
    CacheSettings, CircuitBreakerSettings, CredentialsSettings, NegativeTtls, UpstreamSettings, VendingSettings,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const MEBIBYTE: u64 = 1 << 20;

pub(super) fn read_cache(
    section: &mut Section<'_, '_>,
    refresh_policy: Option<RefreshPolicy>,
    upstream: Option<UpstreamSettings>,
    clock_skew_warning: Option<Duration>,
    accept_opaque_tokens: Option<bool>,
    credentials: Option<CredentialsSettings>,
) -> Option<VendingSettings> {
    let max_size_bytes = read_max_size(section);
    let refresh_if_used_within = section.read_duration("refresh_if_used_within", Duration::ZERO..=DAY);
    let refresh_timeout = section.read_duration("refresh_timeout", 10 * MILLISECOND..=MINUTE);
    let min_refresh_interval = section.read_duration("min_refresh_interval", SECOND..=5 * MINUTE);
    let user = section.read_duration("negative_ttl_user", Duration::ZERO..=HOUR);
    let pool = section.read_duration("negative_ttl_pool", Duration::ZERO..=MINUTE);
    let cache = CacheSettings {
        refresh_policy: refresh_policy?,
        refresh_if_used_within: refresh_if_used_within?,
        refresh_timeout: refresh_timeout?,
        min_refresh_interval: min_refresh_interval?,
        max_size_bytes: max_size_bytes?,
        negative_ttls: NegativeTtls { user: user?, pool: pool? },
    };
    Some(VendingSettings {
        cache,
        upstream: upstream?,
        clock_skew_warning: clock_skew_warning?,
        accept_opaque_tokens: accept_opaque_tokens?,
        credentials: credentials?,
    })
}

pub(super) fn read_refresh_policy(section: &mut Section<'_, '_>) -> Option<RefreshPolicy> {
    let clock_skew_allowance = section.read_duration("clock_skew_allowance", SECOND..=HOUR);
    let advisory_window = section.read_duration("advisory_window", Duration::ZERO..=HOUR);
    let refresh_jitter = section.read_duration("refresh_jitter", Duration::ZERO..=HOUR);
    let min_remaining_life = section.read_duration("min_remaining_life", SECOND..=HOUR);
    let (clock_skew_allowance, min_remaining_life) = (clock_skew_allowance?, min_remaining_life?);
    if min_remaining_life > clock_skew_allowance {
        section.reject(
            "min_remaining_life",
            humantime::format_duration(min_remaining_life).to_string(),
            format!("at most cache.clock_skew_allowance, {}", humantime::format_duration(clock_skew_allowance)),
        );
        return None;
    }
    Some(RefreshPolicy {
        clock_skew_allowance,
        advisory_window: advisory_window?,
        refresh_jitter: refresh_jitter?,
        min_remaining_life,
    })
}

/// The refresh policy of tokens applies to credentials too, except for the two windows that the clients' own refresh
/// determines.
pub(super) fn read_credentials(
    section: &mut Section<'_, '_>,
    refresh_policy: Option<RefreshPolicy>,
    upstream: Option<UpstreamSettings>,
) -> Option<CredentialsSettings> {
    let mandatory_window = section.read_duration("mandatory_window", MINUTE..=50 * MINUTE);
    let advisory_window = section.read_duration("advisory_window", Duration::ZERO..=HOUR);
    let refresh_timeout = section.read_duration("refresh_timeout", 10 * MILLISECOND..=MINUTE);
    let max_size_bytes = read_max_size(section);
    let limit = read_rate_limit(&mut section.subsection("rate_limit"));
    let (refresh_policy, mandatory_window) = (refresh_policy?, mandatory_window?);
    if refresh_policy.min_remaining_life > mandatory_window {
        let found = humantime::format_duration(mandatory_window).to_string();
        let least = humantime::format_duration(refresh_policy.min_remaining_life);
        section.reject("mandatory_window", found, format!("at least cache.min_remaining_life, {least}"));
        return None;
    }
    Some(CredentialsSettings {
        refresh_policy: RefreshPolicy {
            clock_skew_allowance: mandatory_window,
            advisory_window: advisory_window?,
            ..refresh_policy
        },
        refresh_timeout: refresh_timeout?,
        max_size_bytes: max_size_bytes?,
        rate_limit: CallRateSettings { limit: limit?, max_wait: upstream?.rate_limit.max_wait },
    })
}

fn read_max_size(section: &mut Section<'_, '_>) -> Option<u64> {
    section.read_size("max_size", MEBIBYTE..=1024 * 1024 * MEBIBYTE)
}

pub(super) fn read_cognito(section: &mut Section<'_, '_>) -> Option<CognitoSettings> {
    let endpoint_url = read_endpoint_url(section);
    let connect_timeout = section.read_duration("connect_timeout", 10 * MILLISECOND..=MINUTE);
    let read_timeout = section.read_duration("read_timeout", 10 * MILLISECOND..=MINUTE);
    let operation_timeout = section.read_duration("call_timeout", 10 * MILLISECOND..=MINUTE);
    let (connect_timeout, read_timeout, operation_timeout) = (connect_timeout?, read_timeout?, operation_timeout?);
    for (key, part) in [("connect_timeout", connect_timeout), ("read_timeout", read_timeout)] {
        if part > operation_timeout {
            let found = humantime::format_duration(part).to_string();
            let most = humantime::format_duration(operation_timeout);
            section.reject(key, found, format!("at most upstream.call_timeout, {most}"));
        }
    }
    Some(CognitoSettings {
        endpoint_url: endpoint_url?,
        connect_timeout,
        read_timeout,
        operation_timeout,
        credentials: None,
    })
}

/// The outer `None` is an error, the inner one an absent key.
fn read_endpoint_url(section: &mut Section<'_, '_>) -> Option<Option<String>> {
    let is_set = section.has("endpoint_url");
    let url = section.parse_optional("endpoint_url", "an http or https URL", |text| {
        let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(format!("its scheme is {other}")),
        }
    });
    if !is_set {
        return Some(None);
    }
    let url = url?;
    if url.scheme() == "http" && !is_loopback(&url) {
        section.warn(format!(
            "upstream.endpoint_url {url} is plain http to another machine: an attacker on the network path can read \
             the tokens."
        ));
    }
    Some(Some(url.to_string()))
}

/// The URL of Cognito's keys: the configured one, or else where AWS publishes those of the default pool's region. All
/// pools of a process are in one partition of AWS, because its credentials are.
pub(super) fn read_openid_jwks(
    section: &mut Section<'_, '_>,
    cognito: Option<&CognitoSettings>,
    pools: Option<&Pools>,
) -> Option<JwksSettings> {
    let is_set = section.has("openid_keys_url");
    let given = read_keys_url(section, "openid_keys_url");
    let (cognito, pools) = (cognito?, pools?);
    let url = if is_set {
        given?
    } else {
        let derived = token::keys_url(pools.find(None)?.id.region(), cognito.endpoint_url.as_deref());
        reqwest::Url::parse(&derived).ok()?
    };
    Some(JwksSettings::new(url, cognito.operation_timeout))
}

pub(super) fn read_upstream(
    section: &mut Section<'_, '_>,
    cognito: Option<&CognitoSettings>,
) -> Option<UpstreamSettings> {
    let rate_limit = read_call_rate_limit(&mut section.subsection("rate_limit"));
    let circuit_breaker = read_circuit_breaker(section);
    let max_attempts = section.read_integer("max_attempts", 1..=10);
    Some(UpstreamSettings {
        rate_limit: rate_limit?,
        circuit_breaker: circuit_breaker?,
        max_attempts: max_attempts?,
        call_timeout: cognito?.operation_timeout,
    })
}

/// Reads `[upstream.rate_limit]` or `[admin.rate_limit]`.
pub(super) fn read_call_rate_limit(section: &mut Section<'_, '_>) -> Option<CallRateSettings> {
    let limit = read_rate_limit(section);
    let max_wait = section.read_duration("max_wait", Duration::ZERO..=MINUTE);
    Some(CallRateSettings { limit: limit?, max_wait: max_wait? })
}

/// Reads `rate` and `burst`. Calls to AWS always have a limit: `rate` cannot be "off".
fn read_rate_limit(section: &mut Section<'_, '_>) -> Option<RateLimit> {
    let burst = section.read_integer("burst", 1..=100_000_u32);
    // An invalid burst is an error of its own; the rate is read nevertheless.
    let limit = section.parse("rate", RateLimit::ALLOWED, |rate| RateLimit::parse(rate, burst.unwrap_or(1)));
    burst.and(limit)
}

fn read_circuit_breaker(section: &mut Section<'_, '_>) -> Option<CircuitBreakerSettings> {
    let throttle_backoff = section.read_duration("throttle_backoff", MILLISECOND..=MINUTE);
    let throttle_backoff_max = section.read_duration("throttle_backoff_max", MILLISECOND..=10 * MINUTE);
    let mut own = section.subsection("circuit_breaker");
    let failure_threshold = own.read_integer("failure_threshold", 1..=1000);
    let open_duration = own.read_duration("open_duration", MILLISECOND..=MINUTE);
    let max_open_duration = own.read_duration("max_open_duration", MILLISECOND..=10 * MINUTE);
    Some(CircuitBreakerSettings {
        throttle_backoff: throttle_backoff?,
        throttle_backoff_max: throttle_backoff_max?,
        failure_threshold: failure_threshold?,
        open_duration: open_duration?,
        max_open_duration: max_open_duration?,
    })
}
