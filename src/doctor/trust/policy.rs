//! A role's trust policy, and whom it lets in: as IAM evaluates it, as far as the answer stands in policy and token.
//! What depends on more than those two (an address, a time, tags) is neither yes nor no.

use serde::Deserialize;
use serde_json::Value;

use super::condition::{Condition, OneOrMany, is_like};

/// Whether somebody is let in. The order is that of IAM's "and": the least of all counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ternary {
    No,
    Unknown,
    Yes,
}

impl Ternary {
    pub(super) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    pub(super) fn any(answers: impl Iterator<Item = Self>) -> Self {
        answers.max().unwrap_or(Self::No)
    }

    pub(super) fn all(answers: impl Iterator<Item = Self>) -> Self {
        answers.min().unwrap_or(Self::Yes)
    }
}

impl From<bool> for Ternary {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// What IAM sees of a Cognito token.
#[derive(Debug, Clone)]
pub(super) struct TokenContext {
    /// The host of Cognito's login key, which is the federated principal.
    pub(super) issuer_host: String,
    pub(super) audience: String,
    pub(super) methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrustPolicy {
    statement: OneOrMany<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    /// Absent where `NotPrincipal` stands instead, which says little about federated principals.
    principal: Option<Value>,
    action: Option<OneOrMany<String>>,
    #[serde(default)]
    not_action: OneOrMany<String>,
    #[serde(default)]
    condition: Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

impl TrustPolicy {
    /// # Errors
    /// It is no policy. Says where.
    pub(super) fn parse(document: &str) -> Result<Self, String> {
        serde_json::from_str(document).map_err(|error| error.to_string())
    }

    /// Whether whoever comes with the token may have that action done.
    pub(super) fn allows(&self, action: &str, bearer: &TokenContext) -> Ternary {
        let applies = |effect| {
            Ternary::any(self.of(effect).map(|statement| {
                let admitted = statement.names(&bearer.issuer_host).min(statement.covers(action));
                admitted.min(statement.condition.evaluate(bearer))
            }))
        };
        applies(Effect::Allow).min(applies(Effect::Deny).not())
    }

    /// What keeps the bearer out, where [`Policy::allows`] says no.
    pub(super) fn denial_reason(&self, action: &str, bearer: &TokenContext) -> String {
        let authority = &bearer.issuer_host;
        let named = || self.of(Effect::Allow).filter(|one| one.names(authority) != Ternary::No);
        let covering: Vec<_> = named().filter(|one| one.covers(action) != Ternary::No).collect();
        if named().next().is_none() {
            return format!("no statement lets in {authority} as a federated principal");
        }
        if covering.is_empty() {
            return format!("no statement for {authority} allows {action}");
        }
        let failed: Vec<_> = covering.iter().filter_map(|one| one.condition.first_failed(bearer)).collect();
        // Not each of them has one only if a Deny is what decides.
        if failed.len() < covering.len() {
            "a Deny statement keeps them out".to_owned()
        } else {
            failed.join("; ")
        }
    }

    /// The keys of conditions on which a token has no say, each once.
    pub(super) fn unevaluated_keys(&self, authority: &str) -> Vec<&str> {
        let mut keys: Vec<_> =
            self.statement.iter().flat_map(|one| one.condition.unevaluated_keys(authority)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn of(&self, effect: Effect) -> impl Iterator<Item = &Statement> {
        self.statement.iter().filter(move |statement| statement.effect == effect)
    }
}

impl Statement {
    fn names(&self, authority: &str) -> Ternary {
        let Some(principal) = &self.principal else { return Ternary::Unknown };
        let named = match principal {
            // Everybody; whether that means federated users too, AWS does not say.
            Value::String(_) => return Ternary::Unknown,
            principal => principal.get("Federated"),
        };
        let is_named = |value: &Value| value.as_str() == Some(authority);
        match named {
            Some(Value::Array(several)) => several.iter().any(is_named).into(),
            Some(one) if one == "*" => Ternary::Unknown,
            Some(one) => is_named(one).into(),
            None => Ternary::No,
        }
    }

    fn covers(&self, action: &str) -> Ternary {
        let is_it = |pattern: &String| is_like(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
        match &self.action {
            Some(actions) => actions.iter().any(is_it).into(),
            None => (!self.not_action.iter().any(is_it)).into(),
        }
    }
}
