//! Freshness of a cached token: whether it may be served, and when to refresh it. A pure function of its lifetime and
//! the time. It is one part of the refresh policy. The others: `read_through` refreshes only entries that were used
//! within `refresh_if_used_within`, and [`crate::call_rate_limit`] keeps half of its burst from background refreshes.
//!
//! ```text
//! minted ──── fresh ──── refresh_from ── advisory ──┬── mandatory ──┬── expired ── expires
//!                            (jitter only earlier)  │               │
//!                  expires - clock skew allowance     expires - minimum remaining life
//! ```

use std::time::Duration;

use clock::Timestamp;

/// The borders between the windows, as remaining life.
#[derive(Debug, Clone, Copy)]
pub struct RefreshPolicy {
    /// A token with less remaining life is not served in normal operation. AWS: allow at least 5 minutes for skew.
    pub clock_skew_allowance: Duration,
    /// How long before the clock skew allowance a token is refreshed in the background.
    pub advisory_window: Duration,
    /// The longest random time by which a refresh is earlier, so that tokens minted together are not all refreshed
    /// together.
    pub refresh_jitter: Duration,
    /// A token with less remaining life is never served.
    pub min_remaining_life: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    pub minted_at: Timestamp,
    /// From then on it is refreshed in the background.
    pub refresh_from: Timestamp,
    pub expires_at: Timestamp,
}

/// From the most to the least fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Serve it.
    Fresh,
    /// Serve it, and refresh it in the background.
    Advisory,
    /// Wait for a new one, and serve this one only if the load fails.
    Mandatory,
    /// Less than the minimum remaining life: never serve it.
    Expired,
}

/// The caller's requirements of a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirements {
    /// The remaining life that it must have.
    pub min_ttl: Option<Duration>,
    /// Its largest age, for a caller whose last token was rejected downstream.
    pub max_age: Option<Duration>,
    /// The latest time at which it may end.
    pub not_after: Option<Timestamp>,
}

impl RefreshPolicy {
    /// The lifetime of a token minted now. `jitter`, from 0 to 1, is the share of the policy's jitter that applies.
    ///
    /// A short-lived token is fresh for at least half of its servable life, whatever the windows say. Otherwise it
    /// would be refreshed from the moment on at which it was minted.
    pub fn lifetime(&self, minted_at: Timestamp, expires_at: Timestamp, jitter: f64) -> Lifetime {
        let mandatory_from = expires_at.before(self.clock_skew_allowance);
        let planned = mandatory_from.before(self.advisory_window + self.refresh_jitter.mul_f64(jitter.clamp(0.0, 1.0)));
        let earliest = minted_at + mandatory_from.since(minted_at) / 2;
        Lifetime { minted_at, refresh_from: planned.max(earliest), expires_at }
    }

    pub fn classify(&self, lifetime: &Lifetime, now: Timestamp) -> Freshness {
        let remaining = lifetime.expires_at.since(now);
        if remaining < self.min_remaining_life || remaining.is_zero() {
            Freshness::Expired
        } else if remaining < self.clock_skew_allowance {
            Freshness::Mandatory
        } else if now >= lifetime.refresh_from {
            Freshness::Advisory
        } else {
            Freshness::Fresh
        }
    }
}

impl Requirements {
    pub fn are_met_by(&self, lifetime: &Lifetime, now: Timestamp) -> bool {
        let long_enough = self.min_ttl.is_none_or(|min| lifetime.expires_at.since(now) >= min);
        let young_enough = self.max_age.is_none_or(|max| now.since(lifetime.minted_at) < max);
        let short_enough = self.not_after.is_none_or(|end| lifetime.expires_at <= end);
        long_enough && young_enough && short_enough
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) const POLICY: RefreshPolicy = RefreshPolicy {
        clock_skew_allowance: Duration::from_secs(300),
        advisory_window: Duration::from_secs(120),
        refresh_jitter: Duration::from_secs(60),
        min_remaining_life: Duration::from_secs(60),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn a_token_of_fifteen_minutes_goes_through_all_four_windows() {
        let lifetime = POLICY.lifetime(at(0), at(900), 0.0);
        for (now, freshness) in [
            (0, Freshness::Fresh),
            (479, Freshness::Fresh),
            (480, Freshness::Advisory),
            (600, Freshness::Advisory),
            (601, Freshness::Mandatory),
            (840, Freshness::Mandatory),
            (841, Freshness::Expired),
            (900, Freshness::Expired),
            (9000, Freshness::Expired),
        ] {
            assert_eq!(POLICY.classify(&lifetime, at(now)), freshness, "at {now} s");
        }
    }

    #[test]
    fn a_token_at_its_end_is_expired_even_without_a_minimum_remaining_life() {
        let policy = RefreshPolicy { min_remaining_life: Duration::ZERO, ..POLICY };
        let lifetime = policy.lifetime(at(0), at(900), 0.0);
        assert_eq!(policy.classify(&lifetime, at(899)), Freshness::Mandatory);
        assert_eq!(policy.classify(&lifetime, at(900)), Freshness::Expired);
    }

    proptest! {
        #[test]
        fn jitter_only_ever_makes_a_refresh_earlier(life in 1_i64..90_000, share in 0.0..1.0_f64) {
            let plain = POLICY.lifetime(at(0), at(life), 0.0);
            let jittered = POLICY.lifetime(at(0), at(life), share);
            prop_assert!(jittered.refresh_from <= plain.refresh_from);
            prop_assert_eq!(jittered.expires_at, plain.expires_at);
        }

        #[test]
        fn a_token_served_in_normal_operation_has_at_least_the_clock_skew_allowance(life in 1_i64..90_000, now in 0_i64..90_000) {
            let lifetime = POLICY.lifetime(at(0), at(life), 0.5);
            if matches!(POLICY.classify(&lifetime, at(now)), Freshness::Fresh | Freshness::Advisory) {
                prop_assert!(lifetime.expires_at.since(at(now)) >= POLICY.clock_skew_allowance);
            }
        }

        #[test]
        fn a_token_only_ever_gets_less_fresh(life in 1_i64..5_000, now in 0_i64..5_000, later in 0_i64..5_000) {
            let lifetime = POLICY.lifetime(at(0), at(life), 0.9);
            prop_assert!(POLICY.classify(&lifetime, at(now)) <= POLICY.classify(&lifetime, at(now + later)));
        }
    }
}
