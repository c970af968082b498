//! Inbound rate limits: requests by client address before authentication, failed authentications by client address,
//! and requests by user after authentication. A rejected request gets the time after which to retry.
//!
//! `keyed_limiter` counts with [`crate::gcra`], `bounded_store` keeps the states in bounded memory, and `rejection_log`
//! logs without letting an attacker fill the log. `docs/rate-limits.md` explains how these limits work together with
//! Cognito's quotas and a load balancer's.

mod bounded_store;
mod keyed_limiter;
mod rejection_log;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::client_address::ClientAddress;
use crate::gcra::RateLimit;
use crate::metrics::Metrics;
use crate::metrics::labels::RateLimitKind;
use clock::SharedClock;
use cognito_types::DeveloperUserId;
use keyed_limiter::KeyedLimiter;
use rejection_log::RejectionLog;

/// The limits. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Requests from one client address.
    pub per_address: Option<RateLimit>,
    /// Failed authentications from one client address.
    pub failed_authentications: Option<RateLimit>,
    /// Requests for one user over all pools, because the caller chooses the pool.
    pub per_user: Option<RateLimit>,
}

/// A request over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rate limit exceeded: {limit:?}")]
pub struct RateLimitExceeded {
    pub limit: RateLimitKind,
    /// The time after which a request is admitted again.
    pub retry_after: Duration,
}

/// The inbound rate limiter. A request that did not come over a network has no address, and no limit by address.
#[derive(Debug)]
pub struct RateLimiter {
    per_address: Option<KeyedLimiter<IpAddr>>,
    failed_authentications: Option<KeyedLimiter<IpAddr>>,
    per_user: Option<KeyedLimiter<DeveloperUserId>>,
    rejection_log: RejectionLog,
    metrics: Arc<Metrics>,
}

impl RateLimiter {
    /// A limiter without any use so far.
    pub fn new(settings: RateLimitSettings, clock: &SharedClock, metrics: Arc<Metrics>) -> Self {
        Self {
            per_address: settings.per_address.map(|limit| KeyedLimiter::new(limit, clock)),
            failed_authentications: settings.failed_authentications.map(|limit| KeyedLimiter::new(limit, clock)),
            per_user: settings.per_user.map(|limit| KeyedLimiter::new(limit, clock)),
            rejection_log: RejectionLog::new(clock.clone()),
            metrics,
        }
    }

    /// Whether requests are limited by address.
    pub fn limits_addresses(&self) -> bool {
        self.per_address.is_some()
    }

    /// Counts a request from an address.
    ///
    /// # Errors
    /// The address is over its limit.
    pub fn take_request(&self, client: Option<ClientAddress>) -> Result<(), RateLimitExceeded> {
        let (Some(limiter), Some(client)) = (&self.per_address, client) else { return Ok(()) };
        limiter.take(&subscriber(client)).map_err(|wait| self.exceeded(RateLimitKind::Address, wait))
    }

    /// Whether a credential from this address may be verified. Counts nothing.
    ///
    /// # Errors
    /// The address has too many failed authentications.
    pub fn check_failed_attempts(&self, client: Option<ClientAddress>) -> Result<(), RateLimitExceeded> {
        let (Some(limiter), Some(client)) = (&self.failed_authentications, client) else { return Ok(()) };
        limiter.peek(&subscriber(client)).map_err(|wait| self.exceeded(RateLimitKind::FailedAuthentications, wait))
    }

    /// Counts a failed authentication.
    pub fn record_failed_attempt(&self, client: Option<ClientAddress>) {
        if let (Some(limiter), Some(client)) = (&self.failed_authentications, client) {
            // `check_failed_attempts` reports the limit.
            let _ = limiter.take(&subscriber(client));
        }
    }

    /// Counts a request for a user.
    ///
    /// # Errors
    /// The user is over the limit.
    pub fn take_user(&self, user: &DeveloperUserId) -> Result<(), RateLimitExceeded> {
        let Some(limiter) = &self.per_user else { return Ok(()) };
        limiter.take(user).map_err(|wait| self.exceeded(RateLimitKind::User, wait))
    }

    fn exceeded(&self, limit: RateLimitKind, retry_after: Duration) -> RateLimitExceeded {
        self.metrics.rate_limited_total.count(limit);
        self.rejection_log.record(limit);
        RateLimitExceeded { limit, retry_after }
    }
}

/// The part of an address that identifies a subscriber: the whole IPv4 address, or the first 64 bits of an IPv6 address.
/// The rest is the subscriber's own choice (RFC 4291, section 2.5.4) and would give each as many limits as it likes.
fn subscriber(client: ClientAddress) -> IpAddr {
    match client.ip() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}
