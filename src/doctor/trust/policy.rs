//! Trust policy of a role, evaluated as IAM does, from policy and token alone. A result that depends on anything else
//! (an address, a time, tags) is unknown.

use serde::Deserialize;
use serde_json::Value;

use super::condition::{Condition, OneOrMany, is_like};
use super::evaluation::{Ternary, TokenContext};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrustPolicy {
    statement: OneOrMany<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    /// Absent if `NotPrincipal` is present instead, which says little about federated principals.
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
    /// The document is not a policy. The message says where.
    pub(super) fn parse(document: &str) -> Result<Self, String> {
        serde_json::from_str(document).map_err(|error| error.to_string())
    }

    /// Whether the token allows the action.
    pub(super) fn allows(&self, action: &str, token: &TokenContext) -> Ternary {
        let applies = |effect| {
            Ternary::any(self.statements(effect).map(|statement| {
                let matches = statement.names(&token.issuer_host).min(statement.covers(action));
                matches.min(statement.condition.evaluate(token))
            }))
        };
        applies(Effect::Allow).min(applies(Effect::Deny).not())
    }

    /// Why [`TrustPolicy::allows`] returned no.
    pub(super) fn denial_reason(&self, action: &str, token: &TokenContext) -> String {
        let host = &token.issuer_host;
        let named = || self.statements(Effect::Allow).filter(|one| one.names(host) != Ternary::No);
        let covering: Vec<_> = named().filter(|one| one.covers(action) != Ternary::No).collect();
        if named().next().is_none() {
            return format!("no statement allows {host} as a federated principal");
        }
        if covering.is_empty() {
            return format!("no statement for {host} allows {action}");
        }
        let failed: Vec<_> = covering.iter().filter_map(|one| one.condition.first_failed(token)).collect();
        // If a statement has no failed condition, a Deny decides.
        if failed.len() < covering.len() { "a Deny statement applies".to_owned() } else { failed.join("; ") }
    }

    /// The condition keys that are not in a token, each once.
    pub(super) fn unevaluated_keys(&self, issuer_host: &str) -> Vec<&str> {
        let mut keys: Vec<_> =
            self.statement.iter().flat_map(|one| one.condition.unevaluated_keys(issuer_host)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn statements(&self, effect: Effect) -> impl Iterator<Item = &Statement> {
        self.statement.iter().filter(move |statement| statement.effect == effect)
    }
}

impl Statement {
    fn names(&self, issuer_host: &str) -> Ternary {
        let Some(principal) = &self.principal else { return Ternary::Unknown };
        let named = match principal {
            // `*`, all principals; AWS does not document whether that includes federated users.
            Value::String(_) => return Ternary::Unknown,
            principal => principal.get("Federated"),
        };
        let is_named = |value: &Value| value.as_str() == Some(issuer_host);
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
