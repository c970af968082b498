//! The layers of the configuration, merged into one tree in which every value still knows where it came from.
//!
//! `[pools.NAME]` and `[auth.NAME]` of the defaults are templates: what they say holds for every pool, or way
//! of authenticating, that does not say otherwise.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Environment;
use super::error::InvalidValue;

/// What the environment's keys begin with; `__` stands for each dot.
pub(super) const PREFIX: &str = "TOKENVEND__";

/// The name under which the defaults keep what holds for all of a kind.
const TEMPLATE: &str = "NAME";

/// A value, as it was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Text; from the environment, everything is text.
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Value>),
    /// Something that no key takes: a float, a date, a table within a list.
    Other(&'static str),
}

/// A value and where it came from.
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

/// All layers, merged.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) root: Table,
    templates: Table,
}

impl Layers {
    /// Lays a TOML document over what is there. Whatever of it cannot be parsed is a fault; the rest counts.
    pub(super) fn add_document(&mut self, name: &str, text: &str, faults: &mut Vec<InvalidValue>) {
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // Not the error's own text: it repeats the line, and the line may hold a secret.
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            faults.push(InvalidValue {
                path: "the document".to_owned(),
                origin: format!("{name}, line {line}"),
                found: format!("what is no TOML: {}", error.message()),
                allowed: "TOML".to_owned(),
            });
        }
        let mut table = Table::new();
        for (key, value) in document.get_ref() {
            table.insert(key.get_ref().to_string(), node(name, text, value));
        }
        lay_over(&mut self.root, table);
    }

    /// Sets the templates of the defaults aside.
    pub(super) fn take_templates(&mut self) {
        for (kind, node) in &mut self.root {
            if let Node::Table(table) = node
                && let Some(template) = table.remove(TEMPLATE)
            {
                self.templates.insert(kind.clone(), template);
            }
        }
    }

    /// Lays every `TOKENVEND__A__B` over `a.b`.
    pub(super) fn add_environment(&mut self, environment: &Environment, faults: &mut Vec<InvalidValue>) {
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
                faults.push(InvalidValue { path: path.clone(), origin, found, allowed });
                continue;
            }
            let tree = segments
                .iter()
                .rev()
                .fold(leaf, |inner, segment| Node::Table(Table::from([((*segment).to_owned(), inner)])));
            if let Node::Table(table) = tree {
                lay_over(&mut self.root, table);
            }
        }
    }

    /// Lays every table of a kind that has a template over that template.
    pub(super) fn apply_templates(&mut self) {
        for (kind, template) in &self.templates {
            let (Some(Node::Table(named)), Node::Table(template)) = (self.root.get_mut(kind), template)
            else {
                continue;
            };
            for node in named.values_mut() {
                if let Node::Table(own) = node {
                    let own = std::mem::replace(own, template.clone());
                    lay_over_node(node, Node::Table(own));
                }
            }
        }
    }
}

fn lay_over(below: &mut Table, above: Table) {
    for (key, node) in above {
        match below.get_mut(&key) {
            Some(old) => lay_over_node(old, node),
            None => {
                below.insert(key, node);
            }
        }
    }
}

fn lay_over_node(below: &mut Node, above: Node) {
    match (below, above) {
        (Node::Table(below), Node::Table(above)) => lay_over(below, above),
        (below, above) => *below = above,
    }
}

fn node(document: &str, text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    if let DeValue::Table(table) = value.get_ref() {
        let inner = table.iter().map(|(key, value)| (key.get_ref().to_string(), node(document, text, value)));
        return Node::Table(inner.collect());
    }
    Node::Leaf(Leaf {
        value: plain(value.get_ref()),
        origin: format!("{document}, line {}", line_of(text, value.span().start)),
        from_environment: false,
    })
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Value::Other("an integer beyond 64 bits"), Value::Integer),
        DeValue::Array(items) => Value::List(items.iter().map(|item| plain(item.get_ref())).collect()),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Table(_) => Value::Other("a table"),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
