//! Composition root: builds the service from its settings, runs it and shuts it down. Shared objects are built here and
//! passed on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::admin::{self, AdminState};
use crate::audit::{AuditError, AuditTrail};
use crate::auth::AuthenticatorChain;
use crate::cognito_token_verifier::CognitoTokenVerifier;
use crate::config::{DrainSettings, Settings};
use crate::http::{self, AppState, Listener, Readiness};
use crate::identity_admin::IdentityAdmin;
use crate::issuer::cognito::Cognito;
use crate::linking::Linker;
use crate::metrics::labels::{Label as _, ListenerName};
use crate::metrics::{Metrics, MetricsError};
use crate::pools::Pools;
use crate::rate_limit::{RateLimitSettings, RateLimiter};
use crate::tls::{self, Tls, TlsFileErrors, TlsSettings};
use crate::vending::TokenVendor;
use clock::SharedClock;
use jose::{JwksSettings, KeysError};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "cannot listen on {address} ({key}): {error}; is another process there, or is the address not this machine's?"
    )]
    Listen {
        /// The configuration key of the address.
        key: &'static str,
        address: SocketAddr,
        error: std::io::Error,
    },
    /// The keys that verify callers' tokens cannot be loaded.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The audit sink cannot be opened.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The certificate files of a listener are invalid.
    #[error("[{listener}.tls] {errors}")]
    Tls {
        /// The listener's configuration section.
        listener: &'static str,
        errors: TlsFileErrors,
    },
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] MetricsError),
}

/// The running service.
#[derive(Debug)]
pub struct RunningApp {
    public: Listener,
    admin: Listener,
    readiness: Arc<Readiness>,
    audit: Arc<AuditTrail>,
    drain: DrainSettings,
    clock: SharedClock,
}

/// Starts the service. Loads and refreshes run on the current runtime.
///
/// # Errors
/// An address cannot be bound, or a file of keys or certificates is invalid. Missing AWS credentials and keys that
/// cannot be fetched are not errors: the service starts, is not ready (`/readyz`), and retries.
pub async fn start(settings: Settings, clock: SharedClock) -> Result<RunningApp, StartError> {
    let metrics = Arc::new(Metrics::new()?);
    let audit = Arc::new(AuditTrail::start(settings.audit, clock.clone(), metrics.clone())?);
    let authenticator = AuthenticatorChain::start(
        &settings.auth,
        &settings.users,
        settings.pools.used_claims(),
        settings.max_auth_cache_entries,
        &clock,
        &metrics,
    );
    let authenticator = Arc::new(authenticator.await?);
    let limits = Arc::new(RateLimiter::new(settings.limits, &clock, metrics.clone()));
    // A separate limiter: failed authentications through a proxy on this machine, whose address administrators share,
    // must not lock them out of the admin listener.
    let admin_limits = RateLimitSettings {
        failed_authentications: settings.limits.failed_authentications,
        ..RateLimitSettings::default()
    };
    let admin_limits = RateLimiter::new(admin_limits, &clock, metrics.clone());
    let readiness = Arc::new(Readiness::new(authenticator.clone()));

    let default_region = settings.pools.find(None).map(|pool| pool.id.region().to_owned()).unwrap_or_default();
    let cognito = Arc::new(Cognito::load(&settings.cognito, &default_region, clock.clone()).await);
    let vendor = Arc::new(TokenVendor::new(
        settings.vending,
        &settings.pools,
        |region| Arc::new(cognito.issuer(region)),
        clock.clone(),
        metrics.clone(),
    ));
    let identity_admin = Arc::new(IdentityAdmin::new(
        &settings.pools,
        settings.admin.rate_limit,
        |region| cognito.identity_registry(region),
        vendor.clone(),
        &clock,
        metrics.clone(),
    ));
    let verifier = guest_token_verifier(&settings.pools, settings.openid_jwks, &clock, &metrics).await?;
    let linker = Linker::new(vendor.clone(), identity_admin.clone(), verifier, clock.clone(), metrics.clone());
    tokio::spawn(wait_for_credentials(cognito, readiness.clone(), clock.clone()));

    let public_tls = start_tls(settings.http.tls.as_ref(), ListenerName::Http, &clock, &metrics)?;
    let admin_tls = start_tls(settings.admin.tls.as_ref(), ListenerName::Admin, &clock, &metrics)?;

    let app_state = Arc::new(AppState {
        settings: settings.http,
        pools: settings.pools,
        authenticator: authenticator.clone(),
        limits,
        vendor: vendor.clone(),
        linker: Arc::new(linker),
        readiness: readiness.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        audit: audit.clone(),
    });
    let admin_state = Arc::new(AdminState {
        settings: settings.admin,
        pools: app_state.pools.clone(),
        authenticator,
        limits: admin_limits,
        vendor,
        identity_admin,
        readiness: readiness.clone(),
        clock: clock.clone(),
        metrics,
        audit: audit.clone(),
    });

    let listen_error = |key, address| move |error| StartError::Listen { key, address, error };
    let admin =
        admin::listen(&admin_state, admin_tls).map_err(listen_error("admin.listen", admin_state.settings.listen))?;
    let public = http::listen(&app_state, public_tls, settings.drain.timeout)
        .map_err(listen_error("http.listen", app_state.settings.listen))?;
    Ok(RunningApp { public, admin, readiness, audit, drain: settings.drain, clock })
}

impl RunningApp {
    /// The bound address of the public listener.
    pub fn public_address(&self) -> SocketAddr {
        self.public.address()
    }

    /// The bound address of the admin listener.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Shuts down: the service is not ready but still answers during the drain delay, then requests in progress end.
    /// The admin listener stops last, so that the shutdown can be observed.
    pub async fn drain(self) {
        self.readiness.drain();
        tracing::info!(delay_seconds = self.drain.delay.as_secs_f64(), "shutting down, still answering");
        self.clock.sleep(self.drain.delay).await;
        self.public.stop().await;
        self.admin.stop().await;
        self.audit.flush().await;
        tracing::info!("shut down");
    }
}

fn start_tls(
    settings: Option<&TlsSettings>,
    listener: ListenerName,
    clock: &SharedClock,
    metrics: &Arc<Metrics>,
) -> Result<Option<Arc<Tls>>, StartError> {
    let tls = settings.map(|settings| tls::start(settings, listener, clock, metrics)).transpose();
    tls.map_err(|errors| StartError::Tls { listener: listener.text(), errors })
}

/// The verifier of guests' tokens, if a pool links guests. Otherwise no keys are fetched.
async fn guest_token_verifier(
    pools: &Pools,
    keys: JwksSettings,
    clock: &SharedClock,
    metrics: &Arc<Metrics>,
) -> Result<Option<CognitoTokenVerifier>, KeysError> {
    if !pools.iter().any(|pool| pool.linking.guests) {
        return Ok(None);
    }
    CognitoTokenVerifier::start(keys, CognitoTokenVerifier::DEFAULT_LEEWAY, clock.clone(), metrics.clone())
        .await
        .map(Some)
}

/// Waits until there are AWS credentials. The SDK refreshes them from then on.
async fn wait_for_credentials(cognito: Arc<Cognito>, readiness: Arc<Readiness>, clock: SharedClock) {
    let mut wait = Duration::from_secs(1);
    while let Err(error) = cognito.check_credentials().await {
        tracing::error!(error, "aws credentials not available, retrying in {} s", wait.as_secs());
        clock.sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(60));
    }
    readiness.found_credentials();
}
