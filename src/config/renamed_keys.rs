//! Former names of keys, for the error about a key that no longer exists. They are not aliases.

use super::path::{join, split};

/// Former and new paths. `NAME` stands for any name; a former path also covers the keys under it.
pub(super) const RENAMED: [(&str, &str); 51] = [
    ("pools.NAME.end_with_session", "pools.NAME.bind_to_session"),
    ("vending.token_duration_ceiling", "vending.max_token_duration"),
    ("vending.skew_allowance", "cache.clock_skew_allowance"),
    ("vending.advisory_window", "cache.advisory_window"),
    ("vending.refresh_jitter", "cache.refresh_jitter"),
    ("vending.seen_within", "cache.refresh_if_used_within"),
    ("vending.stale_floor", "cache.min_remaining_life"),
    ("vending.stale_after", "cache.refresh_timeout"),
    ("vending.renewal_interval", "cache.min_refresh_interval"),
    ("vending.remember_user_refusal", "cache.negative_ttl_user"),
    ("vending.remember_pool_refusal", "cache.negative_ttl_pool"),
    ("vending.skew_warning", "upstream.clock_skew_warning"),
    ("cache.max_mebibytes", "cache.max_size"),
    ("cache.max_remembered_credentials", "auth.cache.max_entries"),
    ("users.auth_order", "auth.order"),
    ("credentials.least_life", "credentials.mandatory_window"),
    ("credentials.stale_after", "credentials.refresh_timeout"),
    ("credentials.max_mebibytes", "credentials.max_size"),
    ("credentials.calls_per_second", "credentials.rate_limit.rate"),
    ("credentials.burst", "credentials.rate_limit.burst"),
    ("upstream.attempts", "upstream.max_attempts"),
    ("upstream.calls_per_second", "upstream.rate_limit.rate"),
    ("upstream.burst", "upstream.rate_limit.burst"),
    ("upstream.max_wait", "upstream.rate_limit.max_wait"),
    ("upstream.throttle_pause", "upstream.throttle_backoff"),
    ("upstream.throttle_pause_cap", "upstream.throttle_backoff_max"),
    ("upstream.failures_before_pause", "upstream.circuit_breaker.failure_threshold"),
    ("upstream.failure_pause", "upstream.circuit_breaker.open_duration"),
    ("upstream.failure_pause_cap", "upstream.circuit_breaker.max_open_duration"),
    ("auth.NAME.remember", "auth.NAME.cache_ttl"),
    ("auth.NAME.remember_refusal", "auth.NAME.negative_cache_ttl"),
    ("auth.NAME.carrier", "auth.NAME.credential_source"),
    ("auth.NAME.most_at_once", "auth.NAME.max_concurrent_requests"),
    ("auth.NAME.show_headers", "auth.NAME.forward_headers"),
    ("auth.NAME.show_cookies", "auth.NAME.forward_cookies"),
    ("auth.NAME.allow_plain_http", "auth.NAME.allow_insecure_http"),
    ("auth.NAME.on_behalf", "auth.NAME.act_as"),
    ("auth.NAME.jwks_refresh", "auth.NAME.jwks_refresh_interval"),
    ("auth.NAME.jwks_min_interval", "auth.NAME.jwks_min_refresh_interval"),
    ("limits.failures", "limits.failed_authentications"),
    ("http.head_timeout", "http.request_header_timeout"),
    ("http.body_timeout", "http.request_body_timeout"),
    ("http.read_answer_timeout", "http.response_write_timeout"),
    ("http.tls.client_certificates", "http.tls.client_auth"),
    ("admin.tls.client_certificates", "admin.tls.client_auth"),
    ("admin.calls_per_second", "admin.rate_limit.rate"),
    ("admin.burst", "admin.rate_limit.burst"),
    ("admin.max_wait", "admin.rate_limit.max_wait"),
    ("audit.hits", "audit.record_cache_hits"),
    ("audit.tags", "audit.principal_tags"),
    ("audit.queue", "audit.queue_capacity"),
];

/// The new path of a key that had another name.
pub(super) fn new_name(path: &str) -> Option<String> {
    let path = split(path);
    RENAMED.iter().find_map(|(former, new)| {
        let former = split(former);
        let matches = path.len() >= former.len()
            && former.iter().zip(&path).all(|(former, key)| *former == "NAME" || former == key);
        let under = path.get(former.len()..).filter(|_| matches)?;
        // The name is at the same place in both paths.
        let new = split(new).into_iter().enumerate();
        let new = new.map(|(at, key)| if key == "NAME" { path.get(at).copied().unwrap_or(key) } else { key });
        Some(new.chain(under.iter().copied()).fold(String::new(), |new, key| join(&new, key)))
    })
}
