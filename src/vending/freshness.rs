//! Whether a kept token may be served, and when to get another: a pure function of the token's times and the
//! present moment. What is done about the verdict is decided elsewhere.
//!
//! ```text
//! minted ──── fresh ──── refresh_from ── advisory ──┬── mandatory ──┬── spent ── expires
//!                            (jitter only earlier)  │               │
//!                              expires - skew allowance     expires - stale floor
//! ```

use std::time::Duration;

use clock::Timestamp;

/// The lines between the windows, as lengths of life left.
#[derive(Debug, Clone, Copy)]
pub struct RefreshPolicy {
    /// A token with less life left is not served in normal times. AWS: allow at least 5 minutes for skew.
    pub clock_skew_allowance: Duration,
    /// How long before the skew allowance a token is refreshed behind its user's back.
    pub advisory_window: Duration,
    /// The most by which a refresh is moved earlier at random, so that tokens minted together do not all end
    /// together.
    pub refresh_jitter: Duration,
    /// A token with less life left is not served at all.
    pub min_remaining_life: Duration,
}

/// The times of a kept token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was minted.
    pub minted_at: Timestamp,
    /// From when on it is refreshed behind its user's back.
    pub refresh_from: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// How good a kept token is at a given moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Serve it.
    Fresh,
    /// Serve it, and get a new one behind.
    Advisory,
    /// Get a new one and wait for it; serve this one only if that fails.
    Mandatory,
    /// Never serve it.
    Spent,
}

/// What a caller asks of a token beyond that it be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirements {
    /// The life that it must still have.
    pub min_ttl: Option<Duration>,
    /// The age that it may have at most, for a caller whose last token was refused downstream.
    pub max_age: Option<Duration>,
    /// When it must have ended.
    pub ends_by: Option<Timestamp>,
}

impl RefreshPolicy {
    /// The times of a token minted now. `chance`, from 0 up to 1, moves its refresh earlier within the jitter.
    ///
    /// A short-lived token spends at least half of its servable life fresh, whatever the windows say: else it
    /// would be refreshed from the moment it was minted.
    pub fn times(&self, minted_at: Timestamp, expires_at: Timestamp, chance: f64) -> Lifetime {
        let mandatory_from = expires_at.before(self.clock_skew_allowance);
        let wanted =
            mandatory_from.before(self.advisory_window + self.refresh_jitter.mul_f64(chance.clamp(0.0, 1.0)));
        let earliest = minted_at + mandatory_from.since(minted_at) / 2;
        Lifetime { minted_at, refresh_from: wanted.max(earliest), expires_at }
    }

    /// How good a token with these times is now.
    pub fn judge(&self, times: &Lifetime, now: Timestamp) -> Freshness {
        let left = times.expires_at.since(now);
        if left < self.min_remaining_life || left.is_zero() {
            Freshness::Spent
        } else if left < self.clock_skew_allowance {
            Freshness::Mandatory
        } else if now >= times.refresh_from {
            Freshness::Advisory
        } else {
            Freshness::Fresh
        }
    }
}

impl Requirements {
    /// Whether a token with these times is what the caller needs.
    pub fn met_by(&self, times: &Lifetime, now: Timestamp) -> bool {
        let long_enough = self.min_ttl.is_none_or(|least| times.expires_at.since(now) >= least);
        let young_enough = self.max_age.is_none_or(|most| now.since(times.minted_at) < most);
        let short_enough = self.ends_by.is_none_or(|end| times.expires_at <= end);
        long_enough && young_enough && short_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOWS: RefreshPolicy = RefreshPolicy {
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
        let times = WINDOWS.times(at(0), at(900), 0.0);
        for (now, verdict) in [
            (0, Freshness::Fresh),
            (479, Freshness::Fresh),
            (480, Freshness::Advisory),
            (600, Freshness::Advisory),
            (601, Freshness::Mandatory),
            (840, Freshness::Mandatory),
            (841, Freshness::Spent),
            (900, Freshness::Spent),
            (9000, Freshness::Spent),
        ] {
            assert_eq!(WINDOWS.judge(&times, at(now)), verdict, "at {now} s");
        }
    }

    #[test]
    fn a_token_at_its_end_is_spent_even_without_a_floor() {
        let windows = RefreshPolicy { min_remaining_life: Duration::ZERO, ..WINDOWS };
        let times = windows.times(at(0), at(900), 0.0);
        assert_eq!(windows.judge(&times, at(899)), Freshness::Mandatory);
        assert_eq!(windows.judge(&times, at(900)), Freshness::Spent);
    }

    #[test]
    fn what_the_caller_needs_is_judged_apart_from_the_windows() {
        let times = WINDOWS.times(at(0), at(900), 0.0);
        let needs = Requirements { min_ttl: Some(Duration::from_secs(500)), ..Requirements::default() };
        assert!(needs.met_by(&times, at(400)) && !needs.met_by(&times, at(401)));
        let needs = Requirements { max_age: Some(Duration::from_secs(30)), ..Requirements::default() };
        assert!(needs.met_by(&times, at(29)) && !needs.met_by(&times, at(30)));
    }

    proptest! {
        #[test]
        fn jitter_only_ever_makes_a_refresh_earlier(life in 1_i64..90_000, chance in 0.0..1.0_f64) {
            let plain = WINDOWS.times(at(0), at(life), 0.0);
            let jittered = WINDOWS.times(at(0), at(life), chance);
            prop_assert!(jittered.refresh_from <= plain.refresh_from);
            prop_assert_eq!(jittered.expires_at, plain.expires_at);
        }

        #[test]
        fn a_token_served_in_normal_times_has_at_least_the_allowance(life in 1_i64..90_000, now in 0_i64..90_000) {
            let times = WINDOWS.times(at(0), at(life), 0.5);
            if matches!(WINDOWS.judge(&times, at(now)), Freshness::Fresh | Freshness::Advisory) {
                prop_assert!(times.expires_at.since(at(now)) >= WINDOWS.clock_skew_allowance);
            }
        }

        #[test]
        fn a_token_only_ever_grows_less_fresh(life in 1_i64..5_000, now in 0_i64..5_000, later in 0_i64..5_000) {
            let times = WINDOWS.times(at(0), at(life), 0.9);
            let rank = |verdict| [Freshness::Fresh, Freshness::Advisory, Freshness::Mandatory, Freshness::Spent]
                .iter().position(|other| *other == verdict);
            prop_assert!(rank(WINDOWS.judge(&times, at(now))) <= rank(WINDOWS.judge(&times, at(now + later))));
        }
    }
}
