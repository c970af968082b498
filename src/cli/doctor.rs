//! `tokenvend doctor`: checks the configuration, the machine and AWS, and says what to do.

use std::sync::Arc;
use std::time::Duration;

use super::{CliError, ConfigFile, print};
use crate::doctor::{self, MintTest, Report, Status};
use clock::SystemClock;
use cognito_types::DeveloperUserId;

/// What to check, and how to tell it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Also mint a real token for this user and prove it. Creates the user's identity if there is none yet.
    #[arg(long, value_name = "USER", value_parser = |text: &str| DeveloperUserId::parse(text))]
    mint_as: Option<DeveloperUserId>,
    /// The pool to mint for, by its name in the configuration; absent: the default one.
    #[arg(long, value_name = "NAME", requires = "mint_as")]
    pool: Option<String>,
    /// Check nothing; print the trust policy that the role of this pool's users must have.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["json", "mint_as"])]
    trust_policy: Option<String>,
    /// How long each check may take.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    time_out: Duration,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let loaded = match args.file.load() {
        Ok(loaded) => loaded,
        Err(error) if args.trust_policy.is_some() => return Err(error.into()),
        Err(error) => {
            tell(&doctor::invalid_config(&error), args.json)?;
            return Err(CliError::told(78));
        }
    };
    if let Some(name) = &args.trust_policy {
        let pool = loaded.settings.pools.find(Some(name));
        let pool =
            pool.ok_or_else(|| CliError::usage(format!("--trust-policy {name}: there is no such pool")))?;
        return print(&format!("{:#}\n", doctor::trust_policy(pool)));
    }
    let trial = args.mint_as.map(|user| MintTest { user, pool: args.pool });
    let report = doctor::run_checks(loaded, Arc::new(SystemClock::new()), args.time_out, trial).await;
    tell(&report, args.json)?;
    match report.status() {
        Status::Ok | Status::Skip | Status::Warn => Ok(()),
        Status::Fail => Err(CliError::told(1)),
    }
}

fn tell(report: &Report, json: bool) -> Result<(), CliError> {
    print(&if json { format!("{:#}\n", report.to_json()) } else { report.to_string() })
}
