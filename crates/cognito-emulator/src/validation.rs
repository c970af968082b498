//! Reads an operation's input: JSON of the right types, then the service model's constraints.
//!
//! Broken JSON and wrong types are a `SerializationException`. A violated constraint is answered with the
//! wording of AWS's request validation, as an `InvalidParameterException`: AWS's own answer is not documented
//! and this is the only one of the operations' declared errors that fits. Like AWS's own wording for
//! sensitive members, a message names the member and the rule but never repeats the value.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::protocol::{ApiError, ErrorType};
use cognito_types::{DeveloperProvider, IdentityId, IdentityPoolId, PrincipalTags};

const REGION_GUID: &str = r"[\w-]+:[0-9a-f-]+";

/// Reads a request body. Members that the operation does not know are ignored, as AWS does.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|fault| {
        ApiError::new(
            ErrorType::Serialization,
            if fault.is_data() {
                // Only the position: serde's own words would repeat values, which may be tokens.
                format!("The input has a member of the wrong type, at column {}.", fault.column())
            } else {
                format!("The input is not JSON, at column {}.", fault.column())
            },
        )
    })
}

/// A JSON object of texts that keeps its order and its repeated keys, so that a repeated key can be refused.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct StringPairs(pub(super) Vec<(String, String)>);

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

/// Takes `null` for an absent member, as AWS does.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A constraint that `member` fails.
pub(super) fn violation(member: &str, constraint: impl fmt::Display) -> ApiError {
    ApiError::invalid_parameter(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// A member that must be there.
pub(super) fn required<T>(member: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| {
        ApiError::invalid_parameter(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

/// A text's length, counted in UTF-16 units as Java counts.
pub(super) fn length(member: &str, text: &str, allowed: RangeInclusive<usize>) -> Result<(), ApiError> {
    count(member, text.encode_utf16().count(), allowed)
}

/// The length of a text, a list or a map.
pub(super) fn count(member: &str, count: usize, allowed: RangeInclusive<usize>) -> Result<(), ApiError> {
    let (least, most) = allowed.into_inner();
    if count < least {
        Err(violation(member, format_args!("Member must have length greater than or equal to {least}")))
    } else if count > most {
        Err(violation(member, format_args!("Member must have length less than or equal to {most}")))
    } else {
        Ok(())
    }
}

/// A number's range.
pub(super) fn range(member: &str, number: i64, allowed: RangeInclusive<i64>) -> Result<(), ApiError> {
    let (least, most) = allowed.into_inner();
    if number < least {
        Err(violation(member, format_args!("Member must have value greater than or equal to {least}")))
    } else if number > most {
        Err(violation(member, format_args!("Member must have value less than or equal to {most}")))
    } else {
        Ok(())
    }
}

/// A text made of allowed characters only; `pattern` is the service model's expression for the same.
pub(super) fn characters(
    member: &str,
    text: &str,
    pattern: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), ApiError> {
    if text.chars().all(allowed) { Ok(()) } else { Err(pattern_violation(member, pattern)) }
}

fn pattern_violation(member: &str, pattern: &str) -> ApiError {
    violation(member, format_args!("Member must satisfy regular expression pattern: {pattern}"))
}

/// A pool id that must be there.
pub(super) fn pool_id(text: Option<String>) -> Result<IdentityPoolId, ApiError> {
    const MEMBER: &str = "identityPoolId";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=55)?;
    IdentityPoolId::parse(&text).map_err(|_| pattern_violation(MEMBER, REGION_GUID))
}

/// An identity id that must be there.
pub(super) fn identity_id(text: Option<String>) -> Result<IdentityId, ApiError> {
    const MEMBER: &str = "identityId";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=55)?;
    IdentityId::parse(&text).map_err(|_| pattern_violation(MEMBER, REGION_GUID))
}

/// An identity id that may be absent.
pub(super) fn optional_identity_id(text: Option<String>) -> Result<Option<IdentityId>, ApiError> {
    text.map(|text| identity_id(Some(text))).transpose()
}

/// A developer user identifier that must be there: 1 to 1024 characters.
pub(super) fn developer_user(member: &str, text: Option<String>) -> Result<String, ApiError> {
    let text = required(member, text)?;
    length(member, &text, 1..=1024)?;
    Ok(text)
}

/// The name of a developer provider that must be there.
pub(super) fn developer_provider(text: Option<String>) -> Result<DeveloperProvider, ApiError> {
    const MEMBER: &str = "developerProviderName";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=128)?;
    DeveloperProvider::parse(&text).map_err(|_| pattern_violation(MEMBER, r"[\w._-]+"))
}

/// The name of any provider that must be there.
pub(super) fn provider(text: Option<String>) -> Result<String, ApiError> {
    const MEMBER: &str = "identityProviderName";
    let text = required(MEMBER, text)?;
    length(MEMBER, &text, 1..=128)?;
    Ok(text)
}

/// Principal tags, or none.
pub(super) fn principal_tags(tags: Option<StringPairs>) -> Result<PrincipalTags, ApiError> {
    PrincipalTags::parse(tags.unwrap_or_default().0).map_err(|fault| violation("principalTags", fault))
}

/// A `Logins` map: at most 10, names of 1 to 128 characters, values of 1 to 50,000, no name twice.
pub(super) fn logins(logins: Option<StringPairs>) -> Result<Vec<(String, String)>, ApiError> {
    const MEMBER: &str = "logins";
    let StringPairs(logins) = logins.unwrap_or_default();
    count(MEMBER, logins.len(), 0..=10)?;
    for (at, (name, value)) in logins.iter().enumerate() {
        length(MEMBER, name, 1..=128)?;
        length(MEMBER, value, 1..=50_000)?;
        if logins.iter().take(at).any(|(earlier, _)| earlier == name) {
            return Err(ApiError::invalid_parameter("A login provider may be given only once."));
        }
    }
    Ok(logins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_login_is_refused_rather_than_dropped() {
        let pairs: StringPairs = parse(br#"{"a":"1","a":"2"}"#).unwrap();
        assert_eq!(logins(Some(pairs)).unwrap_err().error_type, ErrorType::InvalidParameter);
    }

    #[test]
    fn a_fault_in_the_json_never_repeats_the_value() {
        let fault = parse::<StringPairs>(br#"{"a":"fine","b":{"secret":1}}"#).unwrap_err();
        assert_eq!(fault.error_type, ErrorType::Serialization);
        assert!(!fault.message.contains("secret"), "{fault}");
    }

    #[test]
    fn a_violated_constraint_is_worded_as_aws_words_it() {
        let fault = pool_id(Some("nonsense".to_owned())).unwrap_err();
        assert_eq!(
            fault.message,
            "1 validation error detected: Value at 'identityPoolId' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w-]+:[0-9a-f-]+"
        );
        let fault = pool_id(None).unwrap_err();
        assert!(fault.message.ends_with("Member must not be null"), "{fault}");
    }
}
