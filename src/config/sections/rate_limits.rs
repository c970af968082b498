//! `[limits.per_address]`, `[limits.failed_authentications]` and `[limits.per_user]`.

use crate::config::reader::Section;
use crate::gcra::RateLimit;
use crate::rate_limit::RateLimitSettings;

/// The value of `rate` for no limit.
const OFF: &str = "off";

pub(super) fn read_limits(section: &mut Section<'_, '_>) -> Option<RateLimitSettings> {
    let per_address = read_limit(&mut section.subsection("per_address"));
    let failed_authentications = read_limit(&mut section.subsection("failed_authentications"));
    let per_user = read_limit(&mut section.subsection("per_user"));
    Some(RateLimitSettings {
        per_address: per_address?,
        failed_authentications: failed_authentications?,
        per_user: per_user?,
    })
}

/// The outer `None` is an error, the inner one no limit.
fn read_limit(section: &mut Section<'_, '_>) -> Option<Option<RateLimit>> {
    let burst = section.read_integer("burst", 1..=1_000_000_u32);
    // An invalid burst is an error of its own; the rate is read nevertheless.
    let allowed = format!("{OFF:?}, or {}", RateLimit::ALLOWED);
    section.parse("rate", &allowed, |rate| match rate {
        OFF => Ok(None),
        rate => RateLimit::parse(rate, burst.unwrap_or(1)).map(Some),
    })
}
