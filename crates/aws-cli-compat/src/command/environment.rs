//! The process's environment as the AWS CLI looks at it.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::language::paramfile::{self, PathContext};

/// The variables of the environment, and what `~` stands for.
#[derive(Debug)]
pub(super) struct Environment {
    variables: HashMap<String, String>,
    home: PathBuf,
}

impl Environment {
    /// What this process was started with. Variables that are no Unicode are left out.
    #[expect(
        clippy::disallowed_methods,
        reason = "the AWS CLI's own variables, read once, at this command's edge"
    )]
    pub(super) fn of_process() -> Self {
        let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let variables = std::env::vars_os().filter_map(readable).collect();
        let home = std::env::home_dir().unwrap_or_default();
        Self { variables, home }
    }

    /// A variable that is set to something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of a variable, or of a key of the profile.
    pub(super) fn or_profile<'a>(
        &'a self,
        name: &str,
        profile: &'a HashMap<String, String>,
        key: &str,
    ) -> Option<&'a str> {
        self.get(name).or_else(|| profile.get(key).map(String::as_str))
    }

    /// A file's name with `~` and variables replaced.
    pub(super) fn path(&self, name: &str) -> String {
        self.with_surroundings(|surroundings| paramfile::expanded(name, surroundings))
    }

    /// For what reads parameters from files.
    pub(super) fn with_surroundings<T>(&self, use_them: impl FnOnce(&PathContext<'_>) -> T) -> T {
        let variable = |name: &str| self.variables.get(name).cloned();
        use_them(&PathContext { home: &self.home, variable: &variable })
    }
}
