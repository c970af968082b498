//! `[limits.per_address]`, `[limits.failed_authentications]` and `[limits.per_user]`.

use crate::config::reader::Section;
use crate::gcra::RateLimit;
use crate::rate_limit::RateLimitSettings;

/// The value of `rate` for no limit.
const OFF: &str = "off";

pub(super) fn read_limits(section: &mut Section<'_, '_>) -> RateLimitSettings {
    RateLimitSettings {
        per_address: read_limit(&mut section.subsection("per_address")),
        failed_authentications: read_limit(&mut section.subsection("failed_authentications")),
        per_user: read_limit(&mut section.subsection("per_user")),
    }
}

fn read_limit(section: &mut Section<'_, '_>) -> Option<RateLimit> {
    let burst = section.read_integer("burst", 1..=1_000_000);
    let allowed = format!("{OFF:?}, or {}", RateLimit::ALLOWED);
    let limit = section.parse("rate", &allowed, |rate| match rate {
        OFF => Ok(None),
        rate => RateLimit::parse(rate, burst).map(Some),
    });
    limit.flatten()
}
