//! Which verified callers may have tokens of a pool: those whom one of its rules describes, or all where it has
//! none. A rule describes a caller by how it was verified and by what its verified claims say; never by the
//! request.

use crate::claims::Claims;
use crate::claims::conditions::Conditions;

/// The rules of one pool.
#[derive(Debug, Clone, Default)]
pub struct AccessPolicy {
    /// Whether a caller whom no rule describes is refused, or only reported.
    pub mode: AccessMode,
    /// Empty: every verified caller may.
    pub rules: Vec<AllowRule>,
}

/// What becomes of a caller whom no rule describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessMode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is let through, logged and counted: to see what a rule would do before it does it.
    Audit,
}

/// One description of callers. Every condition that it has must hold; it has at least one.
#[derive(Debug, Clone, Default)]
pub struct AllowRule {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Verified by one of these ways.
    pub authenticators: Vec<String>,
    /// Vouched for by one of these issuers.
    pub issuers: Vec<String>,
    /// What its claims must say.
    pub conditions: Conditions,
}

impl AccessPolicy {
    /// Whether every verified caller may.
    pub fn is_open(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that describes a caller who was verified by this way, vouched for by this issuer.
    pub fn matching_rule(&self, way: &str, issuer: &str, claims: &Claims) -> Option<&AllowRule> {
        self.rules.iter().find(|rule| rule.describes(way, issuer, claims))
    }
}

impl AllowRule {
    /// Whether it has no condition, and so would describe everybody.
    pub fn is_empty(&self) -> bool {
        self.authenticators.is_empty() && self.issuers.is_empty() && self.conditions.is_empty()
    }

    fn describes(&self, way: &str, issuer: &str, claims: &Claims) -> bool {
        let is_one_of = |list: &[String], text: &str| list.is_empty() || list.iter().any(|one| one == text);
        is_one_of(&self.authenticators, way)
            && is_one_of(&self.issuers, issuer)
            && self.conditions.are_met_by(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_describes_callers_by_way_and_issuer_whole() {
        let texts = |text: &str| vec![text.to_owned()];
        let rule =
            AllowRule { authenticators: texts("app"), issuers: texts("https://a"), ..AllowRule::default() };
        let describes = |way, issuer| rule.describes(way, issuer, &Claims::default());
        assert!(describes("app", "https://a"));
        for (way, issuer) in [("web", "https://a"), ("app", "https://a/"), ("ap", "https://a"), ("", "")] {
            assert!(!describes(way, issuer), "{way} {issuer}");
        }
        assert!(AllowRule::default().is_empty());
    }
}
