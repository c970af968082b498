//! Which verified callers may have tokens of a pool: those whom one of its rules describes, or all where it has
//! none. A rule describes a caller by how it was verified and by what its verified claims say; never by the
//! request.

use serde_json::Value;

use crate::claims::{ClaimPath, Claims};

/// The rules of one pool.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Whether a caller whom no rule describes is refused, or only reported.
    pub mode: AccessMode,
    /// Empty: every verified caller may.
    pub rules: Vec<Rule>,
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
pub struct Rule {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Verified by one of these ways.
    pub ways: Vec<String>,
    /// `iss` is one of these.
    pub issuers: Vec<String>,
    /// `aud` is, or has, one of these.
    pub audiences: Vec<String>,
    /// The credential was granted all of these scopes.
    pub scopes: Vec<String>,
    /// Each of these claims is, or has, one of its values.
    pub claims: Vec<(ClaimPath, Vec<String>)>,
}

impl Access {
    /// Whether every verified caller may.
    pub fn is_open(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that describes a caller verified by this way.
    pub fn rule_for(&self, way: &str, claims: &Claims) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.describes(way, claims))
    }
}

impl Rule {
    /// Whether it has no condition, and so would describe everybody.
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
            && self.issuers.is_empty()
            && self.audiences.is_empty()
            && self.scopes.is_empty()
            && self.claims.is_empty()
    }

    fn describes(&self, way: &str, claims: &Claims) -> bool {
        let one_of = |list: &[String], text: &str| list.iter().any(|one| one == text);
        let by_way = self.ways.is_empty() || one_of(&self.ways, way);
        let by_issuer =
            self.issuers.is_empty() || claims.text("iss").is_some_and(|iss| one_of(&self.issuers, iss));
        let by_audience =
            self.audiences.is_empty() || claims.texts("aud").any(|aud| one_of(&self.audiences, aud));
        let by_scope = self.scopes.iter().all(|scope| has_scope(claims, scope));
        let by_claims = self
            .claims
            .iter()
            .all(|(path, values)| claims.at(path).is_some_and(|found| is_or_has(found, values)));
        by_way && by_issuer && by_audience && by_scope && by_claims
    }
}

/// `scope` is text with spaces between (RFC 8693, 4.2); some issuers write a list, or call it `scp`.
fn has_scope(claims: &Claims, scope: &str) -> bool {
    ["scope", "scp"]
        .into_iter()
        .flat_map(|claim| claims.texts(claim))
        .any(|granted| granted.split(' ').any(|one| one == scope))
}

fn is_or_has(found: &Value, values: &[String]) -> bool {
    let is = |text: &str| values.iter().any(|value| value == text);
    match found {
        Value::String(text) => is(text),
        Value::Bool(flag) => is(if *flag { "true" } else { "false" }),
        Value::Number(number) => is(&number.to_string()),
        Value::Array(items) => {
            items.iter().any(|item| !matches!(item, Value::Array(_)) && is_or_has(item, values))
        }
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn describes(rule: &Rule, claims: Value) -> bool {
        rule.describes("app", &Claims::verified(claims.as_object().unwrap().clone()))
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn every_condition_of_a_rule_must_hold() {
        let rule = Rule {
            ways: texts(&["app"]),
            issuers: texts(&["https://a"]),
            audiences: texts(&["x", "y"]),
            scopes: texts(&["read", "vend"]),
            ..Rule::default()
        };
        let good = json!({"iss": "https://a", "aud": ["y", "z"], "scope": "vend read"});
        assert!(describes(&rule, good.clone()));
        for (claim, bad) in [
            ("iss", json!("https://a/")),
            ("iss", json!(["https://a"])),
            ("aud", json!("z")),
            ("scope", json!("vend reader")),
            ("scope", json!("vend")),
            ("scope", json!(null)),
        ] {
            let mut claims = good.clone();
            claims[claim] = bad;
            assert!(!describes(&rule, claims.clone()), "{claims}");
        }
        assert!(!Rule { ways: texts(&["other"]), ..rule }.describes("app", &Claims::default()));
    }

    #[test]
    fn scopes_may_be_a_list_or_be_called_scp() {
        let rule = Rule { scopes: texts(&["vend"]), ..Rule::default() };
        for claims in [json!({"scp": ["read", "vend"]}), json!({"scope": ["vend"]}), json!({"scp": "vend"})] {
            assert!(describes(&rule, claims.clone()), "{claims}");
        }
    }

    #[test]
    fn a_claim_is_or_has_one_of_the_values() {
        let groups = (ClaimPath::parse("/org/groups").unwrap(), texts(&["ops", "7", "true"]));
        let rule = Rule { claims: vec![groups], ..Rule::default() };
        for yes in [json!("ops"), json!(7), json!(true), json!(["dev", "ops"]), json!([7])] {
            assert!(describes(&rule, json!({"org": {"groups": yes}})), "{yes}");
        }
        for no in [json!("op"), json!("ops "), json!([["ops"]]), json!({"ops": 1}), json!(null), json!([])] {
            assert!(!describes(&rule, json!({"org": {"groups": no}})), "{no}");
        }
        assert!(!describes(&rule, json!({})));
    }
}
