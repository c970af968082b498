//! The option `--config`, which several commands have.

use std::path::PathBuf;

use crate::config::{self, ConfigError, ConfigSource, Environment, Loaded};

/// The configuration file.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigFile {
    /// A TOML file that overrides the defaults. Environment variables (TOKENVEND__SECTION__KEY) override both.
    #[arg(long = "config", value_name = "FILE", env = "TOKENVEND_CONFIG")]
    path: Option<PathBuf>,
}

impl ConfigFile {
    pub(super) fn load(&self) -> Result<Loaded, ConfigError> {
        let documents = self.path.iter().map(|path| ConfigSource::read(path)).collect::<Result<Vec<_>, _>>()?;
        config::load(&documents, &Environment::from_process())
    }
}
