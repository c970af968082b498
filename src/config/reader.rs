//! Reads the merged layers key by key. A missing or invalid value is recorded and read as `None`, and reading
//! continues, so that all errors are reported at once. Keys that were never read are errors too.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::environment::Environment;
use super::error::InvalidValue;
use super::layers::{self, Layers, Leaf, Node, Table};
use super::path::{join, split as split_path};
use super::size::{NO_UNIT, format_size, parse_size};
use super::value::Value;
use crate::secret::Secret;

/// The merged layers, and what was found wrong with them so far.
#[derive(Debug)]
pub(super) struct Reader<'e> {
    root: Table,
    environment: &'e Environment,
    /// The paths that were read, whether or not they are set.
    known: BTreeSet<String>,
    invalid: Vec<InvalidValue>,
    warnings: Vec<String>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(layers: Layers, environment: &'e Environment, invalid: Vec<InvalidValue>) -> Self {
        Self { root: layers.root, environment, known: BTreeSet::new(), invalid, warnings: Vec::new() }
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
        let origin = self.find(path).map_or_else(|| "not set".to_owned(), |leaf| leaf.origin);
        self.invalid.push(InvalidValue { path: path.to_owned(), origin, found: found.into(), allowed: allowed.into() });
    }

    /// Suppresses the errors about unknown keys under a path, because another error covers them.
    pub(super) fn ignore(&mut self, path: &str) {
        let mut ignored = BTreeSet::new();
        match self.node(path) {
            Some(Node::Table(table)) => collect_leaves(table, path, &mut ignored),
            Some(Node::Leaf(_)) => drop(ignored.insert(path.to_owned())),
            None => {}
        }
        self.known.append(&mut ignored);
    }

    /// All invalid values, unknown keys included, and all warnings.
    pub(super) fn finish(mut self) -> (Vec<InvalidValue>, Vec<String>) {
        let mut unknown = Vec::new();
        collect_unknown(&self.root, "", &self.known, &mut unknown);
        self.invalid.extend(unknown);
        (self.invalid, self.warnings)
    }

    fn node(&self, path: &str) -> Option<&Node> {
        let mut segments = split_path(path).into_iter();
        let first = self.root.get(segments.next()?)?;
        segments.try_fold(first, |node, segment| match node {
            Node::Table(table) => table.get(segment),
            Node::Leaf(_) => None,
        })
    }

    fn find(&self, path: &str) -> Option<Leaf> {
        match self.node(path) {
            Some(Node::Leaf(leaf)) => Some(leaf.clone()),
            Some(Node::Table(inner)) => Some(Leaf {
                value: Value::Other("a table"),
                origin: first_origin(inner).unwrap_or_default(),
                from_environment: false,
            }),
            None => None,
        }
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
        self.reader.find(&self.key_path(key)).is_some()
    }

    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        self.reader.warn(sentence);
    }

    pub(super) fn reject(&mut self, key: &str, found: impl Into<String>, allowed: impl Into<String>) {
        let path = self.key_path(key);
        self.reader.reject(&path, found, allowed);
    }

    fn read(&mut self, key: &str) -> Option<Leaf> {
        let path = self.key_path(key);
        let leaf = self.reader.find(&path);
        self.reader.known.insert(path);
        leaf
    }

    /// Reads a key and converts its value. A missing key is an error, and so is a value that cannot be converted.
    fn read_required<T>(
        &mut self,
        key: &str,
        allowed: &str,
        convert: impl FnOnce(&Leaf) -> Result<T, Option<String>>,
    ) -> Option<T> {
        let Some(leaf) = self.read(key) else {
            self.reject(key, "nothing", allowed);
            return None;
        };
        match convert(&leaf) {
            Ok(converted) => Some(converted),
            Err(why) => {
                let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
                self.reject(key, format!("{}{why}", leaf.value), allowed);
                None
            }
        }
    }

    /// Reads a text and parses it. `allowed` describes the texts that `parse` accepts.
    pub(super) fn parse<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.read_required(key, allowed, |leaf| match &leaf.value {
            Value::Text(text) => parse(text).map_err(|why| Some(why.to_string())),
            _ => Err(None),
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

    pub(super) fn read_text(&mut self, key: &str) -> Option<String> {
        self.parse(key, "text that is not empty", |text| match text.trim() {
            "" => Err("it is empty"),
            text => Ok(text.to_owned()),
        })
    }

    pub(super) fn read_address(&mut self, key: &str) -> Option<SocketAddr> {
        self.parse(key, "an IP address and a port, as in 127.0.0.1:8080 or [::]:8080", str::parse::<SocketAddr>)
    }

    pub(super) fn read_choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let allowed = format!("one of {}", words.join(", "));
        self.parse(key, &allowed, |text| {
            choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or("it is none of them")
        })
    }

    pub(super) fn read_integer<T>(&mut self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.read_required(key, &allowed, |leaf| {
            let found = match &leaf.value {
                Value::Integer(integer) => Some(*integer),
                Value::Text(text) if leaf.from_environment => text.parse().ok(),
                _ => None,
            };
            found.and_then(|found| T::try_from(found).ok()).filter(|found| range.contains(found)).ok_or(None)
        })
    }

    pub(super) fn read_flag(&mut self, key: &str) -> Option<bool> {
        self.read_required(key, "true or false", |leaf| match &leaf.value {
            Value::Flag(flag) => Ok(*flag),
            Value::Text(text) if leaf.from_environment => text.parse().map_err(|_| None),
            _ => Err(None),
        })
    }

    /// Reads a size in bytes: a text with the unit KiB, MiB or GiB (`"256MiB"`).
    pub(super) fn read_size(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let allowed = format!(
            "a size from {} to {}: a whole number with the unit KiB, MiB or GiB, as in \"256MiB\"",
            format_size(*range.start()),
            format_size(*range.end()),
        );
        self.read_required(key, &allowed, |leaf| {
            let bytes = match &leaf.value {
                Value::Text(text) => parse_size(text).map_err(|why| Some(why.to_owned()))?,
                Value::Integer(_) => return Err(Some(NO_UNIT.to_owned())),
                _ => return Err(None),
            };
            if range.contains(&bytes) { Ok(bytes) } else { Err(None) }
        })
    }

    /// Reads a duration: a text with a unit (`"90s"`, `"15m"`, `"250ms"`), or whole seconds.
    pub(super) fn read_duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let allowed = format!(
            "a duration from {} to {}, as in \"90s\" or \"15m\"",
            humantime::format_duration(*range.start()),
            humantime::format_duration(*range.end()),
        );
        self.read_required(key, &allowed, |leaf| {
            let found = match &leaf.value {
                Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
                Value::Text(text) => {
                    let seconds = text.parse().ok().map(Duration::from_secs);
                    seconds.or_else(|| humantime::parse_duration(text).ok())
                }
                _ => None,
            };
            found.filter(|found| range.contains(found)).ok_or(None)
        })
    }

    /// Reads a list of texts. In the environment they are separated by commas, or in the form of a TOML list.
    pub(super) fn read_list(&mut self, key: &str, allowed: &str) -> Option<Vec<String>> {
        self.read_required(key, allowed, |leaf| match &leaf.value {
            Value::List(items) => Value::texts(items).ok_or(None),
            Value::Text(text) if leaf.from_environment => Value::split_list(text).ok_or(None),
            _ => Err(None),
        })
    }

    /// As [`Section::read_list`], for a key that may be absent: then the list is empty.
    pub(super) fn read_optional_list(&mut self, key: &str, allowed: &str) -> Option<Vec<String>> {
        if self.read(key).is_none() {
            return Some(Vec::new());
        }
        let list = self.read_list(key, allowed)?;
        if list.is_empty() || list.iter().any(String::is_empty) {
            self.reject(key, format!("{list:?}"), allowed);
            return None;
        }
        Some(list)
    }

    /// Reads a secret: `"value"`, `{ env = "VARIABLE" }` or `{ file = "PATH" }`; `None` if it is not set. White
    /// space around it is removed, because files end in a newline.
    pub(super) fn read_secret(&mut self, key: &str) -> Option<Secret> {
        const ALLOWED: &str = "a text, { env = \"VARIABLE\" } or { file = \"PATH\" }, not empty";
        let leaf = self.read(key)?;
        let found = match &leaf.value {
            Value::Text(text) => Ok(text.clone()),
            _ => self.read_secret_reference(key),
        };
        match found {
            Ok(text) if text.trim().is_empty() => {
                self.reject(key, "only white space", ALLOWED);
                None
            }
            Ok(text) => Some(Secret::new(text.trim())),
            Err(found) => {
                self.reject(key, found, ALLOWED);
                None
            }
        }
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

fn first_origin(table: &Table) -> Option<String> {
    table.values().find_map(|node| match node {
        Node::Leaf(leaf) => Some(leaf.origin.clone()),
        Node::Table(inner) => first_origin(inner),
    })
}

fn collect_leaves(table: &Table, prefix: &str, leaves: &mut BTreeSet<String>) {
    for (key, node) in table {
        let path = join(prefix, key);
        match node {
            Node::Table(inner) => collect_leaves(inner, &path, leaves),
            Node::Leaf(_) => drop(leaves.insert(path)),
        }
    }
}

fn collect_unknown(table: &Table, prefix: &str, known: &BTreeSet<String>, invalid: &mut Vec<InvalidValue>) {
    for (key, node) in table {
        let path = join(prefix, key);
        match node {
            Node::Table(inner) => collect_unknown(inner, &path, known, invalid),
            // A default for authenticators of another kind.
            Node::Leaf(leaf) if leaf.origin.starts_with(layers::DEFAULTS) => {}
            Node::Leaf(leaf) if !known.contains(&path) => {
                let allowed = match find_similar(&path, known) {
                    Some(similar) => format!("{MANUAL_KEYS}; did you mean {similar}?"),
                    None => MANUAL_KEYS.to_owned(),
                };
                let origin = leaf.origin.clone();
                invalid.push(InvalidValue { path, origin, found: "a key that does not exist".to_owned(), allowed });
            }
            Node::Leaf(_) => {}
        }
    }
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
