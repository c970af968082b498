//! Verified claims of a caller, and the paths by which the configuration refers to them.
//!
//! Only an authenticator that has verified the claims creates [`Claims`]. The user id, the principal tags and the
//! access to a pool depend on them alone. Nothing in a request can add to them or replace them.

pub mod conditions;
pub(crate) mod numeric_date;
pub mod template;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// The claims of a verified caller. Cheap to clone. Not in debug output, because they identify people.
#[derive(Clone, Default)]
pub struct Claims(Option<Arc<Map<String, Value>>>);

impl Claims {
    /// For authenticators, after they have verified the claims.
    pub(crate) fn verified(claims: Map<String, Value>) -> Self {
        Self((!claims.is_empty()).then(|| Arc::new(claims)))
    }

    /// Only the claims of these names. Up to a million callers are cached, and most claims are not used after
    /// verification.
    #[must_use]
    pub(crate) fn retain(self, names: &BTreeSet<Box<str>>) -> Self {
        let Some(claims) = self.0 else { return self };
        let claims = names.iter().filter_map(|name| claims.get_key_value(&**name));
        Self::verified(claims.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The claim with this path. `null` counts as absent.
    pub fn get(&self, path: &ClaimPath) -> Option<&Value> {
        path.resolve(self.0.as_deref()?)
    }

    /// A top-level claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.get(name)?.as_str()
    }

    /// The strings of a top-level claim that is a list or a single string.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let value = self.0.as_ref().and_then(|claims| claims.get(name));
        let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        value.and_then(Value::as_str).into_iter().chain(list.iter().filter_map(Value::as_str))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({})", self.0.as_ref().map_or(0, |claims| claims.len()))
    }
}

/// Path of a claim: its name, or a JSON pointer (RFC 6901) to a nested one. A name that begins with a slash needs the
/// form of the pointer: `/~1name`. No registered claim has such a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(Vec<Box<str>>);

impl ClaimPath {
    /// Parses a name or a pointer.
    ///
    /// # Errors
    /// It has an empty part, or a `~` that is not part of `~0` or `~1`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let parts = match text.strip_prefix('/') {
            None => vec![text.into()],
            Some(pointer) => pointer.split('/').map(unescape).collect::<Result<_, _>>()?,
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err("the name of a claim is empty");
        }
        Ok(Self(parts))
    }

    /// The name of the top-level claim.
    pub fn root(&self) -> &str {
        self.0.first().map_or("", |name| name)
    }

    fn resolve<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, rest) = self.0.split_first()?;
        let found = rest.iter().try_fold(claims.get(&**first)?, |value, name| value.as_object()?.get(&**name))?;
        (!found.is_null()).then_some(found)
    }
}

fn unescape(part: &str) -> Result<Box<str>, &'static str> {
    let mut escapes = part.split('~').skip(1);
    if escapes.all(|rest| rest.starts_with(['0', '1'])) {
        Ok(part.replace("~1", "/").replace("~0", "~").into())
    } else {
        Err("in a JSON pointer, '~' is allowed only in '~0' (for '~') and '~1' (for '/')")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Claims {
        let claims = json!({
            "sub": "alice", "none": null, "aud": ["a", 1, "b"],
            "https://app.example/user": {"id": 7, "a~b": "tilde"},
        });
        Claims::verified(claims.as_object().unwrap().clone())
    }

    fn at(path: &str) -> Option<Value> {
        claims().get(&ClaimPath::parse(path).unwrap()).cloned()
    }

    #[test]
    fn a_path_is_a_name_or_a_json_pointer() {
        assert_eq!(at("sub"), Some(json!("alice")));
        assert_eq!(at("/sub"), Some(json!("alice")));
        assert_eq!(at("/https:~1~1app.example~1user/id"), Some(json!(7)));
        assert_eq!(at("/https:~1~1app.example~1user/a~0b"), Some(json!("tilde")));
        assert!(at("https://app.example/user").unwrap().is_object());
        for missing in ["none", "/sub/deeper", "/aud/0", "absent"] {
            assert_eq!(at(missing), None, "{missing}");
        }
        for bad in ["", "/", "/a//b", "/a~2", "/a~"] {
            assert!(ClaimPath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_single_string_counts_as_a_list() {
        assert_eq!(claims().texts("aud").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(claims().texts("sub").collect::<Vec<_>>(), ["alice"]);
        assert_eq!(claims().texts("none").count(), 0);
    }

    #[test]
    fn claims_that_are_not_used_are_dropped_and_debug_output_contains_none() {
        let names = BTreeSet::from(["sub".into(), "absent".into()]);
        let retained = claims().retain(&names);
        assert_eq!((retained.text("sub"), retained.texts("aud").count()), (Some("alice"), 0));
        assert_eq!(format!("{retained:?}"), "Claims(1)");
    }
}
