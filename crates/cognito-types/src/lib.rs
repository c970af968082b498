//! Validated identifiers and limits of Amazon Cognito identity pools.
//!
//! Every value is created by `parse`, so it is valid. The limits are those of the service model of Cognito Identity
//! (2014-06-30). Where a type is stricter than Cognito, its documentation says so. No value is a secret, but a developer
//! user id can name a person: it must not become a metric label, and errors describe a value without repeating it.
#![warn(missing_docs)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Why a value is invalid. Never contains the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {reason}")]
pub struct InvalidId {
    what: &'static str,
    reason: String,
}

impl InvalidId {
    fn new(what: &'static str, reason: impl Into<String>) -> Self {
        Self { what, reason: reason.into() }
    }
}

/// Cognito counts the characters of its Java strings, which are UTF-16 units.
fn utf16_length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn check_length(what: &'static str, text: &str, max: usize) -> Result<(), InvalidId> {
    match utf16_length(text) {
        0 => Err(InvalidId::new(what, "is empty")),
        n if n > max => Err(InvalidId::new(what, format!("has {n} characters, at most {max} are allowed"))),
        _ => Ok(()),
    }
}

/// Checks `REGION:GUID`, the format of pool ids and identity ids: 1 to 55 characters of `[\w-]+:[0-9a-f-]+`.
fn check_region_guid(what: &'static str, text: &str) -> Result<(), InvalidId> {
    check_length(what, text, 55)?;
    let (region, guid) =
        text.split_once(':').ok_or_else(|| InvalidId::new(what, "has no colon; it looks like REGION:GUID"))?;
    let region_ok = !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let guid_ok = !guid.is_empty() && guid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    match (region_ok, guid_ok) {
        (false, _) => Err(InvalidId::new(what, "has no AWS region before its colon")),
        (_, false) => Err(InvalidId::new(what, "has no GUID of lower-case hex digits after its colon")),
        _ => Ok(()),
    }
}

/// Defines a newtype over a text, with the given check.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses the text.
            ///
            /// # Errors
            ///
            /// The text violates a limit of the type.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The text, as Cognito expects it.
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
    /// The id of an identity pool, `REGION:GUID`.
    IdentityPoolId,
    |text| check_region_guid("an identity pool id", text)
);

impl IdentityPoolId {
    /// The AWS region of the pool: the part before the colon.
    pub fn region(&self) -> &str {
        self.0.split_once(':').map_or("", |(region, _)| region)
    }
}

text_newtype!(
    /// The id of an identity, `REGION:GUID`.
    IdentityId,
    |text| check_region_guid("an identity id", text)
);

impl IdentityId {
    /// The AWS region of the identity, which is its pool's.
    pub fn region(&self) -> &str {
        self.0.split_once(':').map_or("", |(region, _)| region)
    }
}

text_newtype!(
    /// The developer provider of a pool (`DeveloperProviderName`): 1 to 128 characters of `[\w._-]+`.
    DeveloperProvider,
    check_developer_provider
);

fn check_developer_provider(text: &str) -> Result<(), InvalidId> {
    const WHAT: &str = "a developer provider name";
    check_length(WHAT, text, 128)?;
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        Ok(())
    } else {
        Err(InvalidId::new(WHAT, "may only have letters, digits, '.', '_' and '-'"))
    }
}

text_newtype!(
    /// The login name of a public provider (`accounts.google.com`, a user pool, the ARN of a SAML provider): 1 to 128
    /// characters.
    ///
    /// Stricter than Cognito: no white space and no control characters, which no provider's name contains.
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
    /// The developer user identifier: the app's id for a user, 1 to 1024 characters.
    ///
    /// Stricter than Cognito: no control characters, because the id is written to logs, to the token's `amr` and to audit
    /// events, where a line break could forge an entry.
    DeveloperUserId,
    check_developer_user_id
);

fn check_developer_user_id(text: &str) -> Result<(), InvalidId> {
    const WHAT: &str = "a developer user id";
    check_length(WHAT, text, 1024)?;
    if text.chars().any(char::is_control) {
        return Err(InvalidId::new(WHAT, "may not have control characters"));
    }
    Ok(())
}

text_newtype!(
    /// The ARN of an IAM role (Cognito's `CustomRoleArn`): `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, 20 to 2048
    /// characters. The path is optional.
    ///
    /// Stricter than Cognito: the account has 12 digits, the path is printable ASCII, and the name has 1 to 64 characters
    /// of `[A-Za-z0-9_+=,.@-]`, as IAM requires.
    RoleArn,
    check_role_arn
);

impl RoleArn {
    /// The partition of the account: `aws`, `aws-cn` and so on.
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// The account id, 12 digits.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// The path, which begins and ends with a slash: `/` without one.
    pub fn path(&self) -> &str {
        let path = self.0.split_once(":role").map_or("/", |(_, path)| path);
        path.strip_suffix(self.name()).unwrap_or(path)
    }

    /// The name, without the path.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

fn check_role_arn(text: &str) -> Result<(), InvalidId> {
    const WHAT: &str = "a role's ARN";
    let invalid = |reason: &str| Err(InvalidId::new(WHAT, reason));
    check_length(WHAT, text, 2048)?;
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return invalid(ROLE_ARN_FORMAT);
    };
    let Some(path) = resource.strip_prefix("role/") else {
        return invalid(ROLE_ARN_FORMAT);
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    if !partition.starts_with("aws") {
        invalid("has a partition that does not begin with aws")
    } else if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        invalid("has an account without 12 digits")
    } else if !path.bytes().all(|b| b.is_ascii_graphic()) {
        invalid("has a path with characters other than printable ASCII")
    } else if name.is_empty() || name.len() > 64 || !name.bytes().all(is_in_role_name) {
        invalid("has a role name that is not 1 to 64 letters, digits and _+=,.@-")
    } else {
        Ok(())
    }
}

const ROLE_ARN_FORMAT: &str = "looks like arn:aws:iam::123456789012:role/NAME";

fn is_in_role_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)
}

/// The requested lifetime of a token, in seconds: 1 to 86,400 (Cognito's `TokenDuration`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDuration(u32);

impl TokenDuration {
    /// Cognito's default.
    pub const DEFAULT: Self = Self(900);
    /// Cognito's maximum.
    pub const MAX_SECONDS: u32 = 86_400;

    /// Parses a number of seconds.
    ///
    /// # Errors
    ///
    /// The number is not 1 to [`TokenDuration::MAX_SECONDS`].
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

    /// The duration as a [`Duration`](std::time::Duration).
    pub fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0.into())
    }
}

/// Principal tags, sorted by key: at most 50, keys of 1 to 128 characters, values of 1 to 256.
///
/// Sorted, so that two sets with the same content are equal and have the same hash, whatever their order was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PrincipalTags(Option<Arc<BTreeMap<Box<str>, Box<str>>>>);

impl PrincipalTags {
    /// The most tags that Cognito accepts in one call.
    pub const MAX_TAGS: usize = 50;

    /// No tags. Does not allocate.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Parses tags.
    ///
    /// # Errors
    ///
    /// A limit is violated or a key is a duplicate.
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
                return Err(InvalidId::new("a principal tag's key", "is a duplicate"));
            }
        }
        match sorted.len() {
            0 => Ok(Self(None)),
            n if n > Self::MAX_TAGS => {
                Err(InvalidId::new("a set of principal tags", format!("has {n} tags, at most 50 are allowed")))
            }
            _ => Ok(Self(Some(Arc::new(sorted)))),
        }
    }

    /// Whether there are no tags.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The tags, ordered by key.
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
        for bad in ["", "us-east-1", ":abc", "us-east-1:", "us east:abc", "us-east-1:ABC", "a:b:c", &too_long] {
            assert!(IdentityPoolId::parse(bad).is_err(), "{bad:?} must be rejected");
        }
    }

    #[test]
    fn a_role_is_identified_by_its_arn() {
        for good in ["arn:aws:iam::123456789012:role/app", "arn:aws-cn:iam::123456789012:role/mobile/App_1"] {
            assert!(RoleArn::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "app", "arn:aws:iam::123456789012:role/", "arn:aws:iam::12345:role/app"] {
            assert!(RoleArn::parse(bad).is_err(), "{bad:?} must be rejected");
        }
    }

    #[test]
    fn a_role_arn_has_a_partition_an_account_a_path_and_a_name() {
        let role = RoleArn::parse("arn:aws-cn:iam::123456789012:role/mobile/users/App").unwrap();
        assert_eq!((role.partition(), role.account()), ("aws-cn", "123456789012"));
        assert_eq!((role.path(), role.name()), ("/mobile/users/", "App"));
        assert_eq!(RoleArn::parse("arn:aws:iam::123456789012:role/App").unwrap().path(), "/");
    }

    #[test]
    fn a_text_that_is_not_the_arn_of_a_role_is_rejected() {
        let long_name = format!("arn:aws:iam::123456789012:role/{}", "a".repeat(65));
        let long_path = format!("arn:aws:iam::123456789012:role/{}/App", "a".repeat(2048));
        for bad in [
            "",
            "App",
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:iam::12345678901:role/App",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/A B",
            "arn:aws:iam::123456789012:role/a b/App",
            "arn:aws:iam::123456789012:role/A:B",
            "arn:aws:iam:us-east-1:123456789012:role/App",
            "arn:gcp:iam::123456789012:role/App",
            &long_name,
            &long_path,
        ] {
            assert!(RoleArn::parse(bad).is_err(), "{bad:?} must be rejected");
        }
    }

    #[test]
    fn a_user_id_is_counted_in_utf_16_units_as_cognito_counts() {
        assert!(DeveloperUserId::parse(&"é".repeat(1024)).is_ok());
        assert!(DeveloperUserId::parse(&"😀".repeat(512)).is_ok());
        assert!(DeveloperUserId::parse(&"😀".repeat(513)).is_err());
    }

    #[test]
    fn a_user_id_with_a_control_character_is_rejected() {
        for bad in ["", "a\nb", "\0", "a\u{7f}", "a\u{85}b"] {
            assert!(DeveloperUserId::parse(bad).is_err(), "{bad:?} must be rejected");
        }
    }

    #[test]
    fn tags_are_equal_in_any_order() {
        let one = PrincipalTags::parse([("team", "red"), ("role", "admin")]).unwrap();
        let other = PrincipalTags::parse([("role", "admin"), ("team", "red")]).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.iter().collect::<Vec<_>>(), [("role", "admin"), ("team", "red")]);
    }

    #[test]
    fn tags_that_violate_a_limit_are_rejected() {
        let tags = |n: usize| PrincipalTags::parse((0..n).map(|i| (format!("k{i}"), "v")));
        assert!(tags(50).is_ok());
        assert!(tags(51).is_err());
        assert!(PrincipalTags::parse([("k", "")]).is_err());
        assert!(PrincipalTags::parse([("k".repeat(129), "v")]).is_err());
        assert!(PrincipalTags::parse([("k", "v".repeat(257))]).is_err());
        assert!(PrincipalTags::parse([("k", "v"), ("k", "w")]).is_err());
    }

    #[test]
    fn an_error_does_not_contain_the_value() {
        let error = DeveloperUserId::parse("alice@example.com\n").unwrap_err();
        assert!(!error.to_string().contains("alice"), "{error}");
    }
}
