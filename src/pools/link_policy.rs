//! Link policy of a pool: which logins its users may link to their identities.

use cognito_types::PublicProvider;

/// Nothing by default.
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
