//! Configuration: three layers (the embedded defaults, files, the environment) are merged, then validated section
//! by section into [`Settings`]. All errors are reported at once, each with its dotted path, the origin of the value,
//! what was found and what is allowed.
//!
//! `config/default.toml` is the manual. A test keeps it complete: it fails if the program reads a key that the manual
//! does not have, or the reverse.

mod environment;
mod error;
mod key_path;
mod layers;
mod reader;
mod scalars;
mod sections;
mod settings;
mod size;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

pub use environment::Environment;
pub use error::{ConfigError, InvalidValue};
use layers::Layers;
use reader::Reader;
pub use settings::{AdminSettings, DrainSettings, HttpSettings, LogFormat, LogSettings, Settings};

/// The default configuration, which is also the manual.
pub const DEFAULT_CONFIG: &str = include_str!("../config/default.toml");

/// The overrides of `tokenvend dev`.
pub const DEV_CONFIG: &str = include_str!("../config/dev.toml");

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
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: PathBuf::from(path), error })?;
        Ok(Self { name: path.display().to_string(), text })
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
    let mut reader = merge(documents, environment);
    let settings = sections::read(&mut reader);
    let (invalid, warnings) = reader.finish();
    match settings {
        Some(settings) if invalid.is_empty() => Ok(Loaded { settings, warnings }),
        _ => Err(ConfigError::InvalidValues(invalid)),
    }
}

fn merge<'e>(documents: &[ConfigSource], environment: &'e Environment) -> Reader<'e> {
    let mut invalid = Vec::new();
    let mut layers = Layers::default();
    layers.add_document(layers::DEFAULTS, DEFAULT_CONFIG, &mut invalid);
    layers.take_templates();
    for document in documents {
        layers.add_document(&document.name, &document.text, &mut invalid);
    }
    layers.add_environment(environment, &mut invalid);
    layers.apply_templates();
    Reader::new(layers, environment, invalid)
}

#[cfg(test)]
mod tests;
