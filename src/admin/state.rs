//! Shared state of the admin listener's resources.

use std::sync::Arc;

use crate::audit::AuditTrail;
use crate::auth::AuthenticatorChain;
use crate::config::AdminSettings;
use crate::http::Readiness;
use crate::identity_admin::IdentityAdmin;
use crate::metrics::Metrics;
use crate::pools::Pools;
use crate::rate_limit::RateLimiter;
use crate::vending::TokenVendor;
use clock::SharedClock;

/// Shared state of the admin resources.
#[derive(Debug)]
pub(crate) struct AdminState {
    pub(crate) settings: AdminSettings,
    pub(crate) pools: Pools,
    pub(crate) authenticator: Arc<AuthenticatorChain>,
    pub(crate) limits: RateLimiter,
    pub(crate) vendor: Arc<TokenVendor>,
    pub(crate) identity_admin: Arc<IdentityAdmin>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Arc<AuditTrail>,
}
