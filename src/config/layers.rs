//! The layers of the configuration, merged into one tree that keeps the origin of every value.
//!
//! `[pools.NAME]` and `[auth.NAME]` of the defaults are templates: their values apply to every pool, or
//! authenticator, that does not set its own.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::error::InvalidValue;
use super::value::Value;

/// The prefix of environment variables that set a key; `__` stands for each dot.
pub(super) const PREFIX: &str = "TOKENVEND__";

/// The table name of a template in the defaults.
const TEMPLATE: &str = "NAME";

/// The table of authenticators.
pub(super) const AUTH: &str = "auth";

/// Keys of `[auth]` itself. No authenticator may have such a name, and the template does not apply to them.
pub(super) const RESERVED_AUTH_NAMES: [&str; 2] = ["cache", "order"];

/// The name of the layer of the defaults.
pub(super) const DEFAULTS: &str = "the defaults";

/// A value and its origin.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) value: Value,
    pub(super) origin: String,
    pub(super) from_environment: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Leaf(Leaf),
    Table(Table),
}

pub(super) type Table = BTreeMap<String, Node>;

#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) root: Table,
    templates: Table,
}

impl Layers {
    /// Merges a TOML document over the lower layers. Text that cannot be parsed is an error; the rest of it counts.
    pub(super) fn add_document(&mut self, name: &str, text: &str, invalid: &mut Vec<InvalidValue>) {
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // Not the error's Display: it repeats the line, and the line may contain a secret.
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            invalid.push(InvalidValue {
                path: "the document".to_owned(),
                origin: format!("{name}, line {line}"),
                found: format!("invalid TOML: {}", error.message()),
                allowed: "TOML".to_owned(),
            });
        }
        let mut table = Table::new();
        for (key, value) in document.get_ref() {
            table.insert(key.get_ref().to_string(), to_node(name, text, value));
        }
        merge(&mut self.root, table);
    }

    /// Removes the templates from the tree and stores them.
    pub(super) fn take_templates(&mut self) {
        for (kind, node) in &mut self.root {
            if let Node::Table(table) = node
                && let Some(template) = table.remove(TEMPLATE)
            {
                self.templates.insert(kind.clone(), template);
            }
        }
    }

    /// Merges every variable `TOKENVEND__A__B` as `a.b`.
    pub(super) fn add_environment(&mut self, environment: &Environment, invalid: &mut Vec<InvalidValue>) {
        for (name, value) in environment.iter() {
            let Some(path) = name.strip_prefix(PREFIX) else { continue };
            let path = path.to_lowercase();
            let segments: Vec<&str> = path.split("__").collect();
            let origin = format!("environment variable {name}");
            let value = Value::Text(value.to_owned());
            let leaf = Node::Leaf(Leaf { value, origin: origin.clone(), from_environment: true });
            if segments.iter().any(|segment| segment.is_empty()) {
                let found = "an empty part between double underscores".to_owned();
                let allowed = format!("{PREFIX}SECTION__KEY");
                invalid.push(InvalidValue { path: path.clone(), origin, found, allowed });
                continue;
            }
            let tree = segments
                .iter()
                .rev()
                .fold(leaf, |inner, segment| Node::Table(Table::from([((*segment).to_owned(), inner)])));
            if let Node::Table(table) = tree {
                merge(&mut self.root, table);
            }
        }
    }

    /// Merges each named table over the template of its kind.
    pub(super) fn apply_templates(&mut self) {
        for (kind, template) in &self.templates {
            let (Some(Node::Table(named)), Node::Table(template)) = (self.root.get_mut(kind), template) else {
                continue;
            };
            for (name, node) in named {
                let is_reserved = kind == AUTH && RESERVED_AUTH_NAMES.contains(&name.as_str());
                if !is_reserved && let Node::Table(own) = node {
                    let own = std::mem::replace(own, template.clone());
                    merge_node(node, Node::Table(own));
                }
            }
        }
    }
}

fn merge(below: &mut Table, above: Table) {
    for (key, node) in above {
        match below.get_mut(&key) {
            Some(old) => merge_node(old, node),
            None => {
                below.insert(key, node);
            }
        }
    }
}

fn merge_node(below: &mut Node, above: Node) {
    match (below, above) {
        (Node::Table(below), Node::Table(above)) => merge(below, above),
        (below, above) => *below = above,
    }
}

fn to_node(document: &str, text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    if let DeValue::Table(table) = value.get_ref() {
        let inner = table.iter().map(|(key, value)| (key.get_ref().to_string(), to_node(document, text, value)));
        return Node::Table(inner.collect());
    }
    Node::Leaf(Leaf {
        value: to_value(value.get_ref()),
        origin: format!("{document}, line {}", line_at(text, value.span().start)),
        from_environment: false,
    })
}

fn to_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Value::Other("an integer beyond 64 bits"), Value::Integer),
        DeValue::Array(items) => Value::List(items.iter().map(|item| to_value(item.get_ref())).collect()),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Table(_) => Value::Other("a table"),
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
