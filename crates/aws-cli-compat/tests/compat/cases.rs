//! Test cases: command lines, environments, files and replies of the server.

mod credentials;
mod environment;
mod inputs;
mod outputs;
mod responses;

use super::stub::Reply;

pub const POOL: &str = "us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub const GOOD: &str =
    r#"{"Token": "eyJhbGciOiJSUzUxMiJ9.e30.c2ln", "IdentityId": "us-east-1:11111111-2222-4333-8444-555555555555"}"#;

/// How standard error is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorComparison {
    /// Its text.
    Text,
    /// Whether it is empty. The text is a library's, or has a secret in it.
    Presence,
    /// Not at all: only the AWS CLI prints a warning.
    Ignored,
}

#[derive(Debug, Clone)]
pub struct Case {
    /// The arguments as one would type them. `{url}` is the server, `{home}` the folder.
    pub line: String,
    pub environment: Vec<(String, String)>,
    pub files: Vec<(String, Vec<u8>)>,
    pub replies: Vec<Reply>,
    pub errors: ErrorComparison,
    /// Exit codes other than 0 count as equal.
    pub is_any_failure_accepted: bool,
    /// Standard output may differ: help, version.
    pub is_output_ignored: bool,
    /// Only the last request is compared. Those before it, to credential endpoints, may differ.
    pub is_last_request_compared: bool,
    pub is_tls: bool,
    /// Rows and columns of the terminal that standard output is; `None`: it is a pipe.
    pub terminal: Option<(u16, u16)>,
}

impl Case {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, names: &[&str]) -> Self {
        self.environment.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    pub fn file(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.push((name.to_owned(), bytes.as_ref().to_vec()));
        self
    }

    pub fn config(self, text: &str) -> Self {
        self.file(".aws/config", text)
    }

    pub fn replies(mut self, replies: impl Into<Vec<Reply>>) -> Self {
        self.replies = replies.into();
        self
    }

    /// One attempt only, without delays.
    pub fn single_attempt(self) -> Self {
        self.env("AWS_MAX_ATTEMPTS", "1")
    }

    pub fn any_error_text(mut self) -> Self {
        self.errors = ErrorComparison::Presence;
        self
    }

    pub fn any_failure(mut self) -> Self {
        self.is_any_failure_accepted = true;
        self.any_error_text()
    }

    pub fn errors_ignored(mut self) -> Self {
        self.errors = ErrorComparison::Ignored;
        self
    }

    pub fn output_ignored(mut self) -> Self {
        self.is_output_ignored = true;
        self
    }

    pub fn last_request_only(mut self) -> Self {
        self.is_last_request_compared = true;
        self
    }

    pub fn on_terminal(mut self, rows: u16, columns: u16) -> Self {
        self.terminal = Some((rows, columns));
        self
    }

    pub fn tls(mut self) -> Self {
        self.is_tls = true;
        self
    }
}

/// A case with these arguments only.
pub fn line(line: &str) -> Case {
    let environment = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    Case {
        line: line.to_owned(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        files: Vec::new(),
        replies: vec![Reply::Response(200, GOOD)],
        errors: ErrorComparison::Text,
        is_any_failure_accepted: false,
        is_output_ignored: false,
        is_last_request_compared: false,
        is_tls: false,
        terminal: None,
    }
}

/// A valid call, with more arguments.
pub fn call(more: &str) -> Case {
    line(&format!("--endpoint-url {{url}} --identity-pool-id {POOL} --logins login.example=alice {more}"))
}

/// A call whose logins are in `more`.
pub fn bare(more: &str) -> Case {
    line(&format!("--endpoint-url {{url}} --identity-pool-id {POOL} {more}"))
}

pub fn all() -> Vec<Case> {
    [outputs::all(), inputs::all(), responses::all(), environment::all(), credentials::all()].concat()
}
