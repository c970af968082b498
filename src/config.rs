//! Configuration: three layers (the embedded defaults, files, the environment) are merged, then validated section
//! by section into [`Settings`]. All errors are reported at once, each with its dotted path, the origin of the value,
//! what was found and what is allowed.
//!
//! `config/default.toml` is the manual. A test keeps it complete: it fails if the program reads a key that the manual
//! does not have, or the reverse.

mod error;
mod layers;
mod path;
mod reader;
mod renamed_keys;
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

/// Parses the URL of keys that verify signatures: https, or http on loopback, and without a password.
///
/// # Errors
/// Why the URL is not accepted.
pub fn parse_keys_url(text: &str) -> Result<reqwest::Url, String> {
    sections::parse_keys_url(text)
}

/// The default configuration, which is also the manual.
pub const DEFAULT_CONFIG: &str = include_str!("../config/default.toml");

/// The name of the layer of the defaults.
const DEFAULTS: &str = "the defaults";

/// The overrides of `tokenvend dev`.
pub const DEV_CONFIG: &str = include_str!("../config/dev.toml");

/// A copy of the environment variables. Its values are not shown in debug output: they may be secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the environment of the process. A variable that is not UTF-8 cannot be a key and is left out.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn from_process() -> Self {
        Self::from_variables(
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

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

/// A layer between the defaults and the environment. Debug output has only its name: its text may contain secrets.
#[derive(Clone)]
pub struct ConfigSource {
    /// How error messages refer to it.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl fmt::Debug for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigSource({})", self.name)
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

/// Valid settings, with warnings for the operator.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// About values that are allowed but unwise. One sentence each.
    pub warnings: Vec<String>,
}

/// Merges the defaults, the documents (later ones win) and the variables `TOKENVEND__…`, and validates the result.
///
/// # Errors
/// All invalid values.
pub fn load(documents: &[ConfigSource], environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut invalid = Vec::new();
    let mut layers = Layers::default();
    layers.add_document(DEFAULTS, DEFAULT_CONFIG, &mut invalid);
    layers.take_templates();
    for document in documents {
        layers.add_document(&document.name, &document.text, &mut invalid);
    }
    layers.add_environment(environment, &mut invalid);
    layers.apply_templates();
    let mut reader = Reader::new(layers, environment, invalid);
    let settings = sections::read(&mut reader);
    let (invalid, warnings) = reader.finish();
    match settings {
        Some(settings) if invalid.is_empty() => Ok(Loaded { settings, warnings }),
        _ => Err(ConfigError::InvalidValues(invalid)),
    }
}

#[cfg(test)]
mod tests;
