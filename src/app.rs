//! The composition root: settings become a running service, and a running service comes to its end. Whatever
//! is shared is made here and handed on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::admin::{self, AdminState};
use crate::audit::{AuditError, AuditTrail};
use crate::auth::AuthenticatorChain;
use crate::cognito_token_verifier::CognitoTokenVerifier;
use crate::config::{DrainSettings, JwksSettings, Settings};
use crate::http::{self, AppState, Listener, Readiness};
use crate::identity_admin::IdentityAdmin;
use crate::issuer::cognito::Cognito;
use crate::issuer::registry::IdentityRegistry;
use crate::jws::KeysError;
use crate::linking::Linker;
use crate::metrics::labels::Label as _;
use crate::metrics::{self, Metrics, MetricsError};
use crate::pools::Pools;
use crate::rate_limit::{RateLimitSettings, RateLimiter};
use crate::tls::{Tls, TlsFaults, TlsSettings};
use crate::vending::TokenVendor;
use clock::SharedClock;

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address cannot be had.
    #[error(
        "cannot listen on {address} ({key}): {error}; is another process there, or is the address not this machine's?"
    )]
    Listen {
        /// The key that sets the address.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// There is nothing to judge bearer tokens by.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The audit trail cannot be kept.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A listener's certificate files are of no use.
    #[error("[{listener}.tls] {faults}")]
    Tls {
        /// The listener's section.
        listener: &'static str,
        /// What is wrong with them.
        faults: TlsFaults,
    },
    /// The metrics page is at odds with itself.
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] MetricsError),
}

/// The service, answering.
#[derive(Debug)]
pub struct RunningApp {
    public: Listener,
    admin: Listener,
    readiness: Arc<Readiness>,
    audit: Arc<AuditTrail>,
    drain: DrainSettings,
    clock: SharedClock,
}

/// Builds everything and begins to answer. Flights and refreshes run on the runtime that this is called on.
///
/// # Errors
/// An address cannot be had, or a key file is of no use. That keys by URL or AWS credentials are missing is no
/// error: the service starts, says so under `/readyz`, and goes on looking.
pub async fn start(settings: Settings, clock: SharedClock) -> Result<RunningApp, StartError> {
    let metrics = Arc::new(Metrics::new()?);
    let audit = Arc::new(AuditTrail::start(settings.audit, clock.clone(), metrics.clone())?);
    let wanted = settings.pools.used_claims();
    let authenticator = AuthenticatorChain::start(
        &settings.auth,
        &settings.users,
        wanted,
        settings.max_auth_cache_entries,
        &clock,
        &metrics,
    );
    let authenticator = Arc::new(authenticator.await?);
    let limits = Arc::new(RateLimiter::new(settings.limits, &clock, metrics.clone()));
    // Of their own: strangers who guess through a proxy on this machine, by whose address administrators come too, shut
    // nobody out of the admin listener.
    let admin_limits = RateLimitSettings {
        failed_authentications: settings.limits.failed_authentications,
        ..RateLimitSettings::default()
    };
    let admin_limits = RateLimiter::new(admin_limits, &clock, metrics.clone());
    let readiness = Arc::new(Readiness::new(authenticator.clone()));

    let home = settings.pools.find(None).map(|pool| pool.id.region().to_owned()).unwrap_or_default();
    let cognito = Arc::new(Cognito::load(&settings.cognito, &home, clock.clone()).await);
    let vendor = Arc::new(TokenVendor::new(
        settings.vending,
        &settings.pools,
        |region| Arc::new(cognito.issuer(region)),
        clock.clone(),
        metrics.clone(),
    ));
    let lifecycle = Arc::new(IdentityAdmin::new(
        &settings.pools,
        settings.admin.rate_limit,
        |region| Arc::new(cognito.registry(region)) as Arc<dyn IdentityRegistry>,
        vendor.clone(),
        &clock,
        metrics.clone(),
    ));
    let prover = guest_prover(&settings.pools, settings.openid_jwks, &clock, &metrics).await?;
    let linker = Linker::new(vendor.clone(), lifecycle.clone(), prover, clock.clone(), metrics.clone());
    tokio::spawn(find_credentials(cognito, readiness.clone(), clock.clone()));

    let tls = |settings: &Option<TlsSettings>, listener| {
        settings.as_ref().map(|tls| Tls::start(tls, listener, &clock, &metrics)).transpose().map_err(
            |faults| {
                let listener = listener.text();
                StartError::Tls { listener, faults }
            },
        )
    };
    let public_tls = tls(&settings.http.tls, metrics::labels::Listener::Http)?;
    let admin_tls = tls(&settings.admin.tls, metrics::labels::Listener::Admin)?;

    let service = Arc::new(AppState {
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
    let admin = Arc::new(AdminState {
        settings: settings.admin,
        pools: service.pools.clone(),
        authenticator,
        limits: admin_limits,
        vendor,
        lifecycle,
        readiness: readiness.clone(),
        clock: clock.clone(),
        metrics,
        audit: audit.clone(),
    });
    let address = admin.settings.listen;
    let listening_admin = admin::listen(&admin, admin_tls).map_err(|error| StartError::Listen {
        key: "admin.listen",
        address,
        error,
    })?;
    let address = service.settings.listen;
    let public = http::listen(&service, public_tls, settings.drain.timeout)
        .map_err(|error| StartError::Listen { key: "http.listen", address, error })?;
    Ok(RunningApp { public, admin: listening_admin, readiness, audit, drain: settings.drain, clock })
}

impl RunningApp {
    /// Where the public listener really is.
    pub fn public_address(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where the admin listener really is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Comes to an end: no longer ready, but answering, for the drain's delay; then what is under way ends.
    /// The admin listener goes last, so that the end can be watched.
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

/// What proves guests' tokens, if a pool takes guests: else Cognito's keys need not be fetched.
async fn guest_prover(
    pools: &Pools,
    keys: JwksSettings,
    clock: &SharedClock,
    metrics: &Arc<Metrics>,
) -> Result<Option<CognitoTokenVerifier>, KeysError> {
    if !pools.iter().any(|pool| pool.linking.guests) {
        return Ok(None);
    }
    CognitoTokenVerifier::start(keys, CognitoTokenVerifier::LEEWAY, clock.clone(), metrics.clone())
        .await
        .map(Some)
}

/// Looks for AWS credentials until there are some. The SDK keeps them fresh from then on.
async fn find_credentials(cognito: Arc<Cognito>, readiness: Arc<Readiness>, clock: SharedClock) {
    let mut wait = Duration::from_secs(1);
    while let Err(error) = cognito.find_credentials().await {
        tracing::error!(error, "no aws credentials yet, looking again in {} s", wait.as_secs());
        clock.sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(60));
    }
    readiness.found_credentials();
}
