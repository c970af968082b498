//! `tokenvend doctor`: checks the configuration, the machine and AWS, and prints remedies.

use std::sync::Arc;
use std::time::Duration;

use super::config_file::ConfigFile;
use super::error::CliError;
use super::stdout::print;
use crate::doctor::{self, Report, Status, TestMint};
use clock::SystemClock;
use cognito_types::DeveloperUserId;

/// What to check, and the output format.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Also mint a real token for this user and verify it. Creates the user's identity if there is none yet.
    #[arg(long, value_name = "USER", value_parser = |text: &str| DeveloperUserId::parse(text))]
    test_mint: Option<DeveloperUserId>,
    /// The pool of the test mint, by its name in the configuration; without it, the default pool.
    #[arg(long, value_name = "NAME", requires = "test_mint")]
    pool: Option<String>,
    /// Run no checks; print the trust policy that the role of this pool's users must have.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["json", "test_mint"])]
    trust_policy: Option<String>,
    /// The time limit of each check.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let loaded = match args.file.load() {
        Ok(loaded) => loaded,
        Err(error) if args.trust_policy.is_some() => return Err(error.into()),
        Err(error) => {
            print_report(&doctor::invalid_config(&error), args.json)?;
            return Err(CliError::silent(78));
        }
    };
    if let Some(name) = &args.trust_policy {
        let pool = loaded.settings.pools.find(Some(name));
        let pool =
            pool.ok_or_else(|| CliError::usage(format!("--trust-policy {name}: no pool of this name is configured")))?;
        return print(&format!("{:#}\n", doctor::trust_policy(pool)));
    }
    let test_mint = args.test_mint.map(|user| TestMint { user, pool: args.pool });
    let report = doctor::run_checks(loaded, Arc::new(SystemClock::new()), args.timeout, test_mint).await;
    print_report(&report, args.json)?;
    match report.status() {
        Status::Ok | Status::Skip | Status::Warn => Ok(()),
        Status::Fail => Err(CliError::silent(1)),
    }
}

fn print_report(report: &Report, json: bool) -> Result<(), CliError> {
    print(&if json { format!("{:#}\n", report.to_json()) } else { report.to_string() })
}
