//! Conditions of a statement, evaluated with the claims of a token. IAM's string operators are supported; the result of
//! all others is unknown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::evaluation::{Ternary, TokenContext};

/// By operator and key: the values, of which any may match.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Condition(BTreeMap<String, BTreeMap<String, OneOrMany<Value>>>);

/// IAM accepts a single value for a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::Many(several) => several.as_slice(),
            Self::One(one) => std::slice::from_ref(one),
        }
        .iter()
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Condition {
    /// All lines must match.
    pub(super) fn evaluate(&self, token: &TokenContext) -> Ternary {
        Ternary::all(self.lines().map(|line| line.evaluate(token)))
    }

    /// Description of the first line that does not match.
    pub(super) fn first_failed(&self, token: &TokenContext) -> Option<String> {
        let failed = self.lines().find(|line| line.evaluate(token) == Ternary::No)?;
        let values: Vec<_> = failed.values.iter().map(text).collect();
        Some(format!("{} limits {} to {}", failed.operator, failed.key, values.join(", ")))
    }

    /// The keys that are not in a token.
    pub(super) fn unevaluated_keys(&self, issuer_host: &str) -> impl Iterator<Item = &str> {
        self.lines()
            .map(|line| line.key)
            .filter(move |key| !matches!(claim(key, issuer_host).as_deref(), Some("aud" | "amr")))
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.0.iter().flat_map(|(operator, keys)| keys.iter().map(move |(key, values)| Line { operator, key, values }))
    }
}

/// One operator on one key.
struct Line<'a> {
    operator: &'a str,
    key: &'a str,
    values: &'a OneOrMany<Value>,
}

impl Line<'_> {
    fn evaluate(&self, token: &TokenContext) -> Ternary {
        let claims: Vec<&str> = match claim(self.key, &token.issuer_host).as_deref() {
            Some("aud") => vec![&token.audience],
            Some("amr") => token.methods.iter().map(String::as_str).collect(),
            _ => return Ternary::Unknown,
        };
        let (set, operator) = match self.operator.split_once(':') {
            Some((set, operator)) => (Some(set), operator),
            None => (None, self.operator),
        };
        // The keys evaluated here are in every token, so "if exists" makes no difference.
        let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
        let each: Vec<Ternary> = match Comparison::parse(operator) {
            Some(comparison) => claims.iter().map(|claim| comparison.matches(claim, self.values)).collect(),
            // Whether the key is absent.
            None if operator.eq_ignore_ascii_case("Null") => {
                return self.values.iter().all(|value| text(value).eq_ignore_ascii_case("false")).into();
            }
            None => return Ternary::Unknown,
        };
        let (any, all) = (Ternary::any(each.iter().copied()), Ternary::all(each.iter().copied()));
        match set {
            Some(set) if set.eq_ignore_ascii_case("ForAnyValue") => any,
            Some(set) if set.eq_ignore_ascii_case("ForAllValues") => all,
            Some(_) => Ternary::Unknown,
            // A single-valued operator on a key with several values: AWS does not document which of them counts.
            None if any == all => any,
            None => Ternary::Unknown,
        }
    }
}

/// The claim in a key `HOST:CLAIM`. Keys are not case-sensitive.
fn claim(key: &str, issuer_host: &str) -> Option<String> {
    let (host, claim) = key.rsplit_once(':')?;
    host.eq_ignore_ascii_case(issuer_host).then(|| claim.to_ascii_lowercase())
}

/// A string operator of IAM.
struct Comparison {
    is_pattern: bool,
    ignores_case: bool,
    is_negated: bool,
}

impl Comparison {
    fn parse(operator: &str) -> Option<Self> {
        let known = [
            ("StringEquals", false, false, false),
            ("StringNotEquals", false, false, true),
            ("StringEqualsIgnoreCase", false, true, false),
            ("StringNotEqualsIgnoreCase", false, true, true),
            ("StringLike", true, false, false),
            ("StringNotLike", true, false, true),
        ];
        let found = known.into_iter().find(|(name, ..)| name.eq_ignore_ascii_case(operator));
        found.map(|(_, is_pattern, ignores_case, is_negated)| Self { is_pattern, ignores_case, is_negated })
    }

    fn matches(&self, claim: &str, values: &OneOrMany<Value>) -> Ternary {
        let matches = Ternary::any(values.iter().map(text).map(|value| match value {
            // A policy variable, which IAM expands.
            value if value.contains("${") => Ternary::Unknown,
            value if self.is_pattern => is_like(&value, claim).into(),
            value if self.ignores_case => value.eq_ignore_ascii_case(claim).into(),
            value => (value == claim).into(),
        }));
        if self.is_negated { matches.not() } else { matches }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// IAM's patterns: `*` matches any text, `?` any character.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // `matches[n]`: the pattern so far matches the first `n` characters of the text.
    let mut matches = vec![false; text.len() + 1];
    matches[0] = true;
    for expected in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = expected == '*' && matches[0];
        for (at, actual) in text.iter().enumerate() {
            next[at + 1] = match expected {
                '*' => next[at] || matches[at + 1],
                '?' => matches[at],
                expected => matches[at] && expected == *actual,
            };
        }
        matches = next;
    }
    matches[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_iam() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("*", "", true),
            ("us-east-1:*", "us-east-1:7c9e", true),
            ("us-*-1:7?9e", "us-east-1:7c9e", true),
            ("sts:assumerole", "sts:assumerolewithwebidentity", false),
            ("*authenticated", "unauthenticated", true),
            ("a?", "a", false),
        ] {
            assert_eq!(is_like(pattern, text), matches, "{pattern} {text}");
        }
    }
}
