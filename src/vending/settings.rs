//! Settings of vending.

use std::time::Duration;

use super::freshness::RefreshPolicy;
use super::negative_cache::NegativeTtls;
use super::upstream::UpstreamSettings;
use crate::call_rate_limit::CallRateSettings;

#[derive(Debug, Clone, Copy)]
pub struct VendingSettings {
    /// Of tokens.
    pub cache: CacheSettings,
    pub upstream: UpstreamSettings,
    /// Whether a token that is no JWT, and so cannot be validated, is accepted.
    pub accept_opaque_tokens: bool,
    /// The skew between Cognito's clock and this machine's from which on the log has a warning.
    pub clock_skew_warning: Duration,
    pub credentials: CredentialsSettings,
}

/// Settings of one read-through cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheSettings {
    pub refresh_policy: RefreshPolicy,
    /// An entry is refreshed in the background only if it was used within this time before.
    pub refresh_if_used_within: Duration,
    /// How long a caller with a valid entry waits for a load.
    pub refresh_timeout: Duration,
    /// A caller that requests a new token gets one that is younger than this. It also is the rate of the user quota.
    /// Both bound the calls that one user can cause.
    pub min_refresh_interval: Duration,
    /// The memory that the entries may take.
    pub max_size_bytes: u64,
    pub negative_ttls: NegativeTtls,
}

/// What differs for credentials.
#[derive(Debug, Clone, Copy)]
pub struct CredentialsSettings {
    pub refresh_policy: RefreshPolicy,
    /// How long a caller whose cached credentials are still valid waits for new ones.
    pub refresh_timeout: Duration,
    /// The memory that cached credentials may take.
    pub max_size_bytes: u64,
    /// The service's share of the quota of GetCredentialsForIdentity.
    pub rate_limit: CallRateSettings,
}
