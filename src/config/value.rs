//! Values of the configuration as they were parsed.

use std::fmt;

/// A value as it was parsed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Every value of an environment variable is a text.
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Value>),
    /// A type that no key has: a float, a date, a table within a list.
    Other(&'static str),
}

impl Value {
    /// The items of a list of texts.
    pub(super) fn texts(items: &[Self]) -> Option<Vec<String>> {
        let text = |item: &Self| match item {
            Self::Text(text) => Some(text.clone()),
            _ => None,
        };
        items.iter().map(text).collect()
    }

    /// The items of a list in an environment variable: a JSON array, or texts separated by commas.
    pub(super) fn split_list(text: &str) -> Option<Vec<String>> {
        if text.starts_with('[') {
            return serde_json::from_str(text).ok();
        }
        Some(text.split(',').map(str::trim).filter(|piece| !piece.is_empty()).map(str::to_owned).collect())
    }
}

/// As error messages show it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Such a URL may contain a password.
            Self::Text(text) if text.contains("://") && text.contains('@') => f.write_str("a URL with a user in it"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(integer) => integer.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Other(kind) => f.write_str(kind),
        }
    }
}
