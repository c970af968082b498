//! Principal tags of a token.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{InvalidId, check_length};

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
}
