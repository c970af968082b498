//! One object for each AWS region, looked up by pool. Pools of one region share it, as they share the quotas of AWS.

use std::sync::Arc;

use crate::pools::{Pool, Pools};

#[derive(Debug)]
pub(crate) struct PerRegion<T> {
    /// By pool index.
    by_pool: Vec<Arc<T>>,
}

impl<T> PerRegion<T> {
    /// `create` is called once for each region.
    pub(crate) fn new(pools: &Pools, create: impl Fn(&str) -> T) -> Self {
        let mut by_region: Vec<(&str, Arc<T>)> = Vec::new();
        let mut by_pool = Vec::new();
        for pool in pools.iter() {
            let region = pool.id.region();
            let existing = by_region.iter().find(|(other, _)| *other == region).map(|(_, value)| value.clone());
            by_pool.push(existing.unwrap_or_else(|| {
                let created = Arc::new(create(region));
                by_region.push((region, created.clone()));
                created
            }));
        }
        Self { by_pool }
    }

    /// The object of the pool's region. Pool indexes and this list come from the same [`Pools`].
    pub(crate) fn get(&self, pool: &Pool) -> &T {
        &self.by_pool[usize::from(pool.index.0)]
    }

    /// The object of each region, once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let is_first =
            |at: &usize, value: &Arc<T>| !self.by_pool.iter().take(*at).any(|other| Arc::ptr_eq(other, value));
        self.by_pool.iter().enumerate().filter(move |(at, value)| is_first(at, value)).map(|(_, value)| &**value)
    }
}
