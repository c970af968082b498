//! Services (backends) that act as the app's users. A service has a credential of its own, and names in the request
//! the user whose token it requests. Patterns in the configuration say which users each service may name. Without a
//! pattern no caller is a service.
//!
//! The name is the text that `user_id` renders from the user's own credential, so that user and service get the same
//! identity.

use std::sync::Arc;

use super::user_id::{UserIdMapper, is_placeholder};
use cognito_types::DeveloperUserId;

/// A verified service.
#[derive(Debug, Clone)]
pub struct ServiceCaller {
    /// Its name in logs and audit events.
    pub name: Arc<str>,
    pub(super) users: Arc<[UserPattern]>,
}

/// Why a caller may not act as the user that the request names, or names no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActAsError {
    /// A user names a user. Users get only their own tokens.
    #[error("only a service may name the user; this is the credential of a user")]
    NotAService,
    /// A service names no user.
    #[error("a service must name the user: send \"user\" in the body")]
    UserMissing,
    /// The name is no valid user id.
    #[error("\"user\" is not a valid user id")]
    UserInvalid,
    /// No pattern of the service matches the name.
    #[error("this service may not act as that user")]
    UserNotAllowed,
}

impl ServiceCaller {
    pub(super) fn act_as(&self, requested: &str, user_ids: &UserIdMapper) -> Result<DeveloperUserId, ActAsError> {
        let user_id = DeveloperUserId::parse(requested).map_err(|_| ActAsError::UserInvalid)?;
        if is_placeholder(requested) {
            return Err(ActAsError::UserInvalid);
        }
        let Some(pattern) = self.users.iter().find(|pattern| pattern.matches(requested)) else {
            return Err(ActAsError::UserNotAllowed);
        };
        // "app:undefined" is a placeholder as well.
        if is_placeholder(requested.get(pattern.fixed_prefix().len()..).unwrap_or_default()) {
            return Err(ActAsError::UserInvalid);
        }
        Ok(user_ids.to_developer_user_id(user_id))
    }
}

/// A pattern of user ids: a whole id, or one with `*` for one or more characters of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPattern(Box<str>);

impl UserPattern {
    /// # Errors
    /// It is empty, or has a control character or two stars in a row.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err("it is empty, or has a control character");
        }
        if text.contains("**") {
            return Err("two stars in a row mean no more than one");
        }
        Ok(Self(text.into()))
    }

    /// Whether it matches every user id.
    pub fn matches_everyone(&self) -> bool {
        &*self.0 == "*"
    }

    /// The text before the first star, or the whole pattern if it has none.
    fn fixed_prefix(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }

    /// Matches the whole user id, from its start to its end.
    fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|prefix| name.strip_prefix(prefix)) else {
            return false;
        };
        let mut pieces = pieces.peekable();
        if pieces.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(piece) = pieces.next() {
            // The star matches at least one character.
            let Some(first) = rest.chars().next() else { return false };
            let after = &rest[first.len_utf8()..];
            if pieces.peek().is_none() {
                return after.ends_with(piece);
            }
            // The earliest match leaves the most text for the pieces that follow.
            let Some(at) = after.find(piece) else { return false };
            rest = &after[at + piece.len()..];
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_user_id_and_a_star_at_least_one_character() {
        for (pattern, matching, others) in [
            ("app:*", &["app:a", "app:a:b", "app:*", "app:é"][..], &["app:", "app", "xapp:a", "App:a", ""][..]),
            ("alice", &["alice"], &["alic", "alice2", "Alice", "*"]),
            ("*@a.example", &["x@a.example", "@@a.example"], &["@a.example", "x@a.example.evil", "x@b.example"]),
            ("t|*|x|*", &["t|1|x|2", "t|1|x|x|2"], &["t||x|2", "t|1|x|", "t|1|y|2"]),
            ("a*a", &["aba", "aaa"], &["aa", "a", "ab"]),
            ("*", &["a", "ab"], &[""]),
        ] {
            let pattern = UserPattern::parse(pattern).unwrap();
            for name in matching {
                assert!(pattern.matches(name), "{pattern:?} {name:?}");
            }
            for name in others {
                assert!(!pattern.matches(name), "{pattern:?} {name:?}");
            }
        }
        for bad in ["", "a**", "a\n"] {
            assert!(UserPattern::parse(bad).is_err(), "{bad:?}");
        }
    }
}
