//! Logins of public providers, as a user proves to have them: each a provider's name and the token that it gave
//! the user. The names are known from the configuration; the tokens are secrets like any other token.

use std::fmt;

use zeroize::Zeroizing;

use cognito_types::PublicProvider;

/// A token that somebody else's sign-in gave a user. `Debug` hides it, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct LoginToken(Zeroizing<String>);

/// A text that Cognito does not take as a login's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a login's token has 1 to {} characters", LoginToken::MAX_LEN)]
pub struct InvalidLoginToken;

impl LoginToken {
    /// The longest token that Cognito takes.
    pub const MAX_LEN: usize = 50_000;

    /// Takes a token that is not too long for Cognito. Nothing else is known of it: only its provider can say.
    ///
    /// # Errors
    /// It is empty or too long.
    pub fn parse(token: String) -> Result<Self, InvalidLoginToken> {
        let token = Zeroizing::new(token);
        match token.len() {
            1..=Self::MAX_LEN => Ok(Self(token)),
            _ => Err(InvalidLoginToken),
        }
    }

    /// The token itself, for the one that it is to be proved to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginToken([redacted])")
    }
}

/// The logins that go into a call beside the developer's: whatever Cognito accepts of them is linked for good.
#[derive(Debug, Clone, Default)]
pub struct PublicLogins(Vec<(PublicProvider, LoginToken)>);

impl PublicLogins {
    /// The most that one call takes: ten logins, and one of them is the developer's.
    pub const MAX_LOGINS: usize = 9;

    /// No login but the developer's, as in every call that only mints.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// These logins, each of a provider that the pool's configuration allows.
    pub fn new(logins: Vec<(PublicProvider, LoginToken)>) -> Self {
        Self(logins)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names and the tokens.
    pub fn iter(&self) -> impl Iterator<Item = (&PublicProvider, &LoginToken)> {
        self.0.iter().map(|(provider, token)| (provider, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_shows_whose_it_is_and_not_its_token() {
        let google = PublicProvider::parse("accounts.google.com").unwrap();
        let logins = PublicLogins::new(vec![(google, LoginToken::parse("top-secret".to_owned()).unwrap())]);
        let shown = format!("{logins:?}");
        assert!(shown.contains("accounts.google.com") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_token_that_cognito_would_not_take_is_none() {
        for (length, is_taken) in [(0, false), (1, true), (50_000, true), (50_001, false)] {
            assert_eq!(LoginToken::parse("x".repeat(length)).is_ok(), is_taken, "{length}");
        }
    }
}
