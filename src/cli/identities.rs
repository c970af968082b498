//! `tokenvend identities`: what administrators do with users and identities. It asks a running service rather than
//! Cognito itself: that service forgets the tokens concerned, records who did what, and stays within its share
//! of the quota.

mod client;

use std::path::PathBuf;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CliError, print};
use crate::config::Environment;
use client::{AdminClient, AdminResponse};

/// The variable with the credential. No option: what stands on a command line can be read by everybody.
const CREDENTIAL: &str = "TOKENVEND_ADMIN_CREDENTIAL";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The admin listener of the running service.
    #[arg(long, default_value = "http://127.0.0.1:8081", env = "TOKENVEND_ADMIN_URL", global = true)]
    admin_url: String,
    /// A file with the admin credential. Without it, the variable TOKENVEND_ADMIN_CREDENTIAL has it.
    #[arg(long, value_name = "FILE", global = true)]
    credential_file: Option<PathBuf>,
    /// The kind of the user ids: Cognito's developer user ids, or the app's own, which differ with pseudonyms.
    #[arg(long, value_enum, default_value_t, global = true)]
    user_id_kind: UserIdKind,
    /// Print the service's answer as it is, problems too.
    #[arg(long, global = true)]
    json: bool,
    /// The pool, by its name in the configuration.
    #[arg(long, global = true)]
    pool: Option<String>,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum UserIdKind {
    #[default]
    Cognito,
    App,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// A user's identity, and what is cached for the user.
    Lookup {
        /// The developer user id.
        user: String,
        #[command(flatten)]
        page: Page,
    },
    /// The pool's identities.
    List {
        #[command(flatten)]
        page: Page,
    },
    /// What is known of an identity, and its users.
    Describe {
        /// REGION:GUID.
        identity: String,
        #[command(flatten)]
        page: Page,
    },
    /// Make a user one with another. Cannot be taken back.
    Merge {
        /// The user whose identity is given up.
        user: String,
        /// The user whose identity both have then.
        #[arg(long)]
        into: String,
        /// Yes, do it.
        #[arg(long)]
        yes: bool,
    },
    /// Take a user off an identity; the user gets a new one.
    Unlink {
        /// REGION:GUID.
        identity: String,
        /// The developer user id.
        user: String,
    },
    /// Delete identities. Cannot be taken back.
    Delete {
        /// REGION:GUID, up to 60.
        #[arg(required = true, num_args = 1..=60)]
        identities: Vec<String>,
        /// Yes, do it.
        #[arg(long)]
        yes: bool,
    },
    /// Forget a user's cached tokens.
    Purge {
        /// The developer user id.
        user: String,
    },
}

#[derive(Debug, clap::Args)]
struct Page {
    /// The most items to show, 1 to 60.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=60))]
    max_results: Option<u8>,
    /// What the page before ended with.
    #[arg(long)]
    next_token: Option<String>,
}

impl Page {
    fn query(&self) -> Vec<(&'static str, String)> {
        let most = self.max_results.map(|most| ("maxResults", most.to_string()));
        most.into_iter().chain(self.next_token.clone().map(|token| ("nextToken", token))).collect()
    }
}

pub(super) async fn run(args: &Args, environment: &Environment) -> Result<(), CliError> {
    let (users, identities) = ("users", "identities");
    // clap cannot demand an option that may stand before and after the verb.
    let pool = args.pool.as_deref().ok_or_else(|| CliError::usage("say which pool: --pool NAME"))?;
    let credential = environment.get(CREDENTIAL);
    let as_app = args.user_id_kind == UserIdKind::App;
    let service = AdminClient::at(&args.admin_url, args.credential_file.as_deref(), credential, as_app)?;
    let answer = match &args.act {
        Act::Lookup { user, page } => service.get(&[pool, users, user], &page.query()).await?,
        Act::List { page } => service.get(&[pool, identities], &page.query()).await?,
        Act::Describe { identity, page } => service.get(&[pool, identities, identity], &page.query()).await?,
        Act::Merge { user, into, yes } => {
            sure(*yes, "two users that were merged cannot be taken apart again")?;
            let body = json!({"into": into});
            service.send(Method::POST, &[pool, users, user, "merge"], Some(body)).await?
        }
        Act::Unlink { identity, user } => {
            service.send(Method::DELETE, &[pool, identities, identity, users, user], None).await?
        }
        Act::Delete { identities: ids, yes } => {
            sure(*yes, "an identity that was deleted does not come back")?;
            let body = json!({"identityIds": ids});
            service.send(Method::POST, &[pool, identities, "delete"], Some(body)).await?
        }
        Act::Purge { user } => service.send(Method::DELETE, &[pool, users, user, "cache"], None).await?,
    };
    let AdminResponse { status, text, body } = answer;
    if args.json {
        print(&format!("{text}\n"))?;
    }
    if !status.is_success() {
        return Err(CliError { code: exit_code(status.as_u16()), words: told(&body) });
    }
    if !args.json {
        print(&shown(&body))?;
    }
    match body["undeleted"].as_array().map(Vec::len) {
        None | Some(0) => Ok(()),
        Some(count) => Err(CliError { code: 1, words: format!("{count} of them still exist") }),
    }
}

fn sure(yes: bool, why: &str) -> Result<(), CliError> {
    if yes { Ok(()) } else { Err(CliError::usage(format!("{why}; say --yes if you mean it"))) }
}

/// That of sysexits.h which says what to do: come back later, or bring another credential.
fn exit_code(status: u16) -> u8 {
    match status {
        401 => 77,
        429 | 503 => 69,
        _ => 1,
    }
}

/// A problem in a line.
fn told(problem: &Value) -> String {
    let part = |name: &str| problem[name].as_str().unwrap_or("?");
    let name = part("type").rsplit(':').next().unwrap_or("?");
    format!("{} ({name}, request {})", part("detail"), part("requestId"))
}

/// An answer for human eyes: one line a field, lists indented, what is not there left out.
fn shown(answer: &Value) -> String {
    let mut lines = String::new();
    for (name, value) in answer.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                lines.push_str(&format!("{name}: {}\n", items.len()));
                items.iter().for_each(|item| lines.push_str(&format!("  {}\n", inline(item))));
            }
            value => lines.push_str(&format!("{name}: {}\n", inline(value))),
        }
    }
    lines
}

fn inline(value: &Value) -> String {
    match value {
        // A user id from elsewhere must not steer the terminal.
        Value::String(text) if !text.chars().any(char::is_control) => text.clone(),
        Value::Object(fields) => {
            let parts = fields.iter().filter(|(_, value)| !value.is_null());
            parts.map(|(name, value)| format!("{name}={}", inline(value))).collect::<Vec<_>>().join("  ")
        }
        Value::Array(items) => items.iter().map(inline).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
