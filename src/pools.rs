//! The configured identity pools, by the names that callers use, and what each grants to whom.

pub mod access_policy;
pub mod link_policy;
pub mod principal_tags;

use std::collections::BTreeSet;
use std::sync::Arc;

use access_policy::AccessPolicy;
use link_policy::LinkPolicy;
use principal_tags::TagRules;

use cognito_types::{DeveloperProvider, IdentityPoolId, RoleArn, TokenDuration};

/// A configured identity pool.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Which of the configured pools this is. Stands for the whole pool in cache keys: two pools never share
    /// an index, whatever else they share.
    pub index: PoolIndex,
    /// The name that callers use.
    pub name: Box<str>,
    /// Cognito's id of the pool.
    pub id: IdentityPoolId,
    /// The developer provider under which the pool knows the app's users.
    pub provider: DeveloperProvider,
    /// The life asked for its tokens.
    pub token_duration: TokenDuration,
    /// Whether a token ends no later than the credential that it was vended for.
    pub bind_to_session: bool,
    /// The principal tags of its tokens.
    pub tags: TagRules,
    /// Who may have its tokens.
    pub access: AccessPolicy,
    /// What its users may link to their identities.
    pub linking: LinkPolicy,
    /// What AWS credentials it hands out, if any.
    pub credentials: Option<CredentialsGrant>,
}

/// The AWS credentials that a pool hands out.
#[derive(Debug, Clone)]
pub struct CredentialsGrant {
    /// The role that they are of, where it is not the pool's default. The operator's choice, never a caller's.
    pub role: Option<RoleArn>,
}

/// The place of a pool among the configured ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PoolIndex(pub u16);

/// All configured pools; one of them is the default. Never empty.
#[derive(Debug, Clone)]
pub struct Pools {
    pools: Vec<Arc<Pool>>,
    default: Arc<Pool>,
}

impl Pools {
    /// The pools in the order of their indices, and which of them serves requests that name none.
    pub fn new(default: Arc<Pool>, pools: Vec<Arc<Pool>>) -> Self {
        Self { pools, default }
    }

    /// The pool of that name, or the default one for no name.
    pub fn find(&self, name: Option<&str>) -> Option<&Arc<Pool>> {
        match name {
            None => Some(&self.default),
            Some(name) => self.pools.iter().find(|pool| &*pool.name == name),
        }
    }

    /// The names of the top-level claims by which the pools decide what they grant.
    pub fn used_claims(&self) -> BTreeSet<Box<str>> {
        let of_pool = |pool: &Arc<Pool>| {
            let rules = pool.access.rules.iter().flat_map(|rule| rule.conditions.claim_names());
            rules.chain(pool.tags.claim_names()).map(Into::into).collect::<Vec<Box<str>>>()
        };
        self.pools.iter().flat_map(of_pool).collect()
    }

    /// Every pool, in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.iter()
    }
}
