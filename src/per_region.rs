//! One object for each AWS region, looked up by pool. Pools of one region share it, as they share the quotas of AWS.

use std::collections::BTreeMap;

use crate::pools::{Pool, Pools};

#[derive(Debug)]
pub(crate) struct PerRegion<T>(BTreeMap<String, T>);

impl<T> PerRegion<T> {
    /// `create` is called once for each region.
    pub(crate) fn new(pools: &Pools, create: impl Fn(&str) -> T) -> Self {
        let mut objects = BTreeMap::new();
        for pool in pools.iter() {
            objects.entry(pool.id.region().to_owned()).or_insert_with_key(|region| create(region));
        }
        Self(objects)
    }

    /// The object of the pool's region. The pool is one of those that this was created for.
    pub(crate) fn get(&self, pool: &Pool) -> &T {
        &self.0[pool.id.region()]
    }

    /// The object of each region, once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }
}
