//! `tokenvend identities`: identity administration for operators.
//!
//! It calls a running service and not Cognito: the service purges the affected tokens, writes audit events, and keeps
//! to its call rate limits.

mod client;

use std::path::PathBuf;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::error::CliError;
use super::stdout::print;
use crate::config::Environment;
use client::{AdminClient, AdminResponse, CREDENTIAL_VARIABLE, IDENTITIES, USERS, UserIdKind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The admin listener of the running service.
    #[arg(long, default_value = "http://127.0.0.1:8081", env = "TOKENVEND_ADMIN_URL", global = true)]
    admin_url: String,
    /// A file with the admin credential. Without it, the credential is in the variable TOKENVEND_ADMIN_CREDENTIAL.
    #[arg(long, value_name = "FILE", global = true)]
    credential_file: Option<PathBuf>,
    /// Which user ids the arguments and the output have. They differ if Cognito has pseudonyms.
    #[arg(long, global = true, value_name = "KIND", default_value = "cognito")]
    user_id_kind: UserIdKind,
    /// Print the service's JSON response unchanged, problems included.
    #[arg(long, global = true)]
    json: bool,
    /// The pool, by its name in the configuration.
    #[arg(long, global = true)]
    pool: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a user's identity and cached tokens.
    Lookup {
        /// The developer user id.
        user: String,
        #[command(flatten)]
        page: Page,
    },
    /// List the pool's identities.
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Show an identity's logins, dates and users.
    Describe {
        /// REGION:GUID.
        identity: String,
        #[command(flatten)]
        page: Page,
    },
    /// Merge a user's identity into another user's. Cannot be undone.
    Merge {
        /// The user whose identity is removed.
        user: String,
        /// The user whose identity both have afterwards.
        #[arg(long)]
        into: String,
        /// Confirm.
        #[arg(long)]
        yes: bool,
    },
    /// Unlink a user from an identity; the user gets a new one.
    Unlink {
        /// REGION:GUID.
        identity: String,
        /// The developer user id.
        user: String,
    },
    /// Delete identities. Cannot be undone.
    Delete {
        /// REGION:GUID, up to 60.
        #[arg(required = true, num_args = 1..=60)]
        identities: Vec<String>,
        /// Confirm.
        #[arg(long)]
        yes: bool,
    },
    /// Remove a user's entries from the cache.
    Purge {
        /// The developer user id.
        user: String,
    },
}

#[derive(Debug, clap::Args)]
struct Page {
    /// Maximum number of items, 1 to 60.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=60))]
    max_results: Option<u8>,
    /// The `nextToken` of the page before.
    #[arg(long)]
    next_token: Option<String>,
}

impl Page {
    fn query(&self) -> impl Iterator<Item = (&'static str, String)> {
        let max = self.max_results.map(|max| ("maxResults", max.to_string()));
        max.into_iter().chain(self.next_token.clone().map(|token| ("nextToken", token)))
    }
}

pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    // clap cannot require an option that is allowed before and after the verb.
    let pool = args.pool.as_deref().ok_or_else(|| CliError::usage("--pool NAME is required"))?;
    let environment = Environment::from_process();
    let credential = environment.get(CREDENTIAL_VARIABLE);
    let service = AdminClient::new(&args.admin_url, args.credential_file.as_deref(), credential, args.user_id_kind)?;
    let (method, path, page, body) = match &args.action {
        Action::Lookup { user, page } => (Method::GET, vec![pool, USERS, user], Some(page), None),
        Action::List { page } => (Method::GET, vec![pool, IDENTITIES], Some(page), None),
        Action::Describe { identity, page } => (Method::GET, vec![pool, IDENTITIES, identity], Some(page), None),
        Action::Merge { user, into, yes } => {
            require_confirmation(*yes, "a merge cannot be undone")?;
            (Method::POST, vec![pool, USERS, user, "merge"], None, Some(json!({"into": into})))
        }
        Action::Unlink { identity, user } => {
            (Method::DELETE, vec![pool, IDENTITIES, identity, USERS, user], None, None)
        }
        Action::Delete { identities, yes } => {
            require_confirmation(*yes, "a deleted identity cannot be restored")?;
            (Method::POST, vec![pool, IDENTITIES, "delete"], None, Some(json!({"identityIds": identities})))
        }
        Action::Purge { user } => (Method::DELETE, vec![pool, USERS, user, "cache"], None, None),
    };
    let query = page.into_iter().flat_map(Page::query);
    let AdminResponse { status, text, body } = service.send(method, &path, query, body).await?;
    if args.json {
        print(&format!("{text}\n"))?;
    }
    if !status.is_success() {
        return Err(CliError::new(exit_code(status.as_u16()), format_problem(&body)));
    }
    if !args.json {
        print(&format_response(&body))?;
    }
    match body["undeleted"].as_array().map(Vec::len) {
        None | Some(0) => Ok(()),
        Some(count) => Err(CliError::failed(format!("{count} of the identities could not be deleted"))),
    }
}

fn require_confirmation(yes: bool, reason: &str) -> Result<(), CliError> {
    if yes { Ok(()) } else { Err(CliError::usage(format!("{reason}; confirm with --yes"))) }
}

/// Distinguishes errors that need another credential, and errors that a retry may resolve.
fn exit_code(status: u16) -> u8 {
    match status {
        401 => 77,
        429 | 503 => 69,
        _ => 1,
    }
}

/// A problem (RFC 9457) on one line.
fn format_problem(problem: &Value) -> String {
    let part = |name: &str| problem[name].as_str().unwrap_or("?");
    let name = part("type").rsplit(':').next().unwrap_or("?");
    format!("{} ({name}, request {})", part("detail"), part("requestId"))
}

/// A response as text: one line for each field, lists indented, null fields left out.
fn format_response(response: &Value) -> String {
    let mut lines = String::new();
    for (name, value) in response.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                lines.push_str(&format!("{name}: {}\n", items.len()));
                items.iter().for_each(|item| lines.push_str(&format!("  {}\n", format_value(item))));
            }
            value => lines.push_str(&format!("{name}: {}\n", format_value(value))),
        }
    }
    lines
}

fn format_value(value: &Value) -> String {
    match value {
        // A user id must not send control sequences to the terminal; with such characters it is printed as JSON.
        Value::String(text) if !text.chars().any(char::is_control) => text.clone(),
        Value::Object(fields) => {
            let parts = fields.iter().filter(|(_, value)| !value.is_null());
            parts.map(|(name, value)| format!("{name}={}", format_value(value))).collect::<Vec<_>>().join("  ")
        }
        Value::Array(items) => items.iter().map(format_value).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
