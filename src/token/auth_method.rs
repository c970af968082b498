//! How a token's user came by it, as its `amr` tells: `["unauthenticated"]` for a guest, else `"authenticated"`
//! followed by the providers of the identity's logins, and `PROVIDER:POOL:USER` for the login that was used.

/// The public providers that Cognito knows by name. A pool's own OpenID Connect and SAML providers and its user
/// pools are told by their form: a developer provider has neither a slash nor a colon in its name.
const PUBLIC: [&str; 5] =
    ["accounts.google.com", "api.twitter.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com"];

/// How a user came by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthMethod<'t> {
    /// Nobody signed in.
    Guest,
    /// The app's own user, whom its server named with AWS credentials.
    DeveloperUser {
        /// The developer provider.
        provider: &'t str,
        /// The user, as the app names it.
        user: &'t str,
    },
    /// A login at a public provider.
    PublicLogin {
        /// Which one.
        provider: &'t str,
    },
}

impl<'t> AuthMethod<'t> {
    /// What these methods of a token for this pool say; `None` if it is nothing that Cognito writes.
    pub fn from_amr(methods: &[&'t str], pool: &str) -> Option<Self> {
        let (first, logins) = methods.split_first()?;
        match *first {
            "unauthenticated" => return Some(Self::Guest),
            "authenticated" => {}
            _ => return None,
        }
        let between = format!(":{pool}:");
        // The provider's name has no colon, so whatever the user is called, the first place is the right one.
        let developer = logins.iter().find_map(|login| {
            let (provider, user) = login.split_once(&between)?;
            (!is_public(provider)).then_some(Self::DeveloperUser { provider, user })
        });
        developer.or_else(|| logins.first().map(|provider| Self::PublicLogin { provider }))
    }
}

fn is_public(provider: &str) -> bool {
    PUBLIC.contains(&provider) || provider.contains(['/', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_user_is_told_apart() {
        const POOL: &str = "eu-west-1:1";
        let developer = |provider, user| Some(AuthMethod::DeveloperUser { provider, user });
        let public = |provider| Some(AuthMethod::PublicLogin { provider });
        for (methods, origin) in [
            (&["unauthenticated"][..], Some(AuthMethod::Guest)),
            (&["authenticated", "login.x", "login.x:eu-west-1:1:alice"], developer("login.x", "alice")),
            // A user's name may look like anything, but never moves the place where it begins.
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
            assert_eq!(AuthMethod::from_amr(methods, POOL), origin, "{methods:?}");
        }
    }
}
