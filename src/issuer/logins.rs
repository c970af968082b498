//! Logins of public providers: a provider's name and the token that it issued to the user. The names come from the
//! configuration; the tokens are secrets like any other token.

use std::fmt;

use zeroize::Zeroizing;

use cognito_types::PublicProvider;

/// A token of a public provider or of a guest. `Debug` redacts it, and its memory is wiped on drop.
#[derive(Clone)]
pub struct LoginToken(Zeroizing<String>);

/// A text that Cognito does not accept as the token of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a login's token has 1 to {} characters", LoginToken::MAX_LEN)]
pub struct InvalidLoginToken;

impl LoginToken {
    /// The longest token that Cognito accepts.
    pub const MAX_LEN: usize = 50_000;

    /// Checks the length alone: only the token's provider can verify the rest.
    ///
    /// # Errors
    /// The token is empty or too long.
    pub fn parse(token: String) -> Result<Self, InvalidLoginToken> {
        let token = Zeroizing::new(token);
        match token.len() {
            1..=Self::MAX_LEN => Ok(Self(token)),
            _ => Err(InvalidLoginToken),
        }
    }

    /// The token itself, for its verifier.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginToken([redacted])")
    }
}

/// The logins that a call sends in addition to the developer login, each of a provider that the pool's configuration
/// allows. Cognito links those that it accepts, permanently.
pub type PublicLogins = Vec<(PublicProvider, LoginToken)>;

/// Cognito accepts ten logins a call, and one of them is the developer login.
pub const MAX_PUBLIC_LOGINS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_names_the_provider_of_a_login_and_hides_its_token() {
        let google = PublicProvider::parse("accounts.google.com").unwrap();
        let logins: PublicLogins = vec![(google, LoginToken::parse("top-secret".to_owned()).unwrap())];
        let shown = format!("{logins:?}");
        assert!(shown.contains("accounts.google.com") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_token_of_a_length_that_cognito_rejects_is_invalid() {
        for (length, is_valid) in [(0, false), (1, true), (50_000, true), (50_001, false)] {
            assert_eq!(LoginToken::parse("x".repeat(length)).is_ok(), is_valid, "{length}");
        }
    }
}
