//! Configuration: three layers (the embedded defaults, a file, the environment) are merged as they stand, then
//! proved section by section into [`Settings`]. Every fault is reported, not the first one: each with its
//! dotted path, where the value came from, what was found and what is allowed.
//!
//! `config/default.toml` is the manual. A test keeps it complete: a key that the program reads and the manual
//! does not name does not pass.

mod error;
mod layers;
mod path;
mod reader;
mod sections;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use error::{ConfigError, InvalidValue};
use layers::Layers;
use reader::Reader;
pub use settings::{
    AdminSettings, DrainSettings, HttpSettings, JwksSettings, KeySource, LogFormat, LogSettings, Settings,
};

/// Takes the URL of keys that signatures are judged by: https, or http on loopback, and no password in it.
///
/// # Errors
/// What is wrong with it.
pub fn keys_url(text: &str) -> Result<reqwest::Url, String> {
    sections::parse_keys_url(text)
}

/// The default configuration, which is also the manual.
pub const DEFAULT: &str = include_str!("../config/default.toml");

/// What the layer of the defaults is called.
const DEFAULTS: &str = "the defaults";

/// The overlay of `tokenvend dev`.
pub const DEV: &str = include_str!("../config/dev.toml");

/// The environment, as it was when the program started. Not shown: others keep their secrets in it as well.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own environment. A variable that is no UTF-8 cannot be one of ours and is left out.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn of_process() -> Self {
        Self::of(
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    /// An environment of these variables.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

/// A layer between the defaults and the environment. Only its name is shown: its text may hold secrets.
#[derive(Clone)]
pub struct ConfigSource {
    /// What to call it in a fault.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl fmt::Debug for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({})", self.name)
    }
}

impl ConfigSource {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err(ConfigError::Unreadable { path: PathBuf::from(path), error }),
        }
    }
}

/// Settings that hold, and what an operator should nevertheless hear about them.
#[derive(Debug)]
pub struct Loaded {
    /// The proved settings.
    pub settings: Settings,
    /// What is allowed but unwise. Whole sentences, one each.
    pub warnings: Vec<String>,
}

/// Merges the defaults, the documents (later ones win) and the environment's `TOKENVEND__…`, and proves them.
///
/// # Errors
/// All faults there are.
pub fn load(documents: &[ConfigSource], environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut faults = Vec::new();
    let mut layers = Layers::default();
    layers.add_document(DEFAULTS, DEFAULT, &mut faults);
    layers.take_templates();
    for document in documents {
        layers.add_document(&document.name, &document.text, &mut faults);
    }
    layers.add_environment(environment, &mut faults);
    layers.apply_templates();
    let mut reader = Reader::new(layers, environment, faults);
    let settings = sections::read(&mut reader);
    let (faults, warnings) = reader.finish();
    match settings {
        Some(settings) if faults.is_empty() => Ok(Loaded { settings, warnings }),
        _ => Err(ConfigError::Faults(faults)),
    }
}

#[cfg(test)]
mod tests;
