//! Reads the merged layers key by key.
//!
//! A missing or invalid value is recorded and read as a placeholder of its type, and reading continues, so that all
//! errors are reported at once. Placeholders are the start of a range, `false`, the first choice, an empty text and an
//! empty list. Values of types without one are read as `None`; a function that needs such a value reads all its keys
//! before it returns. [`super::load`] discards the settings if an error is recorded. Keys that were never read are errors
//! too.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::time::Duration;

use humantime::format_duration;

use super::environment::Environment;
use super::error::InvalidValue;
use super::key_path::{join, split};
use super::layers::{self, Layers, Leaf, Node, Table};
use super::value::Value;
use crate::secret::Secret;

/// The origin of a key that no file and no variable has.
const NOT_SET: &str = "not set";

/// The merged layers, and what was found wrong with them so far.
#[derive(Debug)]
pub(super) struct Reader<'e> {
    root: Table,
    environment: &'e Environment,
    /// The paths that were read, whether or not they are set.
    known: BTreeSet<String>,
    /// Paths of tables whose unknown keys are no errors.
    ignored: BTreeSet<String>,
    invalid: Vec<InvalidValue>,
    warnings: Vec<String>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(layers: Layers, environment: &'e Environment, invalid: Vec<InvalidValue>) -> Self {
        Self { root: layers.root, environment, known: [].into(), ignored: [].into(), invalid, warnings: Vec::new() }
    }

    /// The keys under a dotted path.
    pub(super) fn section(&mut self, path: impl Into<String>) -> Section<'_, 'e> {
        Section { path: path.into(), reader: self }
    }

    /// The names of the keys and tables under a dotted path, in order.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        match self.node(path) {
            Some(Node::Table(table)) => table.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        self.warnings.push(sentence.into());
    }

    /// Records an invalid value: for errors that no single value shows, such as two values that contradict each other.
    pub(super) fn reject(&mut self, path: &str, found: impl Into<String>, allowed: impl Into<String>) {
        let origin = self.find(path).map_or_else(|| NOT_SET.to_owned(), |leaf| leaf.origin);
        self.invalid.push(InvalidValue { path: path.to_owned(), origin, found: found.into(), allowed: allowed.into() });
    }

    /// Whether no error is recorded for the key or a key below it. The values of invalid keys are placeholders: a check
    /// of several values must not report them.
    pub(super) fn is_valid(&self, path: &str) -> bool {
        let is_within =
            |other: &str| other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        !self.invalid.iter().any(|invalid| is_within(&invalid.path))
    }

    /// Suppresses the errors about unknown keys of a table, because another error covers them.
    pub(super) fn ignore_unknown_keys(&mut self, path: &str) {
        self.ignored.insert(path.to_owned());
    }

    /// All invalid values, unknown keys included, and all warnings.
    pub(super) fn finish(mut self) -> (Vec<InvalidValue>, Vec<String>) {
        let mut unknown = Vec::new();
        self.collect_unknown(&self.root, "", &mut unknown);
        self.invalid.append(&mut unknown);
        (self.invalid, self.warnings)
    }

    fn collect_unknown(&self, table: &Table, prefix: &str, unknown: &mut Vec<InvalidValue>) {
        for (key, node) in table {
            let path = join(prefix, key);
            match node {
                Node::Table(inner) if !self.ignored.contains(&path) => self.collect_unknown(inner, &path, unknown),
                // A value of the defaults is one for authenticators of another kind.
                Node::Leaf(leaf) if !self.known.contains(&path) && !leaf.origin.starts_with(layers::DEFAULTS) => {
                    let allowed = match find_similar(&path, &self.known) {
                        Some(similar) => format!("{MANUAL_KEYS}; did you mean {similar}?"),
                        None => MANUAL_KEYS.to_owned(),
                    };
                    let origin = leaf.origin.clone();
                    unknown.push(InvalidValue { path, origin, found: "a key that does not exist".to_owned(), allowed });
                }
                Node::Table(_) | Node::Leaf(_) => {}
            }
        }
    }

    fn node(&self, path: &str) -> Option<&Node> {
        let mut segments = split(path).into_iter();
        let first = self.root.get(segments.next()?)?;
        segments.try_fold(first, |node, segment| match node {
            Node::Table(table) => table.get(segment),
            Node::Leaf(_) => None,
        })
    }

    fn find(&self, path: &str) -> Option<Leaf> {
        self.node(path).map(|node| match node {
            Node::Leaf(leaf) => leaf.clone(),
            Node::Table(inner) => Leaf {
                value: Value::Other("a table"),
                origin: first_origin(inner).unwrap_or(NOT_SET).to_owned(),
                from_environment: false,
            },
        })
    }
}

/// The keys of one section.
#[derive(Debug)]
pub(super) struct Section<'r, 'e> {
    path: String,
    reader: &'r mut Reader<'e>,
}

impl<'e> Section<'_, 'e> {
    /// The dotted path of a key in this section.
    pub(super) fn key_path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The section under a key of this one.
    pub(super) fn subsection(&mut self, key: &str) -> Section<'_, 'e> {
        Section { path: self.key_path(key), reader: self.reader }
    }

    /// The names of the keys and tables under a key of this section, in order.
    pub(super) fn names(&self, key: &str) -> Vec<String> {
        self.reader.names(&self.key_path(key))
    }

    /// Whether the key is set in any layer.
    pub(super) fn has(&self, key: &str) -> bool {
        self.reader.node(&self.key_path(key)).is_some()
    }

    /// Whether no error is recorded for a key of this section.
    pub(super) fn is_valid(&self) -> bool {
        self.reader.is_valid(&self.path)
    }

    /// Whether no error is recorded for the key, or for one below it.
    pub(super) fn is_key_valid(&self, key: &str) -> bool {
        self.reader.is_valid(&self.key_path(key))
    }

    pub(super) fn ignore_unknown_keys(&mut self) {
        self.reader.ignore_unknown_keys(&self.path);
    }

    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        self.reader.warn(sentence);
    }

    pub(super) fn reject(&mut self, key: &str, found: impl Into<String>, allowed: impl Into<String>) {
        let path = self.key_path(key);
        self.reader.reject(&path, found, allowed);
    }

    /// Rejects a value that is invalid in itself. A second error about it, or about a key below it, would not help.
    fn reject_once(&mut self, key: &str, found: impl Into<String>, allowed: impl Into<String>) {
        if self.is_key_valid(key) {
            self.reject(key, found, allowed);
        }
    }

    /// Rejects a duration that is beyond the value of another key, unless one of the two is invalid in itself.
    pub(super) fn reject_duration(&mut self, key: &str, found: Duration, bound: Bound<'_>, allowed: impl Into<String>) {
        if self.is_key_valid(key) && self.reader.is_valid(bound.path) {
            self.reject(key, format_duration(found).to_string(), allowed);
        }
    }

    fn read(&mut self, key: &str) -> Option<Leaf> {
        let path = self.key_path(key);
        let leaf = self.reader.find(&path);
        self.reader.known.insert(path);
        leaf
    }

    /// Reads a key and converts its value. A missing key is an error, and so is a value that cannot be converted. The
    /// error of `convert` is how the message shows the value.
    pub(super) fn convert<T>(
        &mut self,
        key: &str,
        allowed: &str,
        convert: impl FnOnce(&Leaf) -> Result<T, String>,
    ) -> Option<T> {
        let converted = self.read(key).map_or_else(|| Err("nothing".to_owned()), |leaf| convert(&leaf));
        converted.map_err(|found| self.reject_once(key, found, allowed)).ok()
    }

    /// Reads a text and parses it. `allowed` describes the texts that `parse` accepts.
    pub(super) fn parse<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.convert(key, allowed, |leaf| match &leaf.value {
            Value::Text(text) => parse(text).map_err(|why| format!("{} ({why})", leaf.value)),
            other => Err(other.to_string()),
        })
    }

    /// As [`Section::parse`], for a key that may be absent.
    pub(super) fn parse_optional<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.read(key)?;
        self.parse(key, allowed, parse)
    }

    /// Reads a list of texts and parses each.
    pub(super) fn parse_list<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let list = self.convert(key, allowed, |leaf| {
            let texts = texts_of(leaf).ok_or_else(|| leaf.value.to_string())?;
            texts.iter().map(|text| parse(text).map_err(|why| format!("{text:?} ({why})"))).collect()
        });
        list.unwrap_or_default()
    }

    /// As [`Section::parse_list`]. An empty list is an error too.
    pub(super) fn parse_nonempty_list<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let list = self.parse_list(key, allowed, parse);
        if list.is_empty() {
            self.reject_once(key, "an empty list", allowed);
        }
        list
    }

    /// As [`Section::parse_nonempty_list`], for a key that may be absent: then the list is empty.
    pub(super) fn parse_optional_list<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        if self.read(key).is_none() {
            return Vec::new();
        }
        self.parse_nonempty_list(key, allowed, parse)
    }

    /// As [`Section::parse_nonempty_list`]. The message shows `found` instead of the value, which may be a secret that was
    /// set here by mistake.
    pub(super) fn parse_unshown_list<T>(
        &mut self,
        key: &str,
        allowed: &str,
        found: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let list = self.convert(key, allowed, |leaf| {
            let texts = texts_of(leaf).unwrap_or_default();
            let list: Option<Vec<T>> = texts.iter().map(|text| parse(text)).collect();
            list.filter(|list| !list.is_empty()).ok_or_else(|| found.to_owned())
        });
        list.unwrap_or_default()
    }

    /// Reads a secret: `"value"`, `{ env = "VARIABLE" }` or `{ file = "PATH" }`; `None` if it is not set. White
    /// space around it is removed, because files end in a newline.
    pub(super) fn read_secret(&mut self, key: &str) -> Option<Secret> {
        const ALLOWED: &str = "a text, { env = \"VARIABLE\" } or { file = \"PATH\" }, not empty";
        let found = match self.read(key)?.value {
            Value::Text(text) => Ok(text),
            _ => self.read_secret_reference(key),
        };
        let secret = found.and_then(|text| match text.trim() {
            "" => Err("only white space".to_owned()),
            text => Ok(Secret::new(text)),
        });
        secret.map_err(|found| self.reject(key, found, ALLOWED)).ok()
    }

    /// Reads a secret that is too long to be guessed.
    pub(super) fn read_long_secret(&mut self, key: &str) -> Option<Secret> {
        // A shared secret must be as long as the shortest hash: RFC 7518, section 3.2.
        const MIN_BYTES: usize = 32;
        let secret = self.read_secret(key)?;
        let length = secret.expose().len();
        if length < MIN_BYTES {
            self.reject(key, format!("a secret of {length} bytes"), format!("at least {MIN_BYTES} bytes"));
        }
        Some(secret)
    }

    fn read_secret_reference(&mut self, key: &str) -> Result<String, String> {
        let text_at = |section: &mut Self, inner: &str| match section.subsection(key).read(inner)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        match (text_at(self, "env"), text_at(self, "file")) {
            (Some(name), None) => {
                let value = self.reader.environment.get(&name).map(str::to_owned);
                // Shown only if it looks like the name of a variable: it may be a secret that was set here by mistake.
                let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                let shown = if is_name { name } else { "that it names".to_owned() };
                value.ok_or_else(|| format!("the environment variable {shown}, which is not set"))
            }
            (None, Some(path)) => std::fs::read_to_string(&path).map_err(|error| format!("the file {path}: {error}")),
            (Some(_), Some(_)) => Err("both env and file".to_owned()),
            (None, None) => Err("neither a text nor env nor file".to_owned()),
        }
    }
}

/// The items of a list of texts. In the environment they are separated by commas, or a JSON array.
fn texts_of(leaf: &Leaf) -> Option<Vec<String>> {
    match &leaf.value {
        Value::List(items) => Value::texts(items),
        Value::Text(text) if leaf.from_environment => Value::split_list(text),
        _ => None,
    }
}

/// A duration that another one is compared with, and the path of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'p> {
    pub(super) path: &'p str,
    pub(super) duration: Duration,
}

impl fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.path, format_duration(self.duration))
    }
}

/// The first origin of a value in the table that is not a default.
fn first_origin(table: &Table) -> Option<&str> {
    table.values().find_map(|node| match node {
        Node::Leaf(leaf) => Some(&*leaf.origin).filter(|origin| !origin.starts_with(layers::DEFAULTS)),
        Node::Table(inner) => first_origin(inner),
    })
}

const MANUAL_KEYS: &str = "a key that tokenvend print-default-config shows";

/// Finds a key of the same section with the longest common prefix: most unknown keys are misspelt.
fn find_similar<'a>(path: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    let shared = |other: &str| other.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
    let section = path.rfind('.').map_or(0, |dot| dot + 1);
    let best = known.iter().max_by_key(|other| shared(other))?;
    (shared(best) >= section + 2).then_some(best)
}

#[cfg(test)]
impl Reader<'_> {
    pub(super) fn known_keys(&self) -> &BTreeSet<String> {
        &self.known
    }
}
