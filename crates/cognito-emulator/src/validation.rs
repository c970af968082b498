//! Validation of an operation's input: JSON of the right types, then the constraints of the service model.
//!
//! Invalid JSON and wrong types are a `SerializationException`. A violated constraint is an `InvalidParameterException`
//! with the text of AWS's request validation: AWS's own response is not documented, and no other error that the
//! operations declare fits. As in AWS's text for sensitive members, a message names member and rule, but not the value.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::protocol::{ErrorType, OperationError};
use cognito_types::{DeveloperProvider, IdentityId, IdentityPoolId, PrincipalTags};

const REGION_GUID: &str = r"[\w-]+:[0-9a-f-]+";

/// Parses a request body. Unknown members are ignored, as AWS does.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, OperationError> {
    serde_json::from_slice(body).map_err(|error| {
        OperationError::new(
            ErrorType::Serialization,
            if error.is_data() {
                // Only the position: serde's message would contain values, which can be tokens.
                format!("The input has a member of the wrong type, at column {}.", error.column())
            } else {
                format!("The input is not JSON, at column {}.", error.column())
            },
        )
    })
}

/// A JSON object of strings with order and duplicate keys, so that a duplicate key can be rejected.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct StringPairs(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for StringPairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = StringPairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StringPairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(StringPairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

/// Treats `null` as an absent member, as AWS does.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The error for a violated constraint of `member`.
pub(crate) fn violation(member: &str, constraint: impl fmt::Display) -> OperationError {
    OperationError::invalid_parameter(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// A required member.
pub(crate) fn required<T>(member: &str, value: Option<T>) -> Result<T, OperationError> {
    value.ok_or_else(|| {
        OperationError::invalid_parameter(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

/// Checks the length of a text, in UTF-16 units as in Java.
pub(crate) fn length(member: &str, text: &str, allowed: RangeInclusive<usize>) -> Result<(), OperationError> {
    count(member, text.encode_utf16().count(), allowed)
}

/// Checks the length of a text, a list or a map.
pub(crate) fn count(member: &str, count: usize, allowed: RangeInclusive<usize>) -> Result<(), OperationError> {
    let (min, max) = allowed.into_inner();
    if count < min {
        Err(violation(member, format_args!("Member must have length greater than or equal to {min}")))
    } else if count > max {
        Err(violation(member, format_args!("Member must have length less than or equal to {max}")))
    } else {
        Ok(())
    }
}

/// Checks the range of a number.
pub(crate) fn range(member: &str, number: i64, allowed: RangeInclusive<i64>) -> Result<(), OperationError> {
    let (min, max) = allowed.into_inner();
    if number < min {
        Err(violation(member, format_args!("Member must have value greater than or equal to {min}")))
    } else if number > max {
        Err(violation(member, format_args!("Member must have value less than or equal to {max}")))
    } else {
        Ok(())
    }
}

/// Checks that all characters are allowed. `pattern` is the regular expression of the service model.
pub(crate) fn characters(
    member: &str,
    text: &str,
    pattern: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), OperationError> {
    if text.chars().all(allowed) { Ok(()) } else { Err(pattern_violation(member, pattern)) }
}

fn pattern_violation(member: &str, pattern: &str) -> OperationError {
    violation(member, format_args!("Member must satisfy regular expression pattern: {pattern}"))
}

/// A required pool id.
pub(crate) fn pool_id(text: Option<String>) -> Result<IdentityPoolId, OperationError> {
    const MEMBER: &str = "identityPoolId";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=55)?;
    IdentityPoolId::parse(&text).map_err(|_| pattern_violation(MEMBER, REGION_GUID))
}

/// A required identity id.
pub(crate) fn identity_id(text: Option<String>) -> Result<IdentityId, OperationError> {
    const MEMBER: &str = "identityId";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=55)?;
    IdentityId::parse(&text).map_err(|_| pattern_violation(MEMBER, REGION_GUID))
}

/// An optional identity id.
pub(crate) fn optional_identity_id(text: Option<String>) -> Result<Option<IdentityId>, OperationError> {
    text.map(|text| identity_id(Some(text))).transpose()
}

/// A required developer user identifier: 1 to 1024 characters.
pub(crate) fn developer_user(member: &str, text: Option<String>) -> Result<String, OperationError> {
    let text = required(member, text)?;
    length(member, &text, 1..=1024)?;
    Ok(text)
}

/// A required name of a developer provider.
pub(crate) fn developer_provider(text: Option<String>) -> Result<DeveloperProvider, OperationError> {
    const MEMBER: &str = "developerProviderName";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=128)?;
    DeveloperProvider::parse(&text).map_err(|_| pattern_violation(MEMBER, r"[\w._-]+"))
}

/// A required name of any provider.
pub(crate) fn provider(text: Option<String>) -> Result<String, OperationError> {
    const MEMBER: &str = "identityProviderName";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=128)?;
    Ok(text)
}

/// Optional principal tags.
pub(crate) fn principal_tags(tags: Option<StringPairs>) -> Result<PrincipalTags, OperationError> {
    PrincipalTags::parse(tags.unwrap_or_default().0).map_err(|error| violation("principalTags", error))
}

/// A `Logins` map: at most 10, names of 1 to 128 characters, values of 1 to 50,000, no duplicate names.
pub(crate) fn logins(logins: Option<StringPairs>) -> Result<Vec<(String, String)>, OperationError> {
    const MEMBER: &str = "logins";
    let StringPairs(logins) = logins.unwrap_or_default();
    count(MEMBER, logins.len(), 0..=10)?;
    for (at, (name, value)) in logins.iter().enumerate() {
        length(MEMBER, name, 1..=128)?;
        length(MEMBER, value, 1..=50_000)?;
        if logins.iter().take(at).any(|(earlier, _)| earlier == name) {
            return Err(OperationError::invalid_parameter("A login provider may be given only once."));
        }
    }
    Ok(logins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_login_is_rejected_and_not_dropped() {
        let pairs: StringPairs = parse(br#"{"a":"1","a":"2"}"#).unwrap();
        assert_eq!(logins(Some(pairs)).unwrap_err().error_type, ErrorType::InvalidParameter);
    }

    #[test]
    fn an_error_in_the_json_does_not_contain_the_value() {
        let error = parse::<StringPairs>(br#"{"a":"fine","b":{"secret":1}}"#).unwrap_err();
        assert_eq!(error.error_type, ErrorType::Serialization);
        assert!(!error.message.contains("secret"), "{error}");
    }

    #[test]
    fn a_violated_constraint_has_the_text_of_aws() {
        let error = pool_id(Some("nonsense".to_owned())).unwrap_err();
        assert_eq!(
            error.message,
            "1 validation error detected: Value at 'identityPoolId' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w-]+:[0-9a-f-]+"
        );
        let error = pool_id(None).unwrap_err();
        assert!(error.message.ends_with("Member must not be null"), "{error}");
    }
}
