//! Call counts by operation and outcome, so that a test can assert how often its service called.
//!
//! `total` counts requests, the outcomes count responses. A client that disconnects in between (a timeout under
//! injected latency) makes `total` larger than the sum of the outcomes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// The outcome of a successful call. The other outcomes are names of errors, or [`DROPPED`].
pub(crate) const OK: &str = "ok";
/// The outcome of a call whose connection was dropped by an injected fault.
pub(crate) const DROPPED: &str = "dropped";
/// The name for calls of unknown operations, so that clients cannot grow the table.
pub(crate) const UNKNOWN: &str = "(unknown)";

#[derive(Debug, Default)]
pub(crate) struct CallCounts(Mutex<BTreeMap<&'static str, BTreeMap<&'static str, u64>>>);

impl CallCounts {
    pub(crate) fn record_request(&self, operation: &'static str) {
        self.count(operation, "total");
    }

    pub(crate) fn record_response(&self, operation: &'static str, outcome: &'static str) {
        self.count(operation, outcome);
    }

    fn count(&self, operation: &'static str, what: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(operation).or_default().entry(what).or_default() += 1;
    }

    pub(crate) fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "calls": &*self.0.lock().unwrap_or_else(PoisonError::into_inner) })
    }
}
