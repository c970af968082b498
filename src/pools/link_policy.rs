//! What a pool lets its users link to their identities.

use cognito_types::PublicProvider;

/// Nothing, unless the configuration says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkPolicy {
    /// The public providers whose logins may be linked. The pool's own developer provider and Cognito itself are
    /// never among them.
    pub providers: Vec<PublicProvider>,
    /// Whether a guest's identity may become a user's.
    pub guests: bool,
}

impl LinkPolicy {
    /// The provider of that name, if its logins may be linked. Names are compared exactly, as Cognito does.
    pub fn provider(&self, name: &str) -> Option<&PublicProvider> {
        self.providers.iter().find(|provider| provider.as_str() == name)
    }
}
