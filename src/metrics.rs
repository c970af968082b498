//! Prometheus metrics of the service. The help texts are their documentation; the metrics table of the README
//! follows them. All names begin with `tokenvend_`, durations are in seconds, labels are the enums of [`labels`].

mod families;
pub mod labels;

use jose::JwksObserver;
use prometheus::{Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry, TextEncoder};

pub use families::{Counters, Gauges, Histograms, InFlight, IntGauges, MetricsError, Requests};
use labels::{
    AdminAuthOutcome, AuditOutcome, AuthOutcome, AuthorizationOutcome, CacheStatus, CircuitOpenCause, CredentialKind,
    EvictionCause, FetchOutcome, HandshakeOutcome, LinkOutcome, ListenerName, Operation, RateLimitKind, RefreshOutcome,
    ReloadOutcome, Route, UpstreamOutcome,
};

/// From half a millisecond to ten seconds: a cache hit is at the low end, a throttled miss at the high one.
const LATENCY: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Around the thresholds of the refresh policy with default settings: 60 s, 300 s, 420 s, 900 s, 3600 s.
const LIFETIME: [f64; 11] = [0.0, 30.0, 60.0, 180.0, 300.0, 420.0, 600.0, 900.0, 1800.0, 3600.0, 86_400.0];

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty = $make:expr;)+) => {
        /// The registered metrics, shared by all modules that count.
        #[derive(Debug)]
        pub struct Metrics {
            registry: Registry,
            $($(#[doc = $help])+ pub $field: $kind,)+
        }

        impl Metrics {
            /// Registers every metric in a registry of its own.
            ///
            /// # Errors
            /// Two metrics share a name, or a name is invalid: a bug in this module.
            pub fn new() -> Result<Self, MetricsError> {
                let registry = Registry::new();
                $(let $field = {
                    let make: fn(&Registry, &str, &str) -> Result<$kind, MetricsError> = $make;
                    make(&registry, concat!("tokenvend_", stringify!($field)), concat!($($help),+).trim())?
                };)+
                #[cfg(target_os = "linux")]
                registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
                Ok(Self { registry, $($field,)+ })
            }
        }
    };
}

metrics! {
    /// Responses, by route and status.
    http_requests_total: Requests = Requests::register;
    /// Time from a request's head to its response, by route.
    http_request_duration_seconds: Histograms<Route> =
        |r, name, help| Histograms::register(r, name, help, &LATENCY);
    /// Requests in progress.
    http_requests_in_flight: IntGauge = int_gauge;
    /// Authentications, by outcome; every outcome but verified is a rejection or a failure.
    authentications_total: Counters<AuthOutcome> = Counters::register;
    /// Decisions of the pools' access policies for verified callers, by outcome.
    authorization_decisions_total: Counters<AuthorizationOutcome> = Counters::register;
    /// Requests rejected by a rate limit, by limit.
    rate_limited_total: Counters<RateLimitKind> = Counters::register;
    /// Vended tokens and AWS credentials, by kind and by how the cache served them.
    vends_total: Counters<(CredentialKind, CacheStatus)> = Counters::register;
    /// Remaining lifetime of tokens and AWS credentials when they were vended, by kind.
    vended_lifetime_seconds: Histograms<CredentialKind> =
        |r, name, help| Histograms::register(r, name, help, &LIFETIME);
    /// Requests to link a login or a guest to their user's identity, by outcome.
    identity_links_total: Counters<LinkOutcome> = Counters::register;
    /// Calls to Cognito, by operation and outcome. Each attempt counts.
    upstream_calls_total: Counters<(Operation, UpstreamOutcome)> = Counters::register;
    /// Duration of calls to Cognito, by operation and outcome.
    upstream_call_duration_seconds: Histograms<(Operation, UpstreamOutcome)> =
        |r, name, help| Histograms::register(r, name, help, &LATENCY);
    /// Calls to Cognito in progress, by operation.
    upstream_calls_in_flight: IntGauges<Operation> = IntGauges::register;
    /// Time that calls for tokens and AWS credentials waited for the call rate limit.
    upstream_rate_limit_wait_seconds: Histogram = |r, name, help| {
        families::register(r, Histogram::with_opts(HistogramOpts::new(name, help).buckets(LATENCY.to_vec())))
    };
    /// Calls not made because the call rate limit did not permit them within the maximum wait, by operation.
    upstream_rate_limited_total: Counters<Operation> = Counters::register;
    /// Calls for tokens that the call rate limits permit at once, over all regions.
    upstream_rate_limit_available: Gauge = gauge;
    /// Openings of circuit breakers towards Cognito, by cause.
    circuit_opened_total: Counters<CircuitOpenCause> = Counters::register;
    /// Open circuit breakers; each region has one for tokens and one for AWS credentials.
    circuits_open: IntGauge = int_gauge;
    /// Requests answered from the negative cache, without a call to Cognito.
    negative_cache_hits_total: IntCounter = counter;
    /// Background refreshes of cached tokens and AWS credentials, by kind and outcome.
    background_refreshes_total: Counters<(CredentialKind, RefreshOutcome)> = Counters::register;
    /// Users with cached tokens or AWS credentials, by kind.
    cache_entries: IntGauges<CredentialKind> = IntGauges::register;
    /// Size of the cached tokens and AWS credentials in bytes, by kind.
    cache_bytes: IntGauges<CredentialKind> = IntGauges::register;
    /// Entries that left the cache, by cause.
    cache_evictions_total: Counters<EvictionCause> = Counters::register;
    /// Cognito's clock minus the service's when the last token was minted, blurred by the duration of the call.
    clock_skew_seconds: Gauge = gauge;
    /// Accepted tokens that are not JWTs, so that their claims could not be checked.
    opaque_tokens_total: IntCounter = counter;
    /// Verified credentials in the credential cache.
    auth_cache_entries: IntGauge = int_gauge;
    /// Age of the oldest JWKS of the app in use; 0 where keys come from files.
    jwks_age_seconds: Gauge = gauge;
    /// Fetches of signing keys by outcome: the app's, and Cognito's for the verification of guests' tokens.
    jwks_fetches_total: Counters<FetchOutcome> = Counters::register;
    /// Audit events, by outcome; every outcome but written is a lost event.
    audit_events_total: Counters<AuditOutcome> = Counters::register;
    /// Authentications with the admin credential, by outcome.
    admin_authentications_total: Counters<AdminAuthOutcome> = Counters::register;
    /// Expiry of the certificate in use, in seconds since the Unix epoch, by listener; only those with TLS.
    tls_certificate_expiry_timestamp_seconds: Gauges<ListenerName> = Gauges::register;
    /// Reloads of changed certificate files, by outcome.
    tls_reloads_total: Counters<ReloadOutcome> = Counters::register;
    /// TLS handshakes, by outcome.
    tls_handshakes_total: Counters<HandshakeOutcome> = Counters::register;
    /// Always 1; the label is the running version.
    build_info: IntGauge = |r, name, help| {
        let info = IntGauge::with_opts(Opts::new(name, help).const_label("version", env!("CARGO_PKG_VERSION")));
        families::register(r, info).inspect(|info| info.set(1))
    };
}

fn int_gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
    families::register(registry, IntGauge::new(name, help))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<Gauge, MetricsError> {
    families::register(registry, Gauge::new(name, help))
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
    families::register(registry, IntCounter::new(name, help))
}

impl Metrics {
    /// The media type of [`Metrics::exposition`].
    pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// A metric cannot be encoded: a bug in this module.
    pub fn exposition(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::with_capacity(32 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

impl JwksObserver for Metrics {
    fn fetched(&self) {
        self.jwks_fetches_total.count(FetchOutcome::Fetched);
    }

    fn failed(&self) {
        self.jwks_fetches_total.count(FetchOutcome::Failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metrics: &Metrics) -> String {
        String::from_utf8(metrics.exposition().unwrap()).unwrap()
    }

    #[test]
    fn every_counter_is_exposed_from_the_start() {
        let text = text(&Metrics::new().unwrap());
        for line in [
            r#"tokenvend_vends_total{cache="stale",kind="credentials"} 0"#,
            r#"tokenvend_authentications_total{outcome="unknown_key"} 0"#,
            r#"tokenvend_http_requests_total{route="/v1/token",status="503"} 0"#,
            r#"tokenvend_upstream_calls_total{operation="DeleteIdentities",outcome="mismatched"} 0"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn an_unexpected_status_counts_under_its_class() {
        let metrics = Metrics::new().unwrap();
        metrics.http_requests_total.count(Route::Other, 418);
        let text = text(&metrics);
        assert!(text.contains(r#"tokenvend_http_requests_total{route="other",status="4xx"} 1"#), "{text}");
    }

    #[test]
    fn a_cancelled_call_is_no_longer_in_flight() {
        let metrics = Metrics::new().unwrap();
        let in_flight = |number| {
            let line = format!(r#"tokenvend_upstream_calls_in_flight{{operation="ListIdentities"}} {number}"#);
            text(&metrics).contains(&line)
        };
        let guard = metrics.upstream_calls_in_flight.in_flight(Operation::ListIdentities);
        assert!(in_flight(1));
        drop(guard);
        assert!(in_flight(0));
    }
}
