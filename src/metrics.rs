//! Every metric of the service, on one page. The help text is the documentation; the README's table is made
//! of it. All names begin with `tokenvend_`, durations are in seconds, labels are the enums of [`labels`].

mod families;
pub mod labels;
mod observers;

use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry, TextEncoder,
};

pub use families::{Counters, Gauges, Histograms, Requests};
use labels::{
    AdminAuth, AuditOutcome, AuthOutcome, Eviction, FetchOutcome, HandshakeOutcome, Limit, LinkOutcome,
    Listener, PauseCause, PolicyOutcome, RefreshOutcome, RegistryOutcome, ReloadOutcome, Route, Source,
    UpstreamOutcome, Ware,
};

/// What can keep the registry from being built: a name or label that breaks its rules, or stands twice.
pub type MetricsError = prometheus::Error;

/// From half a millisecond to ten seconds: a hit is at the low end, a throttled miss at the high one.
const LATENCY: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Around the lines that freshness draws with the default settings: 60 s, 300 s, 420 s, 900 s, 3600 s.
const LIFE: [f64; 11] = [0.0, 30.0, 60.0, 180.0, 300.0, 420.0, 600.0, 900.0, 1800.0, 3600.0, 86_400.0];

macro_rules! page {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty = $make:expr;)+) => {
        /// The metrics, registered. Handed to whoever counts.
        #[derive(Debug)]
        pub struct Metrics {
            registry: Registry,
            $($(#[doc = $help])+ pub $field: $kind,)+
        }

        impl Metrics {
            /// Builds and registers every metric in a registry of its own.
            ///
            /// # Errors
            /// Two metrics share a name, or one breaks the naming rules: a fault of this page.
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

page! {
    /// Answers, by route and status.
    http_requests_total: Requests = |r, name, help| Requests::register::<Route>(r, name, help);
    /// Time from a request's head to its answer, by route.
    http_request_duration_seconds: Histograms<Route> =
        |r, name, help| Histograms::register(r, name, "route", help, &LATENCY);
    /// Requests being answered now.
    http_requests_in_flight: IntGauge = gauge;
    /// Authentications, by outcome; every outcome but verified is a refusal or a failure.
    auth_total: Counters<AuthOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// Verified callers, by what the pool's rules say of them.
    policy_total: Counters<PolicyOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// Requests refused because too much was asked, by limit.
    limited_total: Counters<Limit> = |r, name, help| Counters::register(r, name, "limit", help);
    /// Tokens handed out, by where they came from.
    vends_total: Counters<Source> = |r, name, help| Counters::register(r, name, "source", help);
    /// Life left in tokens when they were handed out.
    vend_remaining_life_seconds: Histogram = |r, name, help| histogram(r, name, help, &LIFE);
    /// Requests to link a login or a guest to their user's identity, by outcome.
    links_total: Counters<LinkOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// Calls to Cognito for tokens, by outcome. Each attempt counts.
    upstream_calls_total: Counters<UpstreamOutcome> =
        |r, name, help| Counters::register(r, name, "outcome", help);
    /// Duration of calls to Cognito for tokens, by outcome.
    upstream_call_duration_seconds: Histograms<UpstreamOutcome> =
        |r, name, help| Histograms::register(r, name, "outcome", help, &LATENCY);
    /// Calls to Cognito for tokens under way now.
    upstream_calls_in_flight: IntGauge = gauge;
    /// Time that calls waited for room in the budget towards Cognito.
    budget_wait_seconds: Histogram = |r, name, help| histogram(r, name, help, &LATENCY);
    /// Calls not made because the budget had no room within the longest wait.
    budget_exhausted_total: IntCounter = counter;
    /// Calls to Cognito for tokens that the budgets have room for at once, over all regions.
    budget_available_calls: Gauge = |r, name, help| families::register(r, Gauge::new(name, help));
    /// Pauses of calls to Cognito, by cause.
    pauses_total: Counters<PauseCause> = |r, name, help| Counters::register(r, name, "cause", help);
    /// Regions towards which calls are paused now; those for tokens and those for AWS credentials count apart.
    paused_regions: IntGauge = gauge;
    /// Requests answered with a remembered refusal, without a call to Cognito.
    remembered_refusals_total: IntCounter = counter;
    /// Advisory refreshes of tokens, by outcome.
    refreshes_total: Counters<RefreshOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// Users with cached tokens.
    cache_entries: IntGauge = gauge;
    /// Bytes that the cached tokens take.
    cache_bytes: IntGauge = gauge;
    /// Entries that left the cache, by cause.
    cache_evictions_total: Counters<Eviction> = |r, name, help| Counters::register(r, name, "cause", help);
    /// Cognito's clock minus ours when the last token was minted; the call's own duration blurs it.
    clock_skew_seconds: Gauge = |r, name, help| families::register(r, Gauge::new(name, help));
    /// Tokens accepted that are no JWT, and so could not be checked.
    opaque_tokens_total: IntCounter = counter;
    /// Verified credentials remembered now.
    remembered_credentials: IntGauge = gauge;
    /// Age of the oldest set of the app's signing keys in use; 0 where keys come from files.
    jwks_age_seconds: Gauge = |r, name, help| families::register(r, Gauge::new(name, help));
    /// Fetches of signing keys, the app's and (for tokens handed in as a proof) Cognito's, by outcome.
    jwks_fetches_total: Counters<FetchOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// Audit events, by outcome; every one but written is lost.
    audit_events_total: Counters<AuditOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// Uses of the admin credential, by outcome.
    admin_auth_total: Counters<AdminAuth> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// Calls to Cognito on behalf of administrators, by outcome.
    registry_calls_total: Counters<RegistryOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// AWS credentials handed out, by where they came from.
    credentials_vends_total: Counters<Source> = |r, name, help| Counters::register(r, name, "source", help);
    /// Life left in AWS credentials when they were handed out.
    credentials_remaining_life_seconds: Histogram = |r, name, help| histogram(r, name, help, &LIFE);
    /// Calls to Cognito for AWS credentials, by outcome. Each attempt counts.
    credentials_calls_total: Counters<UpstreamOutcome> =
        |r, name, help| Counters::register(r, name, "outcome", help);
    /// Duration of calls to Cognito for AWS credentials, by outcome.
    credentials_call_duration_seconds: Histograms<UpstreamOutcome> =
        |r, name, help| Histograms::register(r, name, "outcome", help, &LATENCY);
    /// Calls to Cognito for AWS credentials under way now.
    credentials_calls_in_flight: IntGauge = gauge;
    /// Advisory refreshes of AWS credentials, by outcome.
    credentials_refreshes_total: Counters<RefreshOutcome> =
        |r, name, help| Counters::register(r, name, "outcome", help);
    /// Users with cached AWS credentials.
    credentials_cache_entries: IntGauge = gauge;
    /// Bytes that the cached AWS credentials take.
    credentials_cache_bytes: IntGauge = gauge;
    /// When the certificate in use ends, in seconds since the Unix epoch, by listener; only those with TLS.
    tls_certificate_expiry_timestamp_seconds: Gauges<Listener> =
        |r, name, help| Gauges::register(r, name, "listener", help);
    /// Certificate files found changed, by outcome.
    tls_reloads_total: Counters<ReloadOutcome> = |r, name, help| Counters::register(r, name, "outcome", help);
    /// TLS handshakes, by outcome.
    tls_handshakes_total: Counters<HandshakeOutcome> =
        |r, name, help| Counters::register(r, name, "outcome", help);
    /// Always 1; the label is the version that runs.
    build_info: IntGauge = |r, name, help| {
        let info = IntGauge::with_opts(Opts::new(name, help).const_label("version", env!("CARGO_PKG_VERSION")));
        families::register(r, info).inspect(|info| info.set(1))
    };
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
    families::register(registry, IntGauge::new(name, help))
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
    families::register(registry, IntCounter::new(name, help))
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> Result<Histogram, MetricsError> {
    families::register(
        registry,
        Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())),
    )
}

/// What is counted alike of everything that is handed out.
#[derive(Debug)]
pub struct Books<'m> {
    /// Calls to Cognito, by outcome.
    pub calls: &'m Counters<UpstreamOutcome>,
    /// Their duration.
    pub call_duration: &'m Histograms<UpstreamOutcome>,
    /// Those under way now.
    pub calls_in_flight: &'m IntGauge,
    /// Advisory refreshes.
    pub refreshes: &'m Counters<RefreshOutcome>,
    /// Users in the cache.
    pub cache_entries: &'m IntGauge,
    /// Bytes in the cache.
    pub cache_bytes: &'m IntGauge,
}

impl Metrics {
    /// The families in which one kind of thing is counted.
    pub fn books(&self, ware: Ware) -> Books<'_> {
        match ware {
            Ware::Token => Books {
                calls: &self.upstream_calls_total,
                call_duration: &self.upstream_call_duration_seconds,
                calls_in_flight: &self.upstream_calls_in_flight,
                refreshes: &self.refreshes_total,
                cache_entries: &self.cache_entries,
                cache_bytes: &self.cache_bytes,
            },
            Ware::Credentials => Books {
                calls: &self.credentials_calls_total,
                call_duration: &self.credentials_call_duration_seconds,
                calls_in_flight: &self.credentials_calls_in_flight,
                refreshes: &self.credentials_refreshes_total,
                cache_entries: &self.credentials_cache_entries,
                cache_bytes: &self.credentials_cache_bytes,
            },
        }
    }

    /// The media type of [`Metrics::exposition`].
    pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// A metric cannot be encoded: a fault of this page.
    pub fn exposition(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::with_capacity(32 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_label_is_there_from_the_start() {
        let metrics = Metrics::new().unwrap();
        let text = String::from_utf8(metrics.exposition().unwrap()).unwrap();
        for line in [
            r#"tokenvend_vends_total{source="stale"} 0"#,
            r#"tokenvend_auth_total{outcome="unknown_key"} 0"#,
            r#"tokenvend_http_requests_total{route="/v1/token",status="503"} 0"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_status_that_nobody_foresaw_counts_under_its_class() {
        let metrics = Metrics::new().unwrap();
        metrics.http_requests_total.count(Route::Other, 418);
        let text = String::from_utf8(metrics.exposition().unwrap()).unwrap();
        assert!(text.contains(r#"tokenvend_http_requests_total{route="other",status="4xx"} 1"#), "{text}");
    }
}
