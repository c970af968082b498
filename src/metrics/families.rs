//! Metric families whose children are fetched once: a count on the hot path is an index and an addition, not a lookup
//! by text.

use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::Duration;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::labels::{Label, LabelSet, Route};

/// A metric name or label is invalid or duplicate.
pub type MetricsError = prometheus::Error;

/// The metrics of a family, one for each combination of label values. All are 0 at the start.
#[derive(Debug)]
pub struct Family<M, S> {
    children: Vec<M>,
    labels: PhantomData<S>,
}

/// Counters, one for each combination of label values.
pub type Counters<S> = Family<IntCounter, S>;
/// Integer gauges, one for each combination of label values.
pub type IntGauges<S> = Family<IntGauge, S>;

impl<M: Clone, S: LabelSet> Family<M, S> {
    fn new<B: MetricVecBuilder<M = M>>(family: &MetricVec<B>) -> Self {
        let children = S::all().iter().map(|values| family.with_label_values(values)).collect();
        Self { children, labels: PhantomData }
    }
}

impl<S: LabelSet> Counters<S> {
    pub(super) fn register(registry: &Registry, name: &str, help: &str) -> Result<Self, MetricsError> {
        Ok(Self::new(&register(registry, IntCounterVec::new(Opts::new(name, help), &S::names()))?))
    }

    /// Adds one.
    pub fn count(&self, labels: S) {
        if let Some(child) = self.children.get(labels.index()) {
            child.inc();
        }
    }
}

impl<S: LabelSet> IntGauges<S> {
    pub(super) fn register(registry: &Registry, name: &str, help: &str) -> Result<Self, MetricsError> {
        Ok(Self::new(&register(registry, IntGaugeVec::new(Opts::new(name, help), &S::names()))?))
    }

    /// Sets the gauge; a number beyond its range becomes the largest one.
    pub fn set(&self, labels: S, value: impl TryInto<i64>) {
        if let Some(child) = self.children.get(labels.index()) {
            child.set(value.try_into().unwrap_or(i64::MAX));
        }
    }

    /// Adds one, until the guard is dropped: also where the future that holds it is cancelled.
    pub fn in_flight(&self, labels: S) -> InFlight<'_> {
        InFlight::new(self.children.get(labels.index()))
    }
}

/// Something in progress that a gauge counts.
#[derive(Debug)]
pub struct InFlight<'g>(Option<&'g IntGauge>);

impl<'g> InFlight<'g> {
    pub(crate) fn new(gauge: impl Into<Option<&'g IntGauge>>) -> Self {
        let gauge = gauge.into();
        gauge.inspect(|gauge| gauge.inc());
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(gauge) = self.0 {
            gauge.dec();
        }
    }
}

/// Gauges, one for each value of a label that has one.
#[derive(Debug)]
pub struct Gauges<L> {
    family: GaugeVec,
    label: PhantomData<L>,
}

impl<L: Label> Gauges<L> {
    pub(super) fn register(registry: &Registry, name: &str, help: &str) -> Result<Self, MetricsError> {
        let family = register(registry, GaugeVec::new(Opts::new(name, help), &[L::NAME]))?;
        Ok(Self { family, label: PhantomData })
    }

    /// Sets a gauge. Before the first call it is not in the exposition, because 0 would be a wrong value.
    pub fn set(&self, label: L, value: f64) {
        self.family.with_label_values(&[label.text()]).set(value);
    }
}

/// Histograms of seconds, one for each combination of label values. With two labels a child is created with its first
/// observation: most combinations of operation and outcome never occur, and each would cost a series for every bucket.
#[derive(Debug)]
pub struct Histograms<S> {
    children: Vec<OnceLock<Histogram>>,
    family: HistogramVec,
    labels: PhantomData<fn(S)>,
}

impl<S: LabelSet> Histograms<S> {
    pub(super) fn register(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Result<Self, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let family = register(registry, HistogramVec::new(options, &S::names()))?;
        let child = |values: &Vec<&str>| match values[..] {
            [_] => OnceLock::from(family.with_label_values(values)),
            _ => OnceLock::new(),
        };
        let children = S::all().iter().map(child).collect();
        Ok(Self { children, family, labels: PhantomData })
    }

    /// Records a duration.
    pub fn observe(&self, labels: S, duration: Duration) {
        let index = labels.index();
        if let Some(child) = self.children.get(index) {
            let create = || self.family.with_label_values(&S::all()[index]);
            child.get_or_init(create).observe(duration.as_secs_f64());
        }
    }
}

/// Requests by route and status. The statuses are those that the service responds with; any other status counts
/// under its class (`4xx`).
#[derive(Debug)]
pub struct Requests {
    /// By route, then by the position of the status in [`STATUSES`].
    children: Vec<[IntCounter; STATUSES.len()]>,
    family: IntCounterVec,
}

/// Every status that a handler of the service responds with, in order.
const STATUSES: [u16; 19] =
    [200, 204, 400, 401, 403, 404, 405, 406, 408, 409, 411, 413, 414, 415, 422, 429, 431, 500, 503];

impl Requests {
    pub(super) fn register(registry: &Registry, name: &str, help: &str) -> Result<Self, MetricsError> {
        let family = register(registry, IntCounterVec::new(Opts::new(name, help), &[Route::NAME, "status"]))?;
        let children = Route::ALL
            .iter()
            .map(|route| STATUSES.map(|status| family.with_label_values(&[route.text(), &status.to_string()])))
            .collect();
        Ok(Self { children, family })
    }

    /// Counts one response.
    pub fn count(&self, route: Route, status: u16) {
        let index = STATUSES.binary_search(&status).ok();
        match index.and_then(|index| self.children.get(Label::index(route))?.get(index)) {
            Some(child) => child.inc(),
            None => self.family.with_label_values(&[route.text(), class(status)]).inc(),
        }
    }
}

fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Registers a metric and returns it.
pub(super) fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: Result<C, MetricsError>,
) -> Result<C, MetricsError> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
