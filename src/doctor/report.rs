//! Report of the checks: one line each for people, one object each for programs.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckId {
    Configuration,
    /// This machine's clock against Cognito's.
    Clock,
    /// AWS credentials and their source.
    Credentials,
    /// The service's principal as STS reports it.
    Identity,
    /// The permission to mint.
    Permission,
    /// Whether the pool exists.
    Pool,
    /// The pool's developer provider.
    Provider,
    /// Guests and classic flow of the pool.
    Flows,
    /// The roles of the pool.
    Roles,
    /// Trust policy of the role of the pool's users.
    RoleTrust,
    /// Trust policy of the role of the pool's guests.
    GuestRoleTrust,
    /// Trust policy of the role that the configuration names.
    CustomRoleTrust,
    /// The keys that verify callers' tokens.
    SigningKeys,
    /// The keys that verify Cognito's tokens.
    CognitoKeys,
    /// The call rate limit.
    CallRate,
    /// A real token, minted on request.
    MintTest,
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The same names as in JSON.
        self.serialize(f)
    }
}

/// Ordered by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// It could not be checked, and need not be.
    Skip,
    /// It works, but the operator should look at it.
    Warn,
    /// It does not work.
    Fail,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// Result of one check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    check: CheckId,
    /// The pool, region or authenticator; empty where there is only one.
    #[serde(skip_serializing_if = "str::is_empty")]
    about: String,
    status: Status,
    observed: String,
    /// What the operator should do.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// Details for programs.
    #[serde(skip_serializing_if = "Map::is_empty")]
    values: Map<String, Value>,
}

impl Check {
    /// A check without a result yet.
    pub(super) fn new(check: CheckId, about: &str) -> Self {
        let (observed, fix, values) = (String::new(), None, Map::new());
        Self { check, about: about.to_owned(), status: Status::Ok, observed, fix, values }
    }

    pub(super) fn ok(self, observed: impl Into<String>) -> Self {
        Self { status: Status::Ok, observed: observed.into(), ..self }
    }

    pub(super) fn skip(self, why: impl Into<String>) -> Self {
        Self { status: Status::Skip, observed: why.into(), ..self }
    }

    pub(super) fn warn(self, observed: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Warn, observed: observed.into(), fix: Some(fix.into()), ..self }
    }

    pub(super) fn fail(self, observed: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Fail, observed: observed.into(), fix: Some(fix.into()), ..self }
    }

    /// Adds a value for programs, unless it is null.
    pub(super) fn with_value(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => {}
            value => drop(self.values.insert(name.to_owned(), value)),
        }
        self
    }
}

/// All checks, in order.
#[derive(Debug, Clone)]
pub struct Report {
    pub(super) checks: Vec<Check>,
}

impl Report {
    /// The worst status of all checks. A skipped check counts as ok.
    pub fn status(&self) -> Status {
        let done = self.checks.iter().map(|check| check.status).filter(|status| *status != Status::Skip);
        done.max().unwrap_or(Status::Ok)
    }

    /// `status`, and `checks` with `check`, `about`, `status`, `observed`, `fix`, `values`.
    pub fn to_json(&self) -> Value {
        serde_json::json!({ "status": self.status(), "checks": self.checks })
    }
}

/// A line for each check, below it the fix, and a summary as last line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |check: &Check| format!("{} {}", check.check, check.about).trim_end().to_owned();
        let width = self.checks.iter().map(|check| name(check).chars().count()).max().unwrap_or(0);
        for check in &self.checks {
            // Texts of AWS and of the configuration contain line breaks; a check has one line.
            let lines: Vec<&str> = check.observed.lines().map(str::trim).collect();
            let observed = lines.join("; ").replace(":; ", ": ");
            writeln!(f, "{:<4}  {:<width$}  {observed}", check.status.word(), name(check))?;
            if let Some(fix) = &check.fix {
                writeln!(f, "{:<6}-> {fix}", "")?;
            }
        }
        let counts =
            [(Status::Ok, "ok"), (Status::Warn, "with warnings"), (Status::Fail, "failed"), (Status::Skip, "skipped")];
        let summary = counts.into_iter().filter_map(|(status, what)| {
            let count = self.checks.iter().filter(|check| check.status == status).count();
            (count > 0).then(|| format!("{count} {what}"))
        });
        writeln!(f, "{}", summary.collect::<Vec<_>>().join(", "))
    }
}
