//! The process's environment, as the AWS CLI reads it.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::language::paramfile::{self, PathContext};

/// The environment variables, and the home directory for `~`.
#[derive(Debug)]
pub(super) struct Environment {
    variables: HashMap<String, String>,
    home: PathBuf,
}

impl Environment {
    /// The environment of this process, without variables that are not Unicode.
    #[expect(clippy::disallowed_methods, reason = "the AWS CLI's own variables, read once, at this command's edge")]
    pub(super) fn from_process() -> Self {
        let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let variables = std::env::vars_os().filter_map(readable).collect();
        let home = std::env::home_dir().unwrap_or_default();
        Self { variables, home }
    }

    /// A variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of a variable, or else of a key of the profile.
    pub(super) fn get_or_profile<'a>(
        &'a self,
        name: &str,
        profile: &'a HashMap<String, String>,
        key: &str,
    ) -> Option<&'a str> {
        self.get(name).or_else(|| profile.get(key).map(String::as_str))
    }

    /// Expands `~` and variables in a path.
    pub(super) fn expand_path(&self, path: &str) -> String {
        self.with_path_context(|context| paramfile::expand(path, context))
    }

    /// Calls a function that reads parameters from files.
    pub(super) fn with_path_context<T>(&self, function: impl FnOnce(&PathContext<'_>) -> T) -> T {
        let variable = |name: &str| self.variables.get(name).cloned();
        function(&PathContext { home: &self.home, variable: &variable })
    }
}
