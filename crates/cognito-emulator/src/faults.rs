//! Faults on demand: what a test may ask the emulator to do wrong, and the dice that decide when.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::operations;

/// The longest latency that can be asked for: beyond it every client has long given up.
const LONGEST_LATENCY_MILLIS: u64 = 600_000;

/// The faults in force; the control endpoint's JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Faults {
    /// Every answer comes this much later.
    latency_millis: u64,
    /// The share of calls that are answered with `TooManyRequestsException`.
    throttle_rate: f64,
    /// The share of calls that are answered with `InternalErrorException`.
    error_rate: f64,
    /// The share of calls whose connection is dropped without an answer.
    drop_rate: f64,
    /// Only these operations; none means all.
    operations: Vec<String>,
    /// Tokens that do not say what they were asked to say.
    tamper: Option<TokenDefect>,
    /// Tokens dated this much later (or earlier, if negative).
    clock_skew_seconds: i64,
}

/// Which claim of a minted token does not match what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenDefect {
    Aud,
    Sub,
    Amr,
    /// The token is no JWT at all.
    Opaque,
}

impl Faults {
    /// What is wrong with the wish, in one sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        let rates = [
            ("throttleRate", self.throttle_rate),
            ("errorRate", self.error_rate),
            ("dropRate", self.drop_rate),
        ];
        for (name, rate) in rates {
            if !(0.0..=1.0).contains(&rate) {
                return Err(format!("{name} is {rate}, but a rate is 0 to 1"));
            }
        }
        if self.latency_millis > LONGEST_LATENCY_MILLIS {
            return Err(format!("latencyMillis is beyond {LONGEST_LATENCY_MILLIS}"));
        }
        for operation in &self.operations {
            if !operations::is_known(operation) {
                return Err(format!(
                    "operations names {operation:?}, which is no operation of this emulator"
                ));
            }
        }
        Ok(())
    }
}

/// How a token is to be minted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MintOptions {
    pub(super) tamper: Option<TokenDefect>,
    pub(super) clock_skew_seconds: i64,
}

/// What happens to a call instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InjectedFault {
    Dropped,
    Throttled,
    Failed,
}

/// What the dice gave one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FaultDecision {
    pub(super) latency: Duration,
    pub(super) misfortune: Option<InjectedFault>,
    pub(super) minting: MintOptions,
}

/// The faults in force, and the dice.
#[derive(Debug)]
pub(super) struct FaultInjector(Mutex<(Arc<Faults>, Rng)>);

impl FaultInjector {
    /// No faults yet; `random` throws the dice.
    pub(super) fn new(random: Rng) -> Self {
        Self(Mutex::new((Arc::default(), random)))
    }

    pub(super) fn set(&self, faults: Faults) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = Arc::new(faults);
    }

    pub(super) fn get(&self) -> Arc<Faults> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Throws the dice for one call.
    pub(super) fn fate_of(&self, operation: &str) -> FaultDecision {
        let (faults, random) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !faults.operations.is_empty() && faults.operations.iter().all(|name| name != operation) {
            return FaultDecision::default();
        }
        let mut happens = |rate: f64| rate > 0.0 && random.f64() < rate;
        let misfortune = if happens(faults.drop_rate) {
            Some(InjectedFault::Dropped)
        } else if happens(faults.throttle_rate) {
            Some(InjectedFault::Throttled)
        } else if happens(faults.error_rate) {
            Some(InjectedFault::Failed)
        } else {
            None
        };
        FaultDecision {
            latency: Duration::from_millis(faults.latency_millis),
            misfortune,
            minting: MintOptions { tamper: faults.tamper, clock_skew_seconds: faults.clock_skew_seconds },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injector(seed: u64, faults: &str) -> FaultInjector {
        let injector = FaultInjector::new(Rng::with_seed(seed));
        injector.set(serde_json::from_str(faults).unwrap());
        injector
    }

    #[test]
    fn the_same_seed_gives_the_same_fates() {
        let fates = |seed| -> Vec<_> {
            let injector = injector(seed, r#"{"throttleRate":0.5}"#);
            (0..64).map(|_| injector.fate_of("GetId").misfortune).collect()
        };
        assert_eq!(fates(1), fates(1));
        assert_ne!(fates(1), fates(2));
    }

    #[test]
    fn a_rate_of_one_hits_always_and_only_the_operations_named() {
        let injector = injector(1, r#"{"errorRate":1,"operations":["GetId"]}"#);
        assert_eq!(injector.fate_of("GetId").misfortune, Some(InjectedFault::Failed));
        assert_eq!(injector.fate_of("GetOpenIdToken"), FaultDecision::default());
    }

    #[test]
    fn a_wish_that_makes_no_sense_is_refused() {
        for bad in [r#"{"dropRate":1.5}"#, r#"{"latencyMillis":600001}"#, r#"{"operations":["GetIdea"]}"#] {
            assert!(serde_json::from_str::<Faults>(bad).unwrap().check().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Faults>(r#"{"latency":5}"#).is_err());
    }
}
