//! How often somebody may ask: an address before anybody looks at its credential, an address whose credentials are
//! refused again and again, and a user once verified. Each is told when to come back, and pays for nobody else.
//!
//! [`allowance`] counts (GCRA, the leaky bucket that needs one number a key), `ledger` keeps the numbers in bounded
//! memory, `notice` tells the operator without letting an attacker fill the log. How the limits go together with
//! Cognito's quota and a load balancer's is told in `docs/limits.md`.

mod bounded_store;
pub mod keyed_limiter;
mod rejection_log;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

pub use keyed_limiter::RateLimit;

use crate::client_address::ClientAddress;
use crate::metrics::Metrics;
use crate::metrics::labels::Limit;
use clock::SharedClock;
use cognito_types::DeveloperUserId;
use keyed_limiter::KeyedLimiter;
use rejection_log::RejectionLog;

/// What may be asked; without an allowance there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Requests from one address.
    pub per_address: Option<RateLimit>,
    /// Credentials from one address that are refused.
    pub failed_authentications: Option<RateLimit>,
    /// Requests for one user, over all pools: which pool is the caller's own choice.
    pub per_user: Option<RateLimit>,
}

/// Too much was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("over the limit: {limit:?}")]
pub struct RateLimitExceeded {
    /// By which limit.
    pub limit: Limit,
    /// When there is room for one more.
    pub retry_after: Duration,
}

/// What was asked lately, and by whom. What comes over no network has no address, and no limit of one.
#[derive(Debug)]
pub struct RateLimiter {
    per_address: Option<KeyedLimiter<IpAddr>>,
    failures: Option<KeyedLimiter<IpAddr>>,
    per_user: Option<KeyedLimiter<DeveloperUserId>>,
    notice: RejectionLog,
    metrics: Arc<Metrics>,
}

impl RateLimiter {
    /// Begins to count.
    pub fn new(settings: RateLimitSettings, clock: &SharedClock, metrics: Arc<Metrics>) -> Self {
        Self {
            per_address: settings.per_address.map(|allowance| KeyedLimiter::new(allowance, clock)),
            failures: settings.failed_authentications.map(|allowance| KeyedLimiter::new(allowance, clock)),
            per_user: settings.per_user.map(|allowance| KeyedLimiter::new(allowance, clock)),
            notice: RejectionLog::new(clock.clone()),
            metrics,
        }
    }

    /// Whether there is a limit on addresses at all.
    pub fn limits_addresses(&self) -> bool {
        self.per_address.is_some()
    }

    /// Counts a request from an address.
    ///
    /// # Errors
    /// There were too many.
    pub fn address(&self, client: Option<ClientAddress>) -> Result<(), RateLimitExceeded> {
        let (Some(counted), Some(client)) = (&self.per_address, client) else { return Ok(()) };
        counted.take(&line_of(client)).map_err(|wait| self.over(Limit::Address, wait))
    }

    /// Whether a credential from this address may be looked at, or too many were refused already. Counts nothing.
    ///
    /// # Errors
    /// Too many were refused.
    pub fn may_try(&self, client: Option<ClientAddress>) -> Result<(), RateLimitExceeded> {
        let (Some(counted), Some(client)) = (&self.failures, client) else { return Ok(()) };
        counted.look(&line_of(client)).map_err(|wait| self.over(Limit::Failures, wait))
    }

    /// Counts a credential that was refused.
    pub fn failed(&self, client: Option<ClientAddress>) {
        if let (Some(counted), Some(client)) = (&self.failures, client) {
            // Once there is no room left, it is `may_try` that says so.
            let _ = counted.take(&line_of(client));
        }
    }

    /// Counts a request for a user.
    ///
    /// # Errors
    /// There were too many.
    pub fn user(&self, user: &DeveloperUserId) -> Result<(), RateLimitExceeded> {
        let Some(counted) = &self.per_user else { return Ok(()) };
        counted.take(user).map_err(|wait| self.over(Limit::User, wait))
    }

    fn over(&self, limit: Limit, retry_after: Duration) -> RateLimitExceeded {
        self.metrics.limited_total.count(limit);
        self.notice.refused(limit);
        RateLimitExceeded { limit, retry_after }
    }
}

/// What stands for one subscriber: an IPv4 address whole, of an IPv6 address the first 64 bits. The rest of those is
/// the subscriber's own choice (RFC 4291, section 2.5.4), and would give everybody as many allowances as they like.
fn line_of(client: ClientAddress) -> IpAddr {
    match client.ip() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_address::{PeerAddress, TrustedProxies};
    use clock::{ManualClock, Timestamp};

    fn client(address: &str) -> Option<ClientAddress> {
        let peer = PeerAddress::new(address.parse().unwrap());
        Some(TrustedProxies::none().resolve(peer, std::iter::empty()).client)
    }

    fn limits(settings: RateLimitSettings) -> (RateLimiter, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_000)));
        let shared: SharedClock = clock.clone();
        (RateLimiter::new(settings, &shared, Arc::new(Metrics::new().unwrap())), clock)
    }

    #[test]
    fn a_subscriber_of_ipv6_has_one_allowance_whatever_addresses_it_takes() {
        let per_address = RateLimit::parse("1/m", 1).unwrap();
        let (limits, _) = limits(RateLimitSettings { per_address, ..RateLimitSettings::default() });
        for (address, is_served) in [
            ("2001:db8:0:1::1", true),
            ("2001:db8:0:1:ffff:ffff:ffff:ffff", false),
            ("2001:db8:0:2::1", true),
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", false),
            ("192.0.2.2", true),
        ] {
            assert_eq!(limits.address(client(address)).is_ok(), is_served, "{address}");
        }
    }

    #[test]
    fn looking_whether_a_credential_may_be_tried_costs_nothing() {
        let failures = RateLimit::parse("1/m", 2).unwrap();
        let (limits, clock) =
            limits(RateLimitSettings { failed_authentications: failures, ..RateLimitSettings::default() });
        let (bad, good) = (client("192.0.2.1"), client("192.0.2.2"));
        for _ in 0..10 {
            assert_eq!(limits.may_try(bad), Ok(()));
        }
        limits.failed(bad);
        assert_eq!(limits.may_try(bad), Ok(()));
        limits.failed(bad);
        limits.failed(bad);
        let over = RateLimitExceeded { limit: Limit::Failures, retry_after: Duration::from_secs(60) };
        assert_eq!(limits.may_try(bad), Err(over));
        assert_eq!(limits.may_try(good), Ok(()));
        clock.advance(Duration::from_secs(60));
        assert_eq!(limits.may_try(bad), Ok(()));
    }

    #[test]
    fn without_an_allowance_there_is_no_limit() {
        let (limits, _) = limits(RateLimitSettings::default());
        let user = DeveloperUserId::parse("alice").unwrap();
        for _ in 0..10_000 {
            limits.failed(client("192.0.2.1"));
            assert_eq!(limits.may_try(client("192.0.2.1")), Ok(()));
            assert_eq!(limits.address(client("192.0.2.1")), Ok(()));
            assert_eq!(limits.user(&user), Ok(()));
        }
    }
}
