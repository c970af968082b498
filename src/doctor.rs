//! `tokenvend doctor`'s checks: what must hold for the service to work, asked of those who know, without changing
//! anything anywhere. Every check has a time-out of its own; they run together and are told in order.
//!
//! A check that fails says what to do. One that AWS does not let us make is skipped, and says why that is fine:
//! tokenvend itself needs one right only, and nobody should widen a role for the doctor's sake.

mod aws_account;
mod mint_test;
mod pool;
mod report;
mod roles;
mod signing_keys;
mod trust;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};

use crate::config::{ConfigError, Loaded, Settings};
use crate::issuer::cognito::{AwsError, AwsErrorKind, Cognito};
use clock::SharedClock;
use cognito_types::DeveloperUserId;
pub use report::{Check, CheckId, Report, Status};
pub use trust::trust_policy;

/// A user to mint a real token for.
#[derive(Debug, Clone)]
pub struct MintTest {
    /// As Cognito is to know the user: with the prefix of the way of authenticating, if that has one.
    pub user: DeveloperUserId,
    /// The name of the pool; none: the default one.
    pub pool: Option<String>,
}

/// What all checks look at.
#[derive(Debug)]
struct DoctorContext {
    settings: Settings,
    cognito: Cognito,
    clock: SharedClock,
    timeout: Duration,
}

/// Checks everything. Nothing is minted unless there is a `trial`.
pub async fn run_checks(
    loaded: Loaded,
    clock: SharedClock,
    time_out: Duration,
    trial: Option<MintTest>,
) -> Report {
    let mut report = Report::default();
    report.add(configuration(&loaded.warnings));
    let settings = loaded.settings;
    let home = settings.pools.find(None).map(|pool| pool.id.region().to_owned()).unwrap_or_default();
    let cognito = Cognito::load(&settings.cognito, &home, clock.clone()).await;
    let subject = DoctorContext { settings, cognito, clock, timeout: time_out };
    for checks in join_all(subject.checks(trial.as_ref())).await {
        report.add(checks);
    }
    report
}

/// The report on a configuration that does not hold: there is nothing to check by it.
pub fn invalid_config(error: &ConfigError) -> Report {
    let mut report = Report::default();
    let check = Check::new(CheckId::Configuration, "");
    report.add(vec![
        check.fail(error.to_string(), "mend it; tokenvend print-default-config explains every key"),
    ]);
    report
}

fn configuration(warnings: &[String]) -> Vec<Check> {
    let check = || Check::new(CheckId::Configuration, "");
    if warnings.is_empty() {
        return vec![check().ok("it holds")];
    }
    let warned =
        |warning: &String| check().warn(warning.clone(), "see config/default.toml for what it means");
    warnings.iter().map(warned).collect()
}

impl DoctorContext {
    /// Every examination, in the order in which they are told.
    fn checks<'s>(&'s self, trial: Option<&'s MintTest>) -> Vec<BoxFuture<'s, Vec<Check>>> {
        let mut all = vec![self.clocks(), self.credentials(), self.caller_identity()];
        for pool in self.settings.pools.iter() {
            all.push(self.pool(pool));
            all.push(self.roles(pool));
        }
        for way in &self.settings.auth {
            all.push(self.signing_keys(way));
        }
        all.push(self.cognito_keys());
        all.push(std::future::ready(self.call_rates()).boxed());
        if let Some(trial) = trial {
            all.push(self.mint_test(trial));
        }
        all
    }

    /// What the checks found, or the one that stands for them if they take too long.
    async fn within_timeout(&self, checks: impl Future<Output = Vec<Check>>, late: Check) -> Vec<Check> {
        tokio::select! {
            found = checks => found,
            () = self.clock.sleep(self.timeout) => {
                vec![late.fail(self.timeout_message(), "is a firewall or a proxy in the way? --time-out allows more")]
            }
        }
    }

    /// An answer that nobody needs to have: one that comes too late is one that cannot be had.
    async fn with_timeout<T>(
        &self,
        question: impl Future<Output = Result<T, AwsError>>,
    ) -> Result<T, AwsError> {
        tokio::select! {
            answer = question => answer,
            () = self.clock.sleep(self.timeout) => {
                Err(AwsError { kind: AwsErrorKind::Unreachable, message: self.timeout_message() })
            }
        }
    }

    fn timeout_message(&self) -> String {
        format!("no answer within {}", humantime::format_duration(self.timeout))
    }
}
