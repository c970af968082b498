//! Backends that act for the app's users: they prove who they are themselves, and name the user whom a request is
//! for. Which users a service may name is configured, by patterns; there is no service without.
//!
//! The name is the one that the user's own credential would lead to by `user_id`, so that user and service come to
//! the same identity.

use std::fmt;
use std::sync::Arc;

use super::user_id::is_a_slip;
use super::{Caller, UserIdMapper};
use cognito_types::DeveloperUserId;

/// For whom a caller acts.
#[derive(Debug, Clone)]
pub enum Subject {
    /// For itself: this user.
    User(DeveloperUserId),
    /// For users whom it names. In a box, for most callers are users: what one of them takes is kept a million times.
    Service(Box<ServiceCaller>),
}

/// A verified service.
#[derive(Debug, Clone)]
pub struct ServiceCaller {
    /// What it is called, for those who look at what it did.
    pub name: Arc<str>,
    users: Arc<[UserPattern]>,
}

/// Why a caller does not act for the user whom the request names, or names no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActAsError {
    /// A user names one: users act for themselves.
    #[error("only a service may name the user; this credential is a user's own")]
    NotAService,
    /// A service names none.
    #[error("a service names its user: send \"user\" in the body")]
    UserMissing,
    /// It is no name.
    #[error("\"user\" is not a name that a user can have")]
    UserInvalid,
    /// It may not act for this one.
    #[error("this service may not act for that user")]
    UserNotAllowed,
}

impl Subject {
    /// The service of this name, which acts for users whose names fit.
    pub(super) fn service(name: Arc<str>, users: Arc<[UserPattern]>) -> Self {
        Self::Service(Box::new(ServiceCaller { name, users }))
    }
}

impl ServiceCaller {
    fn acts_for(&self, named: &str, users: &UserIdMapper) -> Result<DeveloperUserId, ActAsError> {
        let name = DeveloperUserId::parse(named).map_err(|_| ActAsError::UserInvalid)?;
        if is_a_slip(named) {
            return Err(ActAsError::UserInvalid);
        }
        let Some(pattern) = self.users.iter().find(|pattern| pattern.matches(named)) else {
            return Err(ActAsError::UserNotAllowed);
        };
        // "app:undefined" is a slip as well.
        if is_a_slip(named.get(pattern.beginning().len()..).unwrap_or_default()) {
            return Err(ActAsError::UserInvalid);
        }
        Ok(users.to_developer_user_id(name))
    }
}

impl Caller {
    /// The user for whom a request is, which names this one, or none.
    ///
    /// # Errors
    /// A user names one, or a service none that it may act for.
    pub fn resolve_user(
        &self,
        named: Option<&str>,
        users: &UserIdMapper,
    ) -> Result<DeveloperUserId, ActAsError> {
        match (&self.subject, named) {
            (Subject::User(user), None) => Ok(user.clone()),
            (Subject::User(_), Some(_)) => Err(ActAsError::NotAService),
            (Subject::Service(_), None) => Err(ActAsError::UserMissing),
            (Subject::Service(service), Some(named)) => service.acts_for(named, users),
        }
    }
}

/// Names by a pattern: whole, or with `*` for one or more characters of any kind.
#[derive(Clone, PartialEq, Eq)]
pub struct UserPattern(Box<str>);

impl UserPattern {
    /// Takes a pattern.
    ///
    /// # Errors
    /// It is empty, or has a control character or two stars in a row.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err("it is empty, or has a control character");
        }
        if text.contains("**") {
            return Err("two stars in a row say no more than one");
        }
        Ok(Self(text.into()))
    }

    /// Whether every name fits.
    pub fn matches_everyone(&self) -> bool {
        &*self.0 == "*"
    }

    /// What stands before the first star; the whole name where there is none.
    fn beginning(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }

    /// The whole name must fit, from its beginning to its end.
    fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|beginning| name.strip_prefix(beginning)) else {
            return false;
        };
        let mut pieces = pieces.peekable();
        if pieces.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(piece) = pieces.next() {
            // At least one character for the star.
            let Some(first) = rest.chars().next() else { return false };
            let after = &rest[first.len_utf8()..];
            if pieces.peek().is_none() {
                return after.ends_with(piece);
            }
            // The earliest place leaves most room for what follows.
            let Some(at) = after.find(piece) else { return false };
            rest = &after[at + piece.len()..];
        }
        false
    }
}

impl fmt::Debug for UserPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamePattern({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_fitted_whole_and_a_star_stands_for_something() {
        for (pattern, fit, unfit) in [
            (
                "app:*",
                &["app:a", "app:a:b", "app:*", "app:é"][..],
                &["app:", "app", "xapp:a", "App:a", ""][..],
            ),
            ("alice", &["alice"], &["alic", "alice2", "Alice", "*"]),
            (
                "*@a.example",
                &["x@a.example", "@@a.example"],
                &["@a.example", "x@a.example.evil", "x@b.example"],
            ),
            ("t|*|x|*", &["t|1|x|2", "t|1|x|x|2"], &["t||x|2", "t|1|x|", "t|1|y|2"]),
            ("a*a", &["aba", "aaa"], &["aa", "a", "ab"]),
            ("*", &["a", "ab"], &[""]),
        ] {
            let pattern = UserPattern::parse(pattern).unwrap();
            for name in fit {
                assert!(pattern.matches(name), "{pattern:?} {name:?}");
            }
            for name in unfit {
                assert!(!pattern.matches(name), "{pattern:?} {name:?}");
            }
        }
        for bad in ["", "a**", "a\n"] {
            assert!(UserPattern::parse(bad).is_err(), "{bad:?}");
        }
    }
}
