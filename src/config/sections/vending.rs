//! `[vending]`, `[cache]`, `[upstream]` and `[credentials]`.

use std::time::Duration;

use super::{DAY, HOUR, MINUTE, SECOND, is_loopback, keys_url};
use crate::call_rate_limit::CallRateSettings;
use crate::config::reader::Section;
use crate::config::settings::JwksSettings;
use crate::gcra::RateLimit;
use crate::issuer::cognito::CognitoSettings;
use crate::pools::Pools;
use crate::token;
use crate::vending::freshness::RefreshPolicy;
use crate::vending::{
    CircuitBreakerSettings, CredentialsSettings, NegativeTtls, UpstreamSettings, VendingSettings,
};

const MILLISECOND: Duration = Duration::from_millis(1);

pub(super) fn vending(
    section: &mut Section<'_, '_>,
    windows: Option<RefreshPolicy>,
    upstream: Option<UpstreamSettings>,
    cache_bytes: Option<u64>,
    opaque_tokens: Option<bool>,
    credentials: Option<CredentialsSettings>,
) -> Option<VendingSettings> {
    let seen_within = section.duration("seen_within", Duration::ZERO..=DAY);
    let stale_after = section.duration("stale_after", 10 * MILLISECOND..=MINUTE);
    let renewal_interval = section.duration("renewal_interval", SECOND..=5 * MINUTE);
    let user = section.duration("remember_user_refusal", Duration::ZERO..=HOUR);
    let pool = section.duration("remember_pool_refusal", Duration::ZERO..=MINUTE);
    let skew_warning = section.duration("skew_warning", SECOND..=5 * MINUTE);
    Some(VendingSettings {
        windows: windows?,
        seen_within: seen_within?,
        stale_after: stale_after?,
        renewal_interval: renewal_interval?,
        refusals: NegativeTtls { user: user?, pool: pool? },
        skew_warning: skew_warning?,
        cache_bytes: cache_bytes?,
        upstream: upstream?,
        opaque_tokens: opaque_tokens?,
        credentials: credentials?,
    })
}

pub(super) fn windows(section: &mut Section<'_, '_>) -> Option<RefreshPolicy> {
    let skew_allowance = section.duration("skew_allowance", SECOND..=HOUR);
    let advisory = section.duration("advisory_window", Duration::ZERO..=HOUR);
    let jitter = section.duration("refresh_jitter", Duration::ZERO..=HOUR);
    let stale_floor = section.duration("stale_floor", SECOND..=HOUR);
    let (skew_allowance, stale_floor) = (skew_allowance?, stale_floor?);
    if stale_floor > skew_allowance {
        section.fault(
            "stale_floor",
            humantime::format_duration(stale_floor).to_string(),
            format!("at most vending.skew_allowance, {}", humantime::format_duration(skew_allowance)),
        );
        return None;
    }
    Some(RefreshPolicy { skew_allowance, advisory: advisory?, jitter: jitter?, stale_floor })
}

/// Tokens' windows hold for credentials too, but for the two that the clients' own refresh sets.
pub(super) fn credentials(
    section: &mut Section<'_, '_>,
    windows: Option<RefreshPolicy>,
    upstream: Option<UpstreamSettings>,
) -> Option<CredentialsSettings> {
    let least_life = section.duration("least_life", MINUTE..=50 * MINUTE);
    let advisory = section.duration("advisory_window", Duration::ZERO..=HOUR);
    let stale_after = section.duration("stale_after", 10 * MILLISECOND..=MINUTE);
    let cache_bytes = cache_bytes(section);
    let calls_per_second = section.integer("calls_per_second", 1..=100_000);
    let burst = section.integer("burst", 1..=100_000);
    let (windows, least_life) = (windows?, least_life?);
    if windows.stale_floor > least_life {
        let found = humantime::format_duration(least_life).to_string();
        let least = humantime::format_duration(windows.stale_floor);
        section.fault("least_life", found, format!("at least vending.stale_floor, {least}"));
        return None;
    }
    Some(CredentialsSettings {
        windows: RefreshPolicy { skew_allowance: least_life, advisory: advisory?, ..windows },
        stale_after: stale_after?,
        cache_bytes: cache_bytes?,
        budget: CallRateSettings {
            limit: RateLimit::new(SECOND / calls_per_second?, burst?),
            max_wait: upstream?.budget.max_wait,
        },
    })
}

pub(super) fn cache_bytes(section: &mut Section<'_, '_>) -> Option<u64> {
    section.integer("max_mebibytes", 1..=1_048_576_u64).map(|mebibytes| mebibytes * 1024 * 1024)
}

pub(super) fn cognito(section: &mut Section<'_, '_>) -> Option<CognitoSettings> {
    let endpoint_url = endpoint_url(section);
    let connect_timeout = section.duration("connect_timeout", 10 * MILLISECOND..=MINUTE);
    let read_timeout = section.duration("read_timeout", 10 * MILLISECOND..=MINUTE);
    let operation_timeout = section.duration("call_timeout", 10 * MILLISECOND..=MINUTE);
    let (connect_timeout, read_timeout, operation_timeout) =
        (connect_timeout?, read_timeout?, operation_timeout?);
    for (key, part) in [("connect_timeout", connect_timeout), ("read_timeout", read_timeout)] {
        if part > operation_timeout {
            let found = humantime::format_duration(part).to_string();
            let most = humantime::format_duration(operation_timeout);
            section.fault(key, found, format!("at most upstream.call_timeout, {most}"));
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

/// The outer `None` is a fault, the inner one an absent key.
fn endpoint_url(section: &mut Section<'_, '_>) -> Option<Option<String>> {
    let is_set = section.has("endpoint_url");
    let url = section.optional("endpoint_url", "an http or https URL", |text| {
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
            "upstream.endpoint_url {url} is plain http to another machine: tokens can be read on the way."
        ));
    }
    Some(Some(url.to_string()))
}

/// Where Cognito's keys are: as the configuration says, or else where they are published for the default pool's
/// region. All pools of a process lie in one partition of AWS, as its credentials do.
pub(super) fn openid_keys(
    section: &mut Section<'_, '_>,
    cognito: Option<&CognitoSettings>,
    pools: Option<&Pools>,
) -> Option<JwksSettings> {
    let is_set = section.has("openid_keys_url");
    let given = keys_url(section, "openid_keys_url");
    let (cognito, pools) = (cognito?, pools?);
    let url = if is_set {
        given?
    } else {
        let derived = token::keys_url(pools.find(None)?.id.region(), cognito.endpoint_url.as_deref());
        reqwest::Url::parse(&derived).ok()?
    };
    Some(JwksSettings::of_cognito(url, cognito.operation_timeout))
}

pub(super) fn upstream(
    section: &mut Section<'_, '_>,
    cognito: Option<&CognitoSettings>,
) -> Option<UpstreamSettings> {
    let budget = budget(section);
    let pause = pause(section);
    let attempts = section.integer("attempts", 1..=10);
    Some(UpstreamSettings {
        budget: budget?,
        pause: pause?,
        attempts: attempts?,
        call_timeout: cognito?.operation_timeout,
    })
}

/// The keys that every budget has, in whichever section.
pub(super) fn budget(section: &mut Section<'_, '_>) -> Option<CallRateSettings> {
    let calls_per_second = section.integer("calls_per_second", 1..=100_000);
    let burst = section.integer("burst", 1..=100_000);
    let max_wait = section.duration("max_wait", Duration::ZERO..=MINUTE);
    Some(CallRateSettings { limit: RateLimit::new(SECOND / calls_per_second?, burst?), max_wait: max_wait? })
}

fn pause(section: &mut Section<'_, '_>) -> Option<CircuitBreakerSettings> {
    let throttle_base = section.duration("throttle_pause", MILLISECOND..=MINUTE);
    let throttle_cap = section.duration("throttle_pause_cap", MILLISECOND..=10 * MINUTE);
    let failures = section.integer("failures_before_pause", 1..=1000);
    let failure_base = section.duration("failure_pause", MILLISECOND..=MINUTE);
    let failure_cap = section.duration("failure_pause_cap", MILLISECOND..=10 * MINUTE);
    Some(CircuitBreakerSettings {
        throttle_base: throttle_base?,
        throttle_cap: throttle_cap?,
        failures: failures?,
        failure_base: failure_base?,
        failure_cap: failure_cap?,
    })
}
