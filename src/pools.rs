//! The configured identity pools: their names in requests, and their access policy, tags, links and credentials.

pub mod access_policy;
pub mod principal_tags;

use std::collections::BTreeSet;
use std::sync::Arc;

use access_policy::AccessPolicy;
use principal_tags::TagRules;

use cognito_types::{DeveloperProvider, IdentityPoolId, PublicProvider, RoleArn, TokenDuration};

#[derive(Debug, Clone)]
pub struct Pool {
    /// The index of the pool. Identifies it in cache keys: two pools never have the same index, even if they are alike
    /// in all else.
    pub index: PoolIndex,
    /// The name in requests.
    pub name: Box<str>,
    pub id: IdentityPoolId,
    /// The developer provider of the app's users.
    pub provider: DeveloperProvider,
    /// The requested lifetime of its tokens.
    pub token_duration: TokenDuration,
    /// Whether a token ends no later than the caller's credential.
    pub bind_to_session: bool,
    pub tags: TagRules,
    pub access: AccessPolicy,
    pub linking: LinkPolicy,
    /// The AWS credentials that are vended for it, if any.
    pub credentials: Option<CredentialsGrant>,
}

/// The AWS credentials that are vended for a pool.
#[derive(Debug, Clone)]
pub struct CredentialsGrant {
    /// Their role, if it is not the pool's default. Set by the operator, never by a caller.
    pub role: Option<RoleArn>,
}

/// Which logins the users of a pool may link to their identities. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkPolicy {
    /// The public providers whose logins may be linked. Never the pool's own developer provider or Cognito itself.
    pub providers: Vec<PublicProvider>,
    /// Whether the identity of a guest may be linked.
    pub guests: bool,
}

impl LinkPolicy {
    /// The provider of that name, if its logins may be linked. Names are compared exactly, as by Cognito.
    pub fn provider(&self, name: &str) -> Option<&PublicProvider> {
        self.providers.iter().find(|provider| provider.as_str() == name)
    }
}

/// The index of a pool in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PoolIndex(pub u16);

/// All configured pools. One of them is the default. Never empty.
#[derive(Debug, Clone)]
pub struct Pools {
    pools: Vec<Arc<Pool>>,
    default: Arc<Pool>,
}

impl Pools {
    /// The pools in the order of their indices, and the one for requests that name none.
    pub fn new(default: Arc<Pool>, pools: Vec<Arc<Pool>>) -> Self {
        Self { pools, default }
    }

    /// The pool of that name. Without a name, the default pool.
    pub fn find(&self, name: Option<&str>) -> Option<&Arc<Pool>> {
        match name {
            None => Some(&self.default),
            Some(name) => self.pools.iter().find(|pool| &*pool.name == name),
        }
    }

    /// The names of the top-level claims that access policies and tags use.
    pub fn used_claims(&self) -> BTreeSet<Box<str>> {
        let of_pool = |pool: &Arc<Pool>| {
            let rules = pool.access.rules.iter().flat_map(|rule| rule.conditions.claim_names());
            rules.chain(pool.tags.claim_names()).map(Into::into).collect::<Vec<Box<str>>>()
        };
        self.pools.iter().flat_map(of_pool).collect()
    }

    /// All pools, in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.iter()
    }
}
