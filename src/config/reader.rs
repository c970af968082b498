//! Reads the merged layers key by key. A key that is missing or wrong becomes a fault and reads as `None`, and
//! reading goes on; a key that nobody asked for is a fault too, at the end.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Environment;
use super::error::InvalidValue;
use super::layers::{Layers, Leaf, Node, Table, Value};
use super::path::{join, segments};
use crate::secret::Secret;

/// Everything read so far, and everything wrong with it.
#[derive(Debug)]
pub(super) struct Reader<'e> {
    root: Table,
    environment: &'e Environment,
    asked: BTreeSet<String>,
    faults: Vec<InvalidValue>,
    warnings: Vec<String>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(layers: Layers, environment: &'e Environment, faults: Vec<InvalidValue>) -> Self {
        Self { root: layers.root, environment, asked: BTreeSet::new(), faults, warnings: Vec::new() }
    }

    /// The keys under a dotted path.
    pub(super) fn section(&mut self, path: impl Into<String>) -> Section<'_, 'e> {
        Section { path: path.into(), reader: self }
    }

    /// The names of what stands under a dotted path, in order.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        match self.node(path) {
            Some(Node::Table(table)) => table.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        self.warnings.push(sentence.into());
    }

    /// A fault that no single value shows: a missing section, or two values at odds.
    pub(super) fn fault(&mut self, path: &str, found: impl Into<String>, allowed: impl Into<String>) {
        let origin = self.find(path).map_or_else(|| "not set".to_owned(), |leaf| leaf.origin);
        self.faults.push(InvalidValue {
            path: path.to_owned(),
            origin,
            found: found.into(),
            allowed: allowed.into(),
        });
    }

    /// All faults, keys that nobody asked for among them, and all warnings.
    pub(super) fn finish(mut self) -> (Vec<InvalidValue>, Vec<String>) {
        let mut unknown = Vec::new();
        collect_unknown(&self.root, "", &self.asked, &mut unknown);
        self.faults.extend(unknown);
        (self.faults, self.warnings)
    }

    fn node(&self, path: &str) -> Option<&Node> {
        let mut segments = segments(path).into_iter();
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
    pub(super) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The section under a key of this one.
    pub(super) fn inner(&mut self, key: &str) -> Section<'_, 'e> {
        Section { path: self.path_of(key), reader: self.reader }
    }

    /// The names of what stands under a key of this section, in order.
    pub(super) fn names(&self, key: &str) -> Vec<String> {
        self.reader.names(&self.path_of(key))
    }

    /// Whether the key stands anywhere.
    pub(super) fn has(&self, key: &str) -> bool {
        self.reader.find(&self.path_of(key)).is_some()
    }

    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        self.reader.warn(sentence);
    }

    pub(super) fn fault(&mut self, key: &str, found: impl Into<String>, allowed: impl Into<String>) {
        let path = self.path_of(key);
        self.reader.fault(&path, found, allowed);
    }

    fn ask(&mut self, key: &str) -> Option<Leaf> {
        let path = self.path_of(key);
        let leaf = self.reader.find(&path);
        self.reader.asked.insert(path);
        leaf
    }

    /// Reads a key by `take`; what `take` cannot use, and a key that is not there, are faults.
    fn required<T>(
        &mut self,
        key: &str,
        allowed: &str,
        take: impl FnOnce(&Leaf) -> Result<T, Option<String>>,
    ) -> Option<T> {
        let Some(leaf) = self.ask(key) else {
            self.fault(key, "nothing", allowed);
            return None;
        };
        match take(&leaf) {
            Ok(taken) => Some(taken),
            Err(why) => {
                let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
                self.fault(key, format!("{}{why}", shown(&leaf.value)), allowed);
                None
            }
        }
    }

    /// Text that `parse` takes. `allowed` says what that is.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.required(key, allowed, |leaf| match &leaf.value {
            Value::Text(text) => parse(text).map_err(|why| Some(why.to_string())),
            _ => Err(None),
        })
    }

    /// As [`Section::parsed`], for a key that may be absent.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.ask(key)?;
        self.parsed(key, allowed, parse)
    }

    /// Text that is not empty.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.parsed(key, "text that is not empty", |text| match text.trim() {
            "" => Err("it is empty"),
            text => Ok(text.to_owned()),
        })
    }

    /// `IP:PORT`.
    pub(super) fn address(&mut self, key: &str) -> Option<SocketAddr> {
        self.parsed(
            key,
            "an IP address and a port, as in 127.0.0.1:8080 or [::]:8080",
            str::parse::<SocketAddr>,
        )
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let allowed = format!("one of {}", words.join(", "));
        self.parsed(key, &allowed, |text| {
            choices
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, choice)| *choice)
                .ok_or("it is none of them")
        })
    }

    /// A whole number within a range.
    pub(super) fn integer<T>(&mut self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.required(key, &allowed, |leaf| {
            let found = match &leaf.value {
                Value::Integer(integer) => Some(*integer),
                Value::Text(text) if leaf.from_environment => text.parse().ok(),
                _ => None,
            };
            found.and_then(|found| T::try_from(found).ok()).filter(|found| range.contains(found)).ok_or(None)
        })
    }

    /// true or false.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.required(key, "true or false", |leaf| match &leaf.value {
            Value::Flag(flag) => Ok(*flag),
            Value::Text(text) if leaf.from_environment => text.parse().map_err(|_| None),
            _ => Err(None),
        })
    }

    /// A duration: text with a unit (`"90s"`, `"15m"`, `"250ms"`), or whole seconds.
    pub(super) fn duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let allowed = format!(
            "a duration from {} to {}, as in \"90s\" or \"15m\"",
            humantime::format_duration(*range.start()),
            humantime::format_duration(*range.end()),
        );
        self.required(key, &allowed, |leaf| {
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

    /// Pieces of text. In the environment: separated by commas, or written as TOML writes a list.
    pub(super) fn list(&mut self, key: &str, allowed: &str) -> Option<Vec<String>> {
        self.required(key, allowed, |leaf| match &leaf.value {
            Value::List(items) => texts(items).ok_or(None),
            Value::Text(text) if leaf.from_environment => split(text).ok_or(None),
            _ => Err(None),
        })
    }

    /// As [`Section::list`], for a key that may be absent: then it is empty.
    pub(super) fn optional_list(&mut self, key: &str, allowed: &str) -> Option<Vec<String>> {
        if self.ask(key).is_none() {
            return Some(Vec::new());
        }
        let list = self.list(key, allowed)?;
        if list.is_empty() || list.iter().any(String::is_empty) {
            self.fault(key, format!("{list:?}"), allowed);
            return None;
        }
        Some(list)
    }

    /// A secret: `"value"`, `{ env = "VARIABLE" }` or `{ file = "PATH" }`; `None` where it is not set. White
    /// space around what a file holds does not belong to it.
    pub(super) fn secret(&mut self, key: &str) -> Option<Secret> {
        const ALLOWED: &str = "a text, { env = \"VARIABLE\" } or { file = \"PATH\" }, not empty";
        let leaf = self.ask(key)?;
        let found = match &leaf.value {
            Value::Text(text) => Ok(text.clone()),
            _ => self.secret_from_elsewhere(key),
        };
        match found {
            Ok(text) if text.trim().is_empty() => {
                self.fault(key, "nothing but white space", ALLOWED);
                None
            }
            Ok(text) => Some(Secret::new(text.trim())),
            Err(found) => {
                self.fault(key, found, ALLOWED);
                None
            }
        }
    }

    fn secret_from_elsewhere(&mut self, key: &str) -> Result<String, String> {
        let text_at = |section: &mut Self, inner: &str| match section.inner(key).ask(inner)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        match (text_at(self, "env"), text_at(self, "file")) {
            (Some(name), None) => {
                let value = self.reader.environment.get(&name).map(str::to_owned);
                // Shown only if it can be a variable's name, and not a secret that was put there by mistake.
                let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                let shown = if is_name { name } else { "named there".to_owned() };
                value.ok_or_else(|| format!("the environment variable {shown}, which is not set"))
            }
            (None, Some(path)) => {
                std::fs::read_to_string(&path).map_err(|error| format!("the file {path}: {error}"))
            }
            (Some(_), Some(_)) => Err("both env and file".to_owned()),
            (None, None) => Err("neither a text nor env nor file".to_owned()),
        }
    }
}

fn texts(items: &[Value]) -> Option<Vec<String>> {
    let text = |item: &Value| match item {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().map(text).collect()
}

fn split(text: &str) -> Option<Vec<String>> {
    if text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    Some(text.split(',').map(str::trim).filter(|piece| !piece.is_empty()).map(str::to_owned).collect())
}

fn shown(value: &Value) -> String {
    match value {
        // A URL may have a password in it.
        Value::Text(text) if text.contains("://") && text.contains('@') => {
            "a URL with a user in it".to_owned()
        }
        Value::Text(text) => format!("{text:?}"),
        Value::Integer(integer) => integer.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Other(kind) => (*kind).to_owned(),
    }
}

fn first_origin(table: &Table) -> Option<String> {
    table.values().find_map(|node| match node {
        Node::Leaf(leaf) => Some(leaf.origin.clone()),
        Node::Table(inner) => first_origin(inner),
    })
}

fn collect_unknown(table: &Table, prefix: &str, asked: &BTreeSet<String>, faults: &mut Vec<InvalidValue>) {
    for (key, node) in table {
        let path = join(prefix, key);
        match node {
            Node::Table(inner) => collect_unknown(inner, &path, asked, faults),
            // A default for ways of another kind.
            Node::Leaf(leaf) if leaf.origin.starts_with(super::DEFAULTS) => {}
            Node::Leaf(leaf) if !asked.contains(&path) => {
                let allowed = nearest(&path, asked).map_or_else(
                    || "a key of the manual (tokenvend print-default-config)".to_owned(),
                    |near| format!("a key of the manual (tokenvend print-default-config); near: {near}"),
                );
                let origin = leaf.origin.clone();
                faults.push(InvalidValue {
                    path,
                    origin,
                    found: "a key that does not exist".to_owned(),
                    allowed,
                });
            }
            Node::Leaf(_) => {}
        }
    }
}

/// A key of the same section that begins alike: most unknown keys are misspelt ones.
fn nearest<'a>(path: &str, asked: &'a BTreeSet<String>) -> Option<&'a str> {
    let shared = |other: &str| other.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
    let section = path.rfind('.').map_or(0, |dot| dot + 1);
    let best = asked.iter().max_by_key(|other| shared(other))?;
    (shared(best) >= section + 2).then_some(best)
}

#[cfg(test)]
impl Reader<'_> {
    /// Every key that was asked for.
    pub(super) fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }
}
