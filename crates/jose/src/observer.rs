//! Events for metrics.

use std::fmt;

/// Called for each fetch of keys.
pub trait JwksObserver: fmt::Debug + Send + Sync {
    /// Keys were fetched, or a key id was found not to exist.
    fn fetched(&self);
    /// A fetch failed.
    fn failed(&self);
}
