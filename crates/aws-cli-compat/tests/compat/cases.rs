//! What users of the AWS CLI do with this command, and what befalls them.

mod answers;
mod credentials;
mod inputs;
mod outputs;
mod surroundings;

use super::stub::Reply;

pub const POOL: &str = "us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub const GOOD: &str = r#"{"Token": "eyJhbGciOiJSUzUxMiJ9.e30.c2ln", "IdentityId": "us-east-1:11111111-2222-4333-8444-555555555555"}"#;

/// How much of standard error is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// The words.
    Same,
    /// That there is one: the words are those of a library, or have a secret in them.
    Any,
    /// Nothing: the CLI warns where ours has nothing to warn of.
    Whatever,
}

#[derive(Debug, Clone)]
pub struct Case {
    /// The arguments as one would type them. `{url}` is the server, `{home}` the folder.
    pub line: String,
    pub environment: Vec<(String, String)>,
    pub files: Vec<(String, Vec<u8>)>,
    pub replies: Vec<Reply>,
    pub complaint: Complaint,
    /// Any failure is as good as another.
    pub is_failure_ours: bool,
    /// What is printed is each program's own: help, version.
    pub is_output_ours: bool,
    /// What is sent before the call, to whoever has credentials, is each program's own.
    pub is_asking_ours: bool,
    pub is_tls: bool,
    /// Rows and columns of the terminal that standard output is; none: a file.
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

    /// One attempt only, so that nothing waits.
    pub fn once(self) -> Self {
        self.env("AWS_MAX_ATTEMPTS", "1")
    }

    pub fn complains_somehow(mut self) -> Self {
        self.complaint = Complaint::Any;
        self
    }

    pub fn fails_somehow(mut self) -> Self {
        self.is_failure_ours = true;
        self.complains_somehow()
    }

    pub fn warns_or_not(mut self) -> Self {
        self.complaint = Complaint::Whatever;
        self
    }

    pub fn prints_its_own(mut self) -> Self {
        self.is_output_ours = true;
        self
    }

    pub fn asks_its_own_way(mut self) -> Self {
        self.is_asking_ours = true;
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

/// Just these arguments.
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
        replies: vec![Reply::Answer(200, GOOD)],
        complaint: Complaint::Same,
        is_failure_ours: false,
        is_output_ours: false,
        is_asking_ours: false,
        is_tls: false,
        terminal: None,
    }
}

/// A call that would succeed, with more arguments.
pub fn call(more: &str) -> Case {
    line(&format!("--endpoint-url {{url}} --identity-pool-id {POOL} --logins login.example=alice {more}"))
}

/// A call whose logins are in `more`.
pub fn bare(more: &str) -> Case {
    line(&format!("--endpoint-url {{url}} --identity-pool-id {POOL} {more}"))
}

pub fn all() -> Vec<Case> {
    [outputs::all(), inputs::all(), answers::all(), surroundings::all(), credentials::all()].concat()
}
