//! Counts the calls by operation and outcome, so that a test can say how often its service asked.
//!
//! A call is counted in `total` when it arrives and by outcome when it is answered: a client that hangs up
//! in between (a timeout under latency) leaves the total ahead of the sum.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// The outcome of a call that was answered as asked; the others are the names of errors, or this next one.
pub(super) const OK: &str = "ok";
/// The outcome of a call whose connection a fault dropped.
pub(super) const DROPPED: &str = "dropped";
/// What calls of no known operation are counted under, so that a stranger cannot grow the table.
pub(super) const UNKNOWN: &str = "(unknown)";

/// The counters.
#[derive(Debug, Default)]
pub(super) struct CallCounts(Mutex<BTreeMap<&'static str, BTreeMap<&'static str, u64>>>);

impl CallCounts {
    pub(super) fn arrived(&self, operation: &'static str) {
        self.count(operation, "total");
    }

    pub(super) fn answered(&self, operation: &'static str, outcome: &'static str) {
        self.count(operation, outcome);
    }

    fn count(&self, operation: &'static str, what: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(operation).or_default().entry(what).or_default() += 1;
    }

    pub(super) fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "calls": &*self.0.lock().unwrap_or_else(PoisonError::into_inner) })
    }
}
