//! `[limits.per_address]`, `[limits.failures]` and `[limits.per_user]`.

use crate::config::reader::Section;
use crate::gcra::RateLimit;
use crate::rate_limit::RateLimitSettings;

/// The rate of no limit.
const OFF: &str = "off";

pub(super) fn limits(section: &mut Section<'_, '_>) -> Option<RateLimitSettings> {
    let per_address = allowance(&mut section.inner("per_address"));
    let failures = allowance(&mut section.inner("failures"));
    let per_user = allowance(&mut section.inner("per_user"));
    Some(RateLimitSettings { per_address: per_address?, failures: failures?, per_user: per_user? })
}

fn allowance(section: &mut Section<'_, '_>) -> Option<Option<RateLimit>> {
    let burst = section.integer("burst", 1..=1_000_000_u32);
    let allowed = format!("{OFF:?}, or {}", RateLimit::ALLOWED);
    // A wrong burst is a fault of its own; the rate is read all the same.
    section.parsed("rate", &allowed, |rate| match rate {
        OFF => Ok(None),
        rate => RateLimit::parse(rate, burst.unwrap_or(1)).map(Some),
    })
}
