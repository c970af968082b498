//! How often somebody may ask: an address before anybody looks at its credential, an address whose credentials are
//! refused again and again, and a user once verified. Each is told when to come back, and pays for nobody else.
//!
//! [`allowance`] counts (GCRA, the leaky bucket that needs one number a key), `ledger` keeps the numbers in bounded
//! memory, `notice` tells the operator without letting an attacker fill the log. How the limits go together with
//! Cognito's quota and a load balancer's is told in `docs/limits.md`.

pub mod allowance;
mod ledger;
mod notice;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

pub use allowance::Allowance;

use crate::hops::ClientAddress;
use crate::metrics::Metrics;
use crate::metrics::labels::Limit;
use allowance::Counted;
use clock::SharedClock;
use cognito_types::DeveloperUserId;
use notice::Notice;

/// What may be asked; without an allowance there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests from one address.
    pub per_address: Option<Allowance>,
    /// Credentials from one address that are refused.
    pub failures: Option<Allowance>,
    /// Requests for one user, over all pools: which pool is the caller's own choice.
    pub per_user: Option<Allowance>,
}

/// Too much was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("over the limit: {limit:?}")]
pub struct OverLimit {
    /// By which limit.
    pub limit: Limit,
    /// When there is room for one more.
    pub retry_after: Duration,
}

/// What was asked lately, and by whom. What comes over no network has no address, and no limit of one.
#[derive(Debug)]
pub struct Limits {
    per_address: Option<Counted<IpAddr>>,
    failures: Option<Counted<IpAddr>>,
    per_user: Option<Counted<DeveloperUserId>>,
    notice: Notice,
    metrics: Arc<Metrics>,
}

impl Limits {
    /// Begins to count.
    pub fn new(settings: LimitSettings, clock: &SharedClock, metrics: Arc<Metrics>) -> Self {
        Self {
            per_address: settings.per_address.map(|allowance| Counted::new(allowance, clock)),
            failures: settings.failures.map(|allowance| Counted::new(allowance, clock)),
            per_user: settings.per_user.map(|allowance| Counted::new(allowance, clock)),
            notice: Notice::new(clock.clone()),
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
    pub fn address(&self, client: Option<ClientAddress>) -> Result<(), OverLimit> {
        let (Some(counted), Some(client)) = (&self.per_address, client) else { return Ok(()) };
        counted.take(&line_of(client)).map_err(|wait| self.over(Limit::Address, wait))
    }

    /// Whether a credential from this address may be looked at, or too many were refused already. Counts nothing.
    ///
    /// # Errors
    /// Too many were refused.
    pub fn may_try(&self, client: Option<ClientAddress>) -> Result<(), OverLimit> {
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
    pub fn user(&self, user: &DeveloperUserId) -> Result<(), OverLimit> {
        let Some(counted) = &self.per_user else { return Ok(()) };
        counted.take(user).map_err(|wait| self.over(Limit::User, wait))
    }

    fn over(&self, limit: Limit, retry_after: Duration) -> OverLimit {
        self.metrics.limited_total.count(limit);
        self.notice.refused(limit);
        OverLimit { limit, retry_after }
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
    use crate::hops::{Hops, PeerAddress};
    use clock::{ManualClock, Timestamp};

    fn client(address: &str) -> Option<ClientAddress> {
        let peer = PeerAddress::new(address.parse().unwrap());
        Some(Hops::none().addresses(peer, std::iter::empty()).client)
    }

    fn limits(settings: LimitSettings) -> (Limits, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_000)));
        let shared: SharedClock = clock.clone();
        (Limits::new(settings, &shared, Arc::new(Metrics::new().unwrap())), clock)
    }

    #[test]
    fn a_subscriber_of_ipv6_has_one_allowance_whatever_addresses_it_takes() {
        let per_address = Allowance::parse("1/m", 1).unwrap();
        let (limits, _) = limits(LimitSettings { per_address, ..LimitSettings::default() });
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
        let failures = Allowance::parse("1/m", 2).unwrap();
        let (limits, clock) = limits(LimitSettings { failures, ..LimitSettings::default() });
        let (bad, good) = (client("192.0.2.1"), client("192.0.2.2"));
        for _ in 0..10 {
            assert_eq!(limits.may_try(bad), Ok(()));
        }
        limits.failed(bad);
        assert_eq!(limits.may_try(bad), Ok(()));
        limits.failed(bad);
        limits.failed(bad);
        let over = OverLimit { limit: Limit::Failures, retry_after: Duration::from_secs(60) };
        assert_eq!(limits.may_try(bad), Err(over));
        assert_eq!(limits.may_try(good), Ok(()));
        clock.advance(Duration::from_secs(60));
        assert_eq!(limits.may_try(bad), Ok(()));
    }

    #[test]
    fn without_an_allowance_there_is_no_limit() {
        let (limits, _) = limits(LimitSettings::default());
        let user = DeveloperUserId::parse("alice").unwrap();
        for _ in 0..10_000 {
            limits.failed(client("192.0.2.1"));
            assert_eq!(limits.may_try(client("192.0.2.1")), Ok(()));
            assert_eq!(limits.address(client("192.0.2.1")), Ok(()));
            assert_eq!(limits.user(&user), Ok(()));
        }
    }
}
