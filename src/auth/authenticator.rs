//! What authenticators of all kinds have, besides `authenticate`. That is not part of the trait: as a trait object's
//! method its future would have to be boxed for each request.

use std::time::Duration;

pub(super) trait Authenticator {
    /// Whether it can verify credentials. An endpoint that is called for each credential counts as available.
    fn is_ready(&self) -> bool {
        true
    }

    /// Whether it reads its credential from a cookie. Cookies of a session that a gateway or load balancer keeps do
    /// not count: this service does not read them.
    fn takes_cookies(&self) -> bool {
        false
    }

    /// The age of its fetched keys, if it has any.
    fn keys_age(&self) -> Option<Duration> {
        None
    }
}
