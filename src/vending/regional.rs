//! Which way out a pool's calls take: one for each region, shared by all pools of it, as they share its quota.

use std::sync::Arc;

use super::upstream::Upstream;
use crate::pools::{Pool, Pools};

/// The ways out to one operation.
#[derive(Debug)]
pub(super) struct RegionalUpstreams<I: ?Sized> {
    /// By pool index.
    by_pool: Vec<Arc<RegionalUpstream<I>>>,
}

/// The way out to one region.
#[derive(Debug)]
pub(super) struct RegionalUpstream<I: ?Sized> {
    pub(super) upstream: Upstream,
    pub(super) issuer: Arc<I>,
}

impl<I: ?Sized> RegionalUpstreams<I> {
    pub(super) fn new(pools: &Pools, make: impl Fn(&str) -> RegionalUpstream<I>) -> Self {
        let mut by_region: Vec<(&str, Arc<RegionalUpstream<I>>)> = Vec::new();
        let mut by_pool = Vec::new();
        for pool in pools.iter() {
            let region = pool.id.region();
            let known = by_region.iter().find(|(other, _)| *other == region).map(|(_, known)| known.clone());
            by_pool.push(known.unwrap_or_else(|| {
                let made = Arc::new(make(region));
                by_region.push((region, made.clone()));
                made
            }));
        }
        Self { by_pool }
    }

    /// Every pool has its place in the list: both are made from the same [`Pools`].
    pub(super) fn of(&self, pool: &Pool) -> &RegionalUpstream<I> {
        &self.by_pool[usize::from(pool.index.0)]
    }

    /// Each once.
    pub(super) fn iter(&self) -> impl Iterator<Item = &RegionalUpstream<I>> {
        let is_first = |at: &usize, way: &Arc<RegionalUpstream<I>>| {
            !self.by_pool.iter().take(*at).any(|other| Arc::ptr_eq(other, way))
        };
        self.by_pool.iter().enumerate().filter(move |(at, way)| is_first(at, way)).map(|(_, way)| &**way)
    }
}
