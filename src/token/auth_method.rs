//! Authentication method of a token, from its `amr`: `["unauthenticated"]` for a guest, else `"authenticated"` followed by
//! the providers of the identity's logins, and `PROVIDER:POOL:USER` for the login that was used.

use std::fmt;

use serde::Serialize;

/// The public providers that Cognito knows by name. OpenID Connect and SAML providers and user pools are recognized by
/// their form: the name of a developer provider has neither a slash nor a colon.
const PUBLIC_PROVIDERS: [&str; 5] =
    ["accounts.google.com", "api.twitter.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com"];

/// Displayed for people, serialized for the JSON output of commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AuthMethod<'t> {
    Guest,
    /// A user of the app, named by its server with AWS credentials.
    DeveloperUser {
        provider: &'t str,
        user: &'t str,
    },
    /// A login at a public provider.
    PublicLogin {
        provider: &'t str,
    },
}

impl fmt::Display for AuthMethod<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest => f.write_str("a guest, not signed in"),
            Self::DeveloperUser { provider, user } => write!(f, "developer user {user:?} of {provider}"),
            Self::PublicLogin { provider } => write!(f, "a public login at {provider}"),
        }
    }
}

impl<'t> AuthMethod<'t> {
    /// Parses the `amr` of a token for this pool; `None` if it is not in Cognito's form.
    pub fn from_amr(methods: &[&'t str], pool: &str) -> Option<Self> {
        let (first, logins) = methods.split_first()?;
        match *first {
            "unauthenticated" => return Some(Self::Guest),
            "authenticated" => {}
            _ => return None,
        }
        let between = format!(":{pool}:");
        // The provider's name has no colon, so the first match is the right one for every user id.
        let developer = logins.iter().find_map(|login| {
            let (provider, user) = login.split_once(&between)?;
            (!is_public(provider)).then_some(Self::DeveloperUser { provider, user })
        });
        developer.or_else(|| logins.first().map(|provider| Self::PublicLogin { provider }))
    }
}

fn is_public(provider: &str) -> bool {
    PUBLIC_PROVIDERS.contains(&provider) || provider.contains(['/', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_authentication_method_is_recognized() {
        const POOL: &str = "eu-west-1:1";
        let developer = |provider, user| Some(AuthMethod::DeveloperUser { provider, user });
        let public = |provider| Some(AuthMethod::PublicLogin { provider });
        for (methods, expected) in [
            (&["unauthenticated"][..], Some(AuthMethod::Guest)),
            (&["authenticated", "login.x", "login.x:eu-west-1:1:alice"], developer("login.x", "alice")),
            // No user id can change where it begins.
            (
                &["authenticated", "login.x", "login.x:eu-west-1:1:a:eu-west-1:1:bob"],
                developer("login.x", "a:eu-west-1:1:bob"),
            ),
            (
                &["authenticated", "accounts.google.com", "accounts.google.com:eu-west-1:1:7"],
                public("accounts.google.com"),
            ),
            (
                &["authenticated", "cognito-idp.eu-west-1.amazonaws.com/p"],
                public("cognito-idp.eu-west-1.amazonaws.com/p"),
            ),
            (&["authenticated", "login.x", "login.x:eu-west-1:2:alice"], public("login.x")),
            (&["authenticated"], None),
            (&["pwd", "mfa"], None),
            (&[], None),
        ] {
            assert_eq!(AuthMethod::from_amr(methods, POOL), expected, "{methods:?}");
        }
    }
}
