//! What the checks found: one line each for people, an object each for programs.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};

/// What is checked. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckId {
    /// Whether the configuration holds.
    Configuration,
    /// This machine's clock against Cognito's.
    Clock,
    /// Whether there are AWS credentials, and from where.
    Credentials,
    /// Whom AWS takes us for.
    Identity,
    /// Whether the right is there that minting needs.
    Permission,
    /// Whether the pool exists.
    Pool,
    /// Whether the pool knows the developer provider.
    Provider,
    /// Whether the pool takes guests, and the classic flow.
    Flows,
    /// Which role its users get.
    Roles,
    /// Whom that role lets in.
    RoleTrust,
    /// Whom the role of the pool's guests lets in.
    GuestRoleTrust,
    /// Whom the role lets in that the configuration names.
    CustomRoleTrust,
    /// The keys that callers' tokens are judged by.
    SigningKeys,
    /// The keys that Cognito's tokens are judged by.
    CognitoKeys,
    /// The calls that we allow ourselves.
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

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Ok,
    /// It could not be checked, and need not be.
    Skip,
    /// It works, but somebody should look.
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

/// One check, done.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    check: CheckId,
    /// Which pool, region or way of authenticating; empty where there is only one of the kind.
    #[serde(skip_serializing_if = "str::is_empty")]
    about: String,
    status: Status,
    observed: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// What was found, for programs.
    #[serde(skip_serializing_if = "Map::is_empty")]
    values: Map<String, Value>,
}

impl Check {
    /// A check that is still to be told.
    pub(super) fn new(check: CheckId, about: impl Into<String>) -> Self {
        let (observed, fix, values) = (String::new(), None, Map::new());
        Self { check, about: about.into(), status: Status::Ok, observed, fix, values }
    }

    pub(super) fn ok(self, found: impl Into<String>) -> Self {
        Self { status: Status::Ok, observed: found.into(), ..self }
    }

    pub(super) fn skip(self, why: impl Into<String>) -> Self {
        Self { status: Status::Skip, observed: why.into(), ..self }
    }

    pub(super) fn warn(self, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Warn, observed: found.into(), fix: Some(remedy.into()), ..self }
    }

    pub(super) fn fail(self, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Fail, observed: found.into(), fix: Some(remedy.into()), ..self }
    }

    /// Adds a value for programs; an absent one is left out.
    pub(super) fn with_value(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => {}
            value => drop(self.values.insert(name.to_owned(), value)),
        }
        self
    }
}

/// All checks, in order.
#[derive(Debug, Clone, Default)]
pub struct Report {
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn add(&mut self, checks: Vec<Check>) {
        self.checks.extend(checks);
    }

    /// The worst that was found. What was skipped is no worse than what is well.
    pub fn status(&self) -> Status {
        let told = self.checks.iter().map(|check| check.status).filter(|status| *status != Status::Skip);
        told.max().unwrap_or(Status::Ok)
    }

    /// The report as JSON: `status`, and `checks` with `check`, `about`, `status`, `found`, `remedy`, `values`.
    pub fn to_json(&self) -> Value {
        serde_json::json!({ "status": self.status(), "checks": self.checks })
    }
}

/// A line a check, below it what to do, and a last line that sums up.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |check: &Check| format!("{} {}", check.check, check.about).trim_end().to_owned();
        let width = self.checks.iter().map(|check| name(check).chars().count()).max().unwrap_or(0);
        for check in &self.checks {
            // AWS's words and the configuration's faults have line breaks; a check has one line.
            let lines: Vec<&str> = check.observed.lines().map(str::trim).collect();
            let found = lines.join("; ").replace(":; ", ": ");
            writeln!(f, "{:<4}  {:<width$}  {found}", check.status.word(), name(check))?;
            if let Some(remedy) = &check.fix {
                writeln!(f, "{:<6}-> {remedy}", "")?;
            }
        }
        let count = |status| self.checks.iter().filter(|check| check.status == status).count();
        let mut summary = String::new();
        for (status, what) in [
            (Status::Ok, "well"),
            (Status::Warn, "to look at"),
            (Status::Fail, "wrong"),
            (Status::Skip, "skipped"),
        ] {
            match count(status) {
                0 => {}
                n => write!(summary, "{}{n} {what}", if summary.is_empty() { "" } else { ", " })?,
            }
        }
        writeln!(f, "{summary}")
    }
}
