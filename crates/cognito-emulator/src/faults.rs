//! Fault injection: the configured faults, and the RNG that decides per call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::token::{MintOptions, TokenDefect};

/// The longest latency. Every client times out before it.
const MAX_LATENCY_MILLIS: u64 = 600_000;

/// The configured faults: the JSON of `/_emulator/faults`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Faults {
    /// The delay of every response.
    latency_millis: u64,
    /// The share of calls that get `TooManyRequestsException`.
    throttle_rate: f64,
    /// The share of calls that get `InternalErrorException`.
    error_rate: f64,
    /// The share of calls whose connection is closed without a response.
    drop_rate: f64,
    /// The affected operations. Empty: all.
    pub(crate) operations: Vec<String>,
    /// The defect of minted tokens.
    tamper: Option<TokenDefect>,
    /// Tokens are dated this much later, or earlier if negative.
    clock_skew_seconds: i64,
}

impl Faults {
    /// Checks rates and latency, not the names of operations. The error is one sentence for the client.
    pub(crate) fn check(&self) -> Result<(), String> {
        let rates =
            [("throttleRate", self.throttle_rate), ("errorRate", self.error_rate), ("dropRate", self.drop_rate)];
        for (name, rate) in rates {
            if !(0.0..=1.0).contains(&rate) {
                return Err(format!("{name} is {rate}, but a rate is 0 to 1"));
            }
        }
        if self.latency_millis > MAX_LATENCY_MILLIS {
            return Err(format!("latencyMillis is more than {MAX_LATENCY_MILLIS}"));
        }
        Ok(())
    }
}

/// A fault that replaces the result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InjectedFault {
    Dropped,
    Throttled,
    Failed,
}

/// The decision for one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FaultDecision {
    pub(crate) latency: Duration,
    pub(crate) fault: Option<InjectedFault>,
    pub(crate) mint_options: MintOptions,
}

/// The configured faults and the RNG.
#[derive(Debug)]
pub(crate) struct FaultInjector(Mutex<(Arc<Faults>, Rng)>);

impl FaultInjector {
    /// An injector without faults.
    pub(crate) fn new(rng: Rng) -> Self {
        Self(Mutex::new((Arc::default(), rng)))
    }

    pub(crate) fn set(&self, faults: Faults) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = Arc::new(faults);
    }

    pub(crate) fn get(&self) -> Arc<Faults> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Decides which faults affect one call.
    pub(crate) fn decide(&self, operation: &str) -> FaultDecision {
        let (faults, rng) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !faults.operations.is_empty() && faults.operations.iter().all(|name| name != operation) {
            return FaultDecision::default();
        }
        let mut happens = |rate: f64| rate > 0.0 && rng.f64() < rate;
        let fault = if happens(faults.drop_rate) {
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
            fault,
            mint_options: MintOptions { defect: faults.tamper, clock_skew_seconds: faults.clock_skew_seconds },
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
    fn the_same_seed_gives_the_same_decisions() {
        let decisions = |seed| -> Vec<_> {
            let injector = injector(seed, r#"{"throttleRate":0.5}"#);
            (0..64).map(|_| injector.decide("GetId").fault).collect()
        };
        assert_eq!(decisions(1), decisions(1));
        assert_ne!(decisions(1), decisions(2));
    }

    #[test]
    fn a_rate_of_one_affects_every_call_of_the_named_operations_only() {
        let injector = injector(1, r#"{"errorRate":1,"operations":["GetId"]}"#);
        assert_eq!(injector.decide("GetId").fault, Some(InjectedFault::Failed));
        assert_eq!(injector.decide("GetOpenIdToken"), FaultDecision::default());
    }

    #[test]
    fn invalid_faults_are_rejected() {
        for bad in [r#"{"dropRate":1.5}"#, r#"{"latencyMillis":600001}"#] {
            assert!(serde_json::from_str::<Faults>(bad).unwrap().check().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Faults>(r#"{"latency":5}"#).is_err());
    }
}
