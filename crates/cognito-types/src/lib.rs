//! The names that Cognito Identity gives to things, as types that can only be made by `parse`.
//!
//! Each limit is the one in the service model of Cognito Identity (2014-06-30). Where this crate is
//! stricter than Cognito, the type says so. None of these is a secret, but a developer user id may name a
//! person: it is never a metric label, and errors here describe a value without repeating it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Why a value is not what its type asks for. Never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {why}")]
pub struct InvalidId {
    what: &'static str,
    why: String,
}

impl InvalidId {
    fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self { what, why: why.into() }
    }
}

/// Cognito counts the characters of its Java strings, which are UTF-16 units.
fn cognito_length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn check_length(what: &'static str, text: &str, most: usize) -> Result<(), InvalidId> {
    match cognito_length(text) {
        0 => Err(InvalidId::new(what, "is empty")),
        n if n > most => Err(InvalidId::new(what, format!("has {n} characters, at most {most} are allowed"))),
        _ => Ok(()),
    }
}

/// Checks `REGION:GUID`, the one shape that pool ids and identity ids share: 1 to 55 characters of
/// `[\w-]+:[0-9a-f-]+`.
fn check_region_guid(what: &'static str, text: &str) -> Result<(), InvalidId> {
    check_length(what, text, 55)?;
    let (region, guid) = text
        .split_once(':')
        .ok_or_else(|| InvalidId::new(what, "has no colon; it looks like REGION:GUID"))?;
    let region_ok =
        !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let guid_ok = !guid.is_empty() && guid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    match (region_ok, guid_ok) {
        (false, _) => Err(InvalidId::new(what, "has no AWS region before its colon")),
        (_, false) => Err(InvalidId::new(what, "has no GUID of lower-case hex digits after its colon")),
        _ => Ok(()),
    }
}

/// Generates the plumbing that every text newtype shares; the check is the type's own.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text if it keeps the limits of the type.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The text as Cognito takes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_newtype!(
    /// An identity pool, `REGION:GUID`.
    IdentityPoolId,
    |text| check_region_guid("an identity pool id", text)
);

impl IdentityPoolId {
    /// The AWS region that the pool lives in: the part before the colon.
    pub fn region(&self) -> &str {
        self.0.split_once(':').map_or("", |(region, _)| region)
    }
}

text_newtype!(
    /// One identity of a pool, `REGION:GUID`.
    IdentityId,
    |text| check_region_guid("an identity id", text)
);

impl IdentityId {
    /// The AWS region that the identity lives in: its pool's.
    pub fn region(&self) -> &str {
        self.0.split_once(':').map_or("", |(region, _)| region)
    }
}

text_newtype!(
    /// The developer provider of a pool (its `DeveloperProviderName`): 1 to 128 characters of `[\w._-]+`.
    DeveloperProvider,
    check_provider
);

fn check_provider(text: &str) -> Result<(), InvalidId> {
    const WHAT: &str = "a developer provider name";
    check_length(WHAT, text, 128)?;
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        Ok(())
    } else {
        Err(InvalidId::new(WHAT, "may only have letters, digits, '.', '_' and '-'"))
    }
}

text_newtype!(
    /// The login name of a public provider (`accounts.google.com`, a user pool, the ARN of a SAML provider): 1 to
    /// 128 characters.
    ///
    /// Stricter than Cognito: no white space and no control character, which no provider's name has.
    PublicProvider,
    check_public_provider
);

fn check_public_provider(text: &str) -> Result<(), InvalidId> {
    const WHAT: &str = "a public provider's login name";
    check_length(WHAT, text, 128)?;
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(InvalidId::new(WHAT, "may not have white space or control characters"));
    }
    Ok(())
}

text_newtype!(
    /// The developer user identifier: the app's own name for a user, 1 to 1024 characters.
    ///
    /// Stricter than Cognito: no control character, because the id ends up in log lines, in the token's `amr`
    /// and in audit records, where a line break could forge an entry.
    DeveloperUserId,
    check_user
);

fn check_user(text: &str) -> Result<(), InvalidId> {
    const WHAT: &str = "a developer user id";
    check_length(WHAT, text, 1024)?;
    if text.chars().any(char::is_control) {
        return Err(InvalidId::new(WHAT, "may not have control characters"));
    }
    Ok(())
}

text_newtype!(
    /// The ARN of an IAM role (Cognito's `CustomRoleArn`): `arn:PARTITION:iam::ACCOUNT:role/NAME`, 20 to 2048
    /// characters.
    RoleArn,
    check_role
);

impl RoleArn {
    /// The partition that its account is in: `aws`, `aws-cn` and so on.
    pub fn partition(&self) -> &str {
        self.as_str().split(':').nth(1).unwrap_or_default()
    }

    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        self.as_str().rsplit('/').next().unwrap_or_default()
    }
}

fn check_role(text: &str) -> Result<(), InvalidId> {
    const WHAT: &str = "a role's ARN";
    check_length(WHAT, text, 2048)?;
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_role = match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit())
                && resource
                    .strip_prefix("role/")
                    .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()))
        }
        _ => false,
    };
    if is_role { Ok(()) } else { Err(InvalidId::new(WHAT, "looks like arn:aws:iam::ACCOUNT:role/NAME")) }
}

/// The life asked of a token, in seconds: 1 to 86,400 (Cognito's `TokenDuration`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDuration(u32);

impl TokenDuration {
    /// What Cognito takes when no duration is given.
    pub const DEFAULT: Self = Self(900);
    /// The longest life that Cognito grants.
    pub const MAX_SECONDS: u32 = 86_400;

    /// Takes a number of seconds that Cognito would accept.
    pub fn parse(seconds: u64) -> Result<Self, InvalidId> {
        match u32::try_from(seconds) {
            Ok(s @ 1..=Self::MAX_SECONDS) => Ok(Self(s)),
            _ => Err(InvalidId::new("a token duration", format!("is 1 to {} seconds", Self::MAX_SECONDS))),
        }
    }

    /// The duration in seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// The duration as the standard library's type.
    pub fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0.into())
    }
}

/// Principal tags, sorted by key: at most 50, keys of 1 to 128 characters, values of 1 to 256.
///
/// Sorted, so that two sets with the same content are equal and hash alike, in whatever order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PrincipalTags(Option<Arc<BTreeMap<Box<str>, Box<str>>>>);

impl PrincipalTags {
    /// The most tags that Cognito takes in one call.
    pub const MOST: usize = 50;

    /// No tags at all. Allocates nothing.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Takes tags that Cognito would accept; a repeated key is an error.
    pub fn parse<K, V>(tags: impl IntoIterator<Item = (K, V)>) -> Result<Self, InvalidId>
    where
        K: Into<Box<str>>,
        V: Into<Box<str>>,
    {
        let mut sorted = BTreeMap::new();
        for (key, value) in tags {
            let (key, value) = (key.into(), value.into());
            check_length("a principal tag's key", &key, 128)?;
            check_length("a principal tag's value", &value, 256)?;
            if sorted.insert(key, value).is_some() {
                return Err(InvalidId::new("a principal tag's key", "stands twice"));
            }
        }
        match sorted.len() {
            0 => Ok(Self(None)),
            n if n > Self::MOST => Err(InvalidId::new(
                "a set of principal tags",
                format!("has {n} tags, at most 50 are allowed"),
            )),
            _ => Ok(Self(Some(Arc::new(sorted)))),
        }
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The tags in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|tags| tags.iter().map(|(k, v)| (&**k, &**v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_id_is_a_region_and_a_guid() {
        let pool = IdentityPoolId::parse("us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7").unwrap();
        assert_eq!(pool.region(), "us-east-1");
        let too_long = format!("us-east-1:{}", "a".repeat(46));
        for bad in ["", "us-east-1", ":abc", "us-east-1:", "us east:abc", "us-east-1:ABC", "a:b:c", &too_long]
        {
            assert!(IdentityPoolId::parse(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_role_is_named_by_its_arn() {
        for good in ["arn:aws:iam::123456789012:role/app", "arn:aws-cn:iam::123456789012:role/mobile/App_1"] {
            assert!(RoleArn::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "app", "arn:aws:iam::123456789012:role/", "arn:aws:iam::12345:role/app"] {
            assert!(RoleArn::parse(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_user_id_is_counted_in_utf_16_units_as_cognito_counts() {
        assert!(DeveloperUserId::parse(&"é".repeat(1024)).is_ok());
        assert!(DeveloperUserId::parse(&"😀".repeat(512)).is_ok());
        assert!(DeveloperUserId::parse(&"😀".repeat(513)).is_err());
    }

    #[test]
    fn a_user_id_with_a_control_character_is_refused() {
        for bad in ["", "a\nb", "\0", "a\u{7f}", "a\u{85}b"] {
            assert!(DeveloperUserId::parse(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn the_order_in_which_tags_come_does_not_matter() {
        let one = PrincipalTags::parse([("team", "red"), ("role", "admin")]).unwrap();
        let other = PrincipalTags::parse([("role", "admin"), ("team", "red")]).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.iter().collect::<Vec<_>>(), [("role", "admin"), ("team", "red")]);
    }

    #[test]
    fn tags_beyond_the_limits_are_refused() {
        let tags = |n: usize| PrincipalTags::parse((0..n).map(|i| (format!("k{i}"), "v")));
        assert!(tags(50).is_ok());
        assert!(tags(51).is_err());
        assert!(PrincipalTags::parse([("k", "")]).is_err());
        assert!(PrincipalTags::parse([("k".repeat(129), "v")]).is_err());
        assert!(PrincipalTags::parse([("k", "v".repeat(257))]).is_err());
        assert!(PrincipalTags::parse([("k", "v"), ("k", "w")]).is_err());
    }

    #[test]
    fn an_error_never_repeats_the_value() {
        let error = DeveloperUserId::parse("alice@example.com\n").unwrap_err();
        assert!(!error.to_string().contains("alice"), "{error}");
    }
}
