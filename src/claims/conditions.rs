//! Conditions on claims. Values are compared whole, and all conditions must hold.

use serde_json::Value;

use super::{ClaimPath, Claims};

#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// `aud` is, or contains, one of these.
    pub audiences: Vec<String>,
    /// The credential has all of these scopes.
    pub scopes: Vec<String>,
    /// Each of these claims is, or contains, one of its values.
    pub claims: Vec<(ClaimPath, Vec<String>)>,
}

impl Conditions {
    /// Whether there are none, so that all claims meet them.
    pub fn is_empty(&self) -> bool {
        self.audiences.is_empty() && self.scopes.is_empty() && self.claims.is_empty()
    }

    /// The names of the top-level claims that they check.
    pub fn claim_names(&self) -> impl Iterator<Item = &str> {
        let audience = (!self.audiences.is_empty()).then_some(AUDIENCE);
        let scopes = if self.scopes.is_empty() { &[][..] } else { &SCOPES };
        let claims = self.claims.iter().map(|(path, _)| path.root());
        audience.into_iter().chain(scopes.iter().copied()).chain(claims)
    }

    pub fn are_met_by(&self, claims: &Claims) -> bool {
        let audience =
            self.audiences.is_empty() || claims.texts(AUDIENCE).any(|aud| self.audiences.iter().any(|one| one == aud));
        let is = |(path, values): &(ClaimPath, Vec<String>)| {
            claims.get(path).is_some_and(|found| is_or_contains(found, values))
        };
        audience && self.scopes.iter().all(|scope| has_scope(claims, scope)) && self.claims.iter().all(is)
    }
}

const AUDIENCE: &str = "aud";

/// `scope` is a space-separated string (RFC 8693, section 4.2). Some issuers send a list, or name it `scp`.
const SCOPES: [&str; 2] = ["scope", "scp"];

fn has_scope(claims: &Claims, scope: &str) -> bool {
    SCOPES.into_iter().flat_map(|claim| claims.texts(claim)).any(|granted| granted.split(' ').any(|one| one == scope))
}

fn is_or_contains(found: &Value, values: &[String]) -> bool {
    let is = |text: &str| values.iter().any(|value| value == text);
    match found {
        Value::String(text) => is(text),
        Value::Bool(flag) => is(if *flag { "true" } else { "false" }),
        Value::Number(number) => is(&number.to_string()),
        Value::Array(items) => {
            items.iter().any(|item| !matches!(item, Value::Array(_)) && is_or_contains(item, values))
        }
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn meets(conditions: &Conditions, claims: Value) -> bool {
        conditions.are_met_by(&Claims::verified(claims.as_object().unwrap().clone()))
    }

    #[test]
    fn every_condition_must_hold() {
        let conditions =
            Conditions { audiences: texts(&["x", "y"]), scopes: texts(&["read", "vend"]), ..Conditions::default() };
        let good = json!({"aud": ["y", "z"], "scope": "vend read"});
        assert!(meets(&conditions, good.clone()));
        for (claim, bad) in
            [("aud", json!("z")), ("scope", json!("vend reader")), ("scope", json!("vend")), ("scope", json!(null))]
        {
            let mut claims = good.clone();
            claims[claim] = bad;
            assert!(!meets(&conditions, claims.clone()), "{claims}");
        }
        assert!(meets(&Conditions::default(), json!({})));
    }

    #[test]
    fn scopes_may_be_a_list_or_be_named_scp() {
        let conditions = Conditions { scopes: texts(&["vend"]), ..Conditions::default() };
        for claims in [json!({"scp": ["read", "vend"]}), json!({"scope": ["vend"]}), json!({"scp": "vend"})] {
            assert!(meets(&conditions, claims.clone()), "{claims}");
        }
    }

    #[test]
    fn a_claim_is_or_contains_one_of_the_values() {
        let groups = (ClaimPath::parse("/org/groups").unwrap(), texts(&["ops", "7", "true"]));
        let conditions = Conditions { claims: vec![groups], ..Conditions::default() };
        for yes in [json!("ops"), json!(7), json!(true), json!(["dev", "ops"]), json!([7])] {
            assert!(meets(&conditions, json!({"org": {"groups": yes}})), "{yes}");
        }
        for no in [json!("op"), json!("ops "), json!([["ops"]]), json!({"ops": 1}), json!(null), json!([])] {
            assert!(!meets(&conditions, json!({"org": {"groups": no}})), "{no}");
        }
        assert!(!meets(&conditions, json!({})));
        assert_eq!(conditions.claim_names().collect::<Vec<_>>(), ["org"]);
    }
}
