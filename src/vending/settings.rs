//! How tokens are vended, as the operator wants it.

use std::time::Duration;

use super::freshness::RefreshPolicy;
use super::negative_cache::NegativeTtls;
use super::upstream::UpstreamSettings;
use crate::call_rate_limit::CallRateSettings;

/// How tokens are vended.
#[derive(Debug, Clone, Copy)]
pub struct VendingSettings {
    /// When a token is fresh, and when no longer.
    pub windows: RefreshPolicy,
    /// A user who came within this time before is refreshed ahead; who did not is not.
    pub refresh_if_used_within: Duration,
    /// A caller who asks for a new token gets one that is younger than this. Bounds what one user can make
    /// Cognito do, without counting anything.
    pub min_refresh_interval: Duration,
    /// How long a caller with a token that is still valid waits for a new one.
    pub refresh_timeout: Duration,
    /// The bytes that kept tokens may take.
    pub max_size_bytes: u64,
    /// How long refusals are remembered.
    pub negative_ttls: NegativeTtls,
    /// How Cognito is called.
    pub upstream: UpstreamSettings,
    /// Whether a token that is no JWT, and so cannot be checked, is accepted.
    pub opaque_tokens: bool,
    /// From how much skew between Cognito's clock and ours on the operator is warned.
    pub clock_skew_warning: Duration,
    /// What is different for credentials.
    pub credentials: CredentialsSettings,
}

/// How credentials are vended, where that differs from tokens.
#[derive(Debug, Clone, Copy)]
pub struct CredentialsSettings {
    /// When credentials are fresh, and when no longer.
    pub windows: RefreshPolicy,
    /// How long a caller for whom valid credentials are kept waits for new ones.
    pub refresh_timeout: Duration,
    /// The bytes that kept credentials may take.
    pub max_size_bytes: u64,
    /// Our share of the quota on GetCredentialsForIdentity.
    pub rate_limit: CallRateSettings,
}
