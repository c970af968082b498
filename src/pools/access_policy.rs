//! Access policy of a pool: which verified callers get its tokens. An allow rule must match, or the pool has no
//! rules. A rule matches by authenticator, issuer and verified claims, never by the request.

use crate::claims::Claims;
use crate::claims::conditions::Conditions;

#[derive(Debug, Clone, Default)]
pub struct AccessPolicy {
    pub mode: AccessMode,
    /// Empty: all verified callers get tokens.
    pub rules: Vec<AllowRule>,
}

/// The effect on a caller that no rule matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessMode {
    /// Access is denied.
    #[default]
    Enforce,
    /// Access is granted, logged and counted. Shows the effect of a rule before it is enforced.
    Audit,
}

/// All its conditions must hold. It has at least one.
#[derive(Debug, Clone, Default)]
pub struct AllowRule {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// One of these has verified the caller.
    pub authenticators: Vec<String>,
    /// The issuer is one of these.
    pub issuers: Vec<String>,
    pub conditions: Conditions,
}

impl AccessPolicy {
    /// Whether all verified callers get tokens.
    pub fn is_open(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that matches the caller.
    pub fn matching_rule(&self, authenticator: &str, issuer: &str, claims: &Claims) -> Option<&AllowRule> {
        self.rules.iter().find(|rule| rule.matches(authenticator, issuer, claims))
    }
}

impl AllowRule {
    /// Whether it has no condition, and so would match all callers.
    pub fn is_empty(&self) -> bool {
        self.authenticators.is_empty() && self.issuers.is_empty() && self.conditions.is_empty()
    }

    fn matches(&self, authenticator: &str, issuer: &str, claims: &Claims) -> bool {
        let is_one_of = |list: &[String], text: &str| list.is_empty() || list.iter().any(|one| one == text);
        is_one_of(&self.authenticators, authenticator)
            && is_one_of(&self.issuers, issuer)
            && self.conditions.are_met_by(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_compares_authenticator_and_issuer_whole() {
        let texts = |text: &str| vec![text.to_owned()];
        let rule = AllowRule { authenticators: texts("app"), issuers: texts("https://a"), ..AllowRule::default() };
        let matches = |authenticator, issuer| rule.matches(authenticator, issuer, &Claims::default());
        assert!(matches("app", "https://a"));
        for (authenticator, issuer) in [("web", "https://a"), ("app", "https://a/"), ("ap", "https://a"), ("", "")] {
            assert!(!matches(authenticator, issuer), "{authenticator} {issuer}");
        }
        assert!(AllowRule::default().is_empty());
    }
}
