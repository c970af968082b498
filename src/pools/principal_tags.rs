//! Principal tags of a pool's tokens, rendered from verified claims. IAM policies read them as `aws:PrincipalTag/KEY`.
//! They never come from a request, because a tag grants rights.
//!
//! A string stays as it is, an integer is rendered in decimal, a boolean as `true` or `false`. A list is a set:
//! `:a:b:`, sorted, without duplicates, with colons around each item, so that a policy can match one whole item
//! (`StringLike`, `"*:a:*"`). The caller is denied if there is any other value, or one beyond the limits: an omitted
//! tag could be the one that a policy's `Deny` tests.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::claims::Claims;
use crate::claims::template::{RenderError, Template};
use cognito_types::PrincipalTags;

/// The longest value that Cognito accepts, in UTF-16 units.
const MAX_VALUE_LEN: usize = 256;

#[derive(Debug, Clone)]
pub struct TagRule {
    pub key: Box<str>,
    /// Over claims, or a constant.
    pub value: Template,
    /// Whether a caller without its claims is denied. Otherwise the tag is omitted.
    pub required: bool,
}

/// All tags of one pool. No key occurs twice.
#[derive(Debug, Clone, Default)]
pub struct TagRules(Vec<TagRule>);

/// A tag that cannot be rendered for a caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the principal tag {key:?} {why}")]
pub struct TagError {
    pub key: Box<str>,
    /// The reason, without the value.
    pub why: &'static str,
}

impl TagRules {
    /// At most 50 rules (Cognito's limit), whose keys are already checked.
    pub fn new(rules: Vec<TagRule>) -> Self {
        Self(rules)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|rule| &*rule.key)
    }

    /// The names of the top-level claims that the templates use.
    pub fn claim_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|rule| rule.value.claims().map(|claim| claim.root()))
    }

    /// The tags of the caller with these claims.
    ///
    /// # Errors
    /// A claim of a required tag is missing, or the value of a claim is not valid in a tag.
    pub fn render(&self, claims: &Claims) -> Result<PrincipalTags, TagError> {
        if self.0.is_empty() {
            return Ok(PrincipalTags::none());
        }
        let mut tags = Vec::with_capacity(self.0.len());
        for rule in &self.0 {
            let error = |why| TagError { key: rule.key.clone(), why };
            match rule.value.render(claims, tag_text) {
                Ok(value) => {
                    check_value(&value).map_err(error)?;
                    tags.push((rule.key.clone(), value));
                }
                Err(RenderError::Missing) if !rule.required => {}
                Err(RenderError::Missing) => return Err(error("is required, and your credential has no claim for it")),
                Err(RenderError::Invalid) => return Err(error("cannot be rendered from your credential's claims")),
            }
        }
        PrincipalTags::parse(tags)
            .map_err(|_| TagError { key: "(all)".into(), why: "and the others exceed cognito's limits" })
    }
}

/// IAM accepts as a session tag's value up to 256 letters, digits, spaces and `_ . : / = + - @`.
///
/// # Errors
/// What is wrong with it.
pub fn check_value(value: &str) -> Result<(), &'static str> {
    if value.encode_utf16().count() > MAX_VALUE_LEN {
        return Err("would be longer than 256 characters");
    }
    is_taggable(value).then_some(()).ok_or("would have characters that IAM does not accept in a tag")
}

/// IAM accepts as a session tag's key up to 128 of the same characters, except its own `aws:…`.
///
/// # Errors
/// What is wrong with it.
pub fn check_key(key: &str) -> Result<(), &'static str> {
    if key.is_empty() || key.encode_utf16().count() > 128 {
        return Err("it does not have 1 to 128 characters");
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return Err("keys that begin with aws: are reserved by AWS");
    }
    is_taggable(key).then_some(()).ok_or("IAM accepts letters, digits, spaces and _ . : / = + - @ in a tag")
}

fn is_taggable(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || "_.:/=+-@".contains(c) || (c.is_whitespace() && !c.is_control()))
}

fn tag_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Array(items) => item_set(items).map(Cow::Owned),
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(flag) => Some(if *flag { "true" } else { "false" }.into()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string().into()),
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `:a:b:`. An item with a colon in it could look like two.
fn item_set(items: &[Value]) -> Option<String> {
    let items: BTreeSet<Cow<'_, str>> = items.iter().map(scalar).collect::<Option<_>>()?;
    if items.iter().any(|item| item.is_empty() || item.contains(':')) {
        return None;
    }
    Some(items.iter().fold(String::new(), |set, item| {
        let start = if set.is_empty() { ":" } else { "" };
        format!("{set}{start}{item}:")
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tag(template: &str, claims: &Value, required: bool) -> Result<Option<String>, &'static str> {
        let value = Template::parse(template).unwrap();
        let rules = TagRules::new(vec![TagRule { key: "k".into(), value, required }]);
        let claims = Claims::verified(claims.as_object().unwrap().clone());
        let tags = rules.render(&claims).map_err(|error| error.why)?;
        Ok(tags.iter().next().map(|(_, value)| value.to_owned()))
    }

    #[test]
    fn a_tag_is_a_claim_a_constant_or_a_template() {
        let claims = json!({"team": "red", "level": 3, "staff": true, "org": {"id": "o1"}});
        for (template, value) in
            [("{team}", "red"), ("{level}", "3"), ("{staff}", "true"), ("prod", "prod"), ("{/org/id}/{team}", "o1/red")]
        {
            assert_eq!(tag(template, &claims, false), Ok(Some(value.to_owned())), "{template}");
        }
    }

    #[test]
    fn a_list_is_a_sorted_set_in_which_a_policy_can_match_a_whole_item() {
        let groups_tag = |groups: Value| tag("{groups}", &json!({"groups": groups}), false);
        assert_eq!(groups_tag(json!(["red", "blue", "red", 7])), Ok(Some(":7:blue:red:".to_owned())));
        assert_eq!(groups_tag(json!(["red"])), Ok(Some(":red:".to_owned())));
        assert_eq!(groups_tag(json!([])), Ok(None));
        for bad in [json!(["a:b"]), json!([""]), json!([null]), json!([["a"]]), json!([1.5])] {
            assert!(groups_tag(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_claim_omits_an_optional_tag_and_rejects_a_required_one() {
        for missing in [json!({}), json!({"team": null}), json!({"team": ""}), json!({"team": []})] {
            assert_eq!(tag("{team}", &missing, false), Ok(None), "{missing}");
            assert!(tag("{team}", &missing, true).unwrap_err().contains("required"), "{missing}");
        }
    }

    #[test]
    fn an_invalid_value_is_rejected_even_where_the_tag_is_optional() {
        for bad in [json!("x".repeat(257)), json!("a\nb"), json!("a,b"), json!("a*"), json!(1.5), json!({})] {
            assert!(tag("{team}", &json!({"team": bad}), false).is_err(), "{bad}");
        }
        assert_eq!(tag("{team}", &json!({"team": "x".repeat(256)}), false), Ok(Some("x".repeat(256))));
        assert_eq!(tag("{team}", &json!({"team": "Ärzte 2"}), false), Ok(Some("Ärzte 2".to_owned())));
    }

    #[test]
    fn keys_are_those_that_iam_accepts() {
        for good in ["team", "a b", "x/y:z", "k".repeat(128).as_str()] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        for bad in ["", "k".repeat(129).as_str(), "aws:team", "AWS:team", "a*", "a,b"] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }
}
