//! `tokenvend doctor`: checks what the service needs to work, by read-only calls. Each check has a timeout of its own;
//! they run concurrently and are reported in order.
//!
//! A failed check says what to do. One that needs a permission which the role does not have is skipped, and says why
//! that is fine: tokenvend itself needs a single permission, and a role should not be widened for `doctor`.

mod aws_account;
mod context;
mod mint_test;
mod pool;
mod report;
mod roles;
mod signing_keys;
mod trust;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};

use crate::config::{ConfigError, Loaded};
use crate::issuer::cognito::Cognito;
use clock::SharedClock;
use context::DoctorContext;
pub use mint_test::MintTest;
pub use report::{Check, CheckId, Report, Status};
pub use trust::trust_policy;

/// Runs all checks. Mints a token only if there is a `mint_test`.
pub async fn run_checks(loaded: Loaded, clock: SharedClock, timeout: Duration, mint_test: Option<MintTest>) -> Report {
    let mut report = Report::default();
    report.add(configuration(&loaded.warnings));
    let settings = loaded.settings;
    let default_region = settings.pools.find(None).map(|pool| pool.id.region().to_owned()).unwrap_or_default();
    let cognito = Cognito::load(&settings.cognito, &default_region, clock.clone()).await;
    let context = DoctorContext { settings, cognito, clock, timeout };
    for checks in join_all(checks(&context, mint_test.as_ref())).await {
        report.add(checks);
    }
    report
}

/// The report on an invalid configuration. Nothing else can be checked then.
pub fn invalid_config(error: &ConfigError) -> Report {
    let mut report = Report::default();
    let check = Check::new(CheckId::Configuration, "");
    let fix = "correct it; tokenvend print-default-config explains every key";
    report.add(vec![check.fail(error.to_string(), fix)]);
    report
}

fn configuration(warnings: &[String]) -> Vec<Check> {
    let check = || Check::new(CheckId::Configuration, "");
    if warnings.is_empty() {
        return vec![check().ok("valid")];
    }
    let warn = |warning: &String| check().warn(warning.clone(), "config/default.toml explains the key");
    warnings.iter().map(warn).collect()
}

/// All checks, in the order of the report.
fn checks<'s>(context: &'s DoctorContext, mint_test: Option<&'s MintTest>) -> Vec<BoxFuture<'s, Vec<Check>>> {
    let mut checks = vec![context.clocks(), context.credentials(), context.caller_identity()];
    for pool in context.settings.pools.iter() {
        checks.push(context.pool(pool));
        checks.push(context.roles(pool));
    }
    for authenticator in &context.settings.auth {
        checks.push(context.signing_keys(authenticator));
    }
    checks.push(context.cognito_keys());
    checks.push(std::future::ready(context.call_rates()).boxed());
    if let Some(mint_test) = mint_test {
        checks.push(context.mint_test(mint_test));
    }
    checks
}
