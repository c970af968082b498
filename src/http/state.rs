//! Shared state of the public listener's resources.

use std::sync::Arc;

use super::health::Readiness;
use crate::audit::AuditTrail;
use crate::auth::AuthenticatorChain;
use crate::config::HttpSettings;
use crate::linking::Linker;
use crate::metrics::Metrics;
use crate::pools::Pools;
use crate::rate_limit::RateLimiter;
use crate::vending::TokenVendor;
use clock::SharedClock;

/// Shared state of the resources.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) settings: HttpSettings,
    pub(crate) pools: Pools,
    pub(crate) authenticator: Arc<AuthenticatorChain>,
    pub(crate) limits: Arc<RateLimiter>,
    pub(crate) vendor: Arc<TokenVendor>,
    pub(crate) linker: Arc<Linker>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Arc<AuditTrail>,
}
