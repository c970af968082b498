//! Metrics with one label, their children fetched once: a count on the hot path is an index and an addition,
//! not a look-up by text.

use std::marker::PhantomData;

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};

use super::labels::Label;

/// Counters, one for each value of a label.
#[derive(Debug)]
pub struct Counters<L> {
    children: Vec<IntCounter>,
    label: PhantomData<L>,
}

impl<L: Label> Counters<L> {
    pub(super) fn register(
        registry: &Registry,
        name: &str,
        label: &str,
        help: &str,
    ) -> Result<Self, prometheus::Error> {
        let family = IntCounterVec::new(Opts::new(name, help), &[label])?;
        let children = L::ALL.iter().map(|value| family.with_label_values(&[value.text()])).collect();
        registry.register(Box::new(family))?;
        Ok(Self { children, label: PhantomData })
    }

    /// Counts one.
    pub fn count(&self, value: L) {
        if let Some(child) = self.children.get(value.index()) {
            child.inc();
        }
    }
}

/// Gauges, one for each value of a label that there is something to tell of.
#[derive(Debug)]
pub struct Gauges<L> {
    family: GaugeVec,
    label: PhantomData<L>,
}

impl<L: Label> Gauges<L> {
    pub(super) fn register(
        registry: &Registry,
        name: &str,
        label: &str,
        help: &str,
    ) -> Result<Self, prometheus::Error> {
        let family = register(registry, GaugeVec::new(Opts::new(name, help), &[label]))?;
        Ok(Self { family, label: PhantomData })
    }

    /// Sets one. Until then it does not stand in the exposition: 0 would be told as the truth.
    pub fn set(&self, value: L, to: f64) {
        self.family.with_label_values(&[value.text()]).set(to);
    }
}

/// Histograms of seconds, one for each value of a label.
#[derive(Debug)]
pub struct Histograms<L> {
    children: Vec<Histogram>,
    label: PhantomData<L>,
}

impl<L: Label> Histograms<L> {
    pub(super) fn register(
        registry: &Registry,
        name: &str,
        label: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Self, prometheus::Error> {
        let family = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &[label])?;
        let children = L::ALL.iter().map(|value| family.with_label_values(&[value.text()])).collect();
        registry.register(Box::new(family))?;
        Ok(Self { children, label: PhantomData })
    }

    /// Records a duration.
    pub fn observe(&self, value: L, duration: std::time::Duration) {
        if let Some(child) = self.children.get(value.index()) {
            child.observe(duration.as_secs_f64());
        }
    }
}

/// Requests by route and status. The statuses are those that the service answers with; any other one
/// counts under its class (`4xx`).
#[derive(Debug)]
pub struct Requests {
    /// By route, then by the place of the status in [`STATUSES`].
    children: Vec<[IntCounter; STATUSES.len()]>,
    family: IntCounterVec,
}

/// Every status that a handler of ours answers with, in order.
const STATUSES: [u16; 19] =
    [200, 204, 400, 401, 403, 404, 405, 406, 408, 409, 411, 413, 414, 415, 422, 429, 431, 500, 503];

impl Requests {
    pub(super) fn register<R: Label>(
        registry: &Registry,
        name: &str,
        help: &str,
    ) -> Result<Self, prometheus::Error> {
        let family = IntCounterVec::new(Opts::new(name, help), &["route", "status"])?;
        registry.register(Box::new(family.clone()))?;
        let children = R::ALL
            .iter()
            .map(|route| {
                STATUSES.map(|status| family.with_label_values(&[route.text(), &status.to_string()]))
            })
            .collect();
        Ok(Self { children, family })
    }

    /// Counts one answer.
    pub fn count<R: Label>(&self, route: R, status: u16) {
        let known = STATUSES.binary_search(&status).ok();
        match known.and_then(|at| self.children.get(route.index())?.get(at)) {
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

/// Registers a metric and hands it back.
pub(super) fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: Result<C, prometheus::Error>,
) -> Result<C, prometheus::Error> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
