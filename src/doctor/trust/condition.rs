//! The conditions of a statement, held against what stands in a token. IAM's operators on texts are known; all others
//! leave the answer open.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::policy::{Ternary, TokenContext};

/// By operator and key: the values, of which any will do.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Condition(BTreeMap<String, BTreeMap<String, OneOrMany<Value>>>);

/// IAM takes one thing for a list of it.
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
    /// Every line must hold.
    pub(super) fn evaluate(&self, bearer: &TokenContext) -> Ternary {
        Ternary::all(self.lines().map(|line| line.holds_for(bearer)))
    }

    /// The first line that keeps the bearer out, in words.
    pub(super) fn first_failed(&self, bearer: &TokenContext) -> Option<String> {
        let failed = self.lines().find(|line| line.holds_for(bearer) == Ternary::No)?;
        let values: Vec<_> = failed.values.iter().map(text).collect();
        Some(format!("{} holds {} to {}", failed.operator, failed.key, values.join(", ")))
    }

    /// The keys that no token has.
    pub(super) fn unevaluated_keys(&self, authority: &str) -> impl Iterator<Item = &str> {
        self.lines()
            .map(|line| line.key)
            .filter(move |key| !matches!(claim(key, authority).as_deref(), Some("aud" | "amr")))
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.0
            .iter()
            .flat_map(|(operator, keys)| keys.iter().map(move |(key, values)| Line { operator, key, values }))
    }
}

/// One operator on one key.
struct Line<'a> {
    operator: &'a str,
    key: &'a str,
    values: &'a OneOrMany<Value>,
}

impl Line<'_> {
    fn holds_for(&self, bearer: &TokenContext) -> Ternary {
        let own: Vec<&str> = match claim(self.key, &bearer.issuer_host).as_deref() {
            Some("aud") => vec![&bearer.audience],
            Some("amr") => bearer.methods.iter().map(String::as_str).collect(),
            _ => return Ternary::Unknown,
        };
        let (set, operator) = match self.operator.split_once(':') {
            Some((set, operator)) => (Some(set), operator),
            None => (None, self.operator),
        };
        // The keys looked at here are in every token, so "if exists" makes no difference.
        let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
        let each: Vec<Ternary> = match Comparison::of(operator) {
            Some(comparison) => own.iter().map(|own| comparison.fits(own, self.values)).collect(),
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
            // An operator for one value on a key that has several: AWS does not say which of them counts.
            None if any == all => any,
            None => Ternary::Unknown,
        }
    }
}

/// What follows the authority in a key. Keys are not case-sensitive.
fn claim(key: &str, authority: &str) -> Option<String> {
    let (host, claim) = key.rsplit_once(':')?;
    host.eq_ignore_ascii_case(authority).then(|| claim.to_ascii_lowercase())
}

/// IAM's operators on texts.
struct Comparison {
    is_pattern: bool,
    ignores_case: bool,
    is_negated: bool,
}

impl Comparison {
    fn of(operator: &str) -> Option<Self> {
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

    fn fits(&self, own: &str, values: &OneOrMany<Value>) -> Ternary {
        let fits = Ternary::any(values.iter().map(text).map(|value| match value {
            // A policy variable, which IAM fills in.
            value if value.contains("${") => Ternary::Unknown,
            value if self.is_pattern => is_like(&value, own).into(),
            value if self.ignores_case => value.eq_ignore_ascii_case(own).into(),
            value => (value == own).into(),
        }));
        if self.is_negated { fits.not() } else { fits }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// IAM's patterns: `*` is any text, `?` any character.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Which beginnings of the text the pattern so far fits; one more character of the pattern at a time.
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = wanted == '*' && fits[0];
        for (at, found) in text.iter().enumerate() {
            next[at + 1] = match wanted {
                '*' => next[at] || fits[at + 1],
                '?' => fits[at],
                wanted => fits[at] && wanted == *found,
            };
        }
        fits = next;
    }
    fits[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_iam_s() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("*", "", true),
            ("us-east-1:*", "us-east-1:7c9e", true),
            ("us-*-1:7?9e", "us-east-1:7c9e", true),
            ("sts:assumerole", "sts:assumerolewithwebidentity", false),
            ("*authenticated", "unauthenticated", true),
            ("a?", "a", false),
        ] {
            assert_eq!(is_like(pattern, text), fits, "{pattern} {text}");
        }
    }
}
