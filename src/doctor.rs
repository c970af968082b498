//! `tokenvend doctor`: checks what the service needs to work, by read-only calls. Each check has a timeout of its own;
//! they run concurrently and are reported in order.
//!
//! A failed check says what to do. One that needs a permission which the role does not have is skipped, and says why
//! that is fine: tokenvend itself needs a single permission, and a role should not be widened for `doctor`.

mod aws_account;
mod context;
mod pool;
mod report;
mod roles;
mod test_mint;
mod trust;
mod verification;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};

use crate::config::{ConfigError, Loaded};
use crate::issuer::cognito::Cognito;
use clock::SharedClock;
use context::DoctorContext;
pub use report::{Check, CheckId, Report, Status};
pub use test_mint::TestMint;
pub use trust::trust_policy;

/// Runs all checks. Mints a token only if there is a `test_mint`.
pub async fn run_checks(loaded: Loaded, clock: SharedClock, timeout: Duration, test_mint: Option<TestMint>) -> Report {
    let settings = loaded.settings;
    let default_region = settings.pools.find(None).map(|pool| pool.id.region().to_owned()).unwrap_or_default();
    let cognito = Cognito::load(&settings.cognito, &default_region, clock.clone()).await;
    let context = DoctorContext { settings, cognito, clock, timeout };
    let mut checks = configuration(&loaded.warnings);
    checks.extend(join_all(context.checks(test_mint.as_ref())).await.into_iter().flatten());
    Report { checks }
}

/// The report on an invalid configuration. Nothing else can be checked then.
pub fn invalid_config(error: &ConfigError) -> Report {
    let fix = "correct it; tokenvend print-default-config explains every key";
    Report { checks: vec![Check::new(CheckId::Configuration, "").fail(error.to_string(), fix)] }
}

fn configuration(warnings: &[String]) -> Vec<Check> {
    let check = Check::new(CheckId::Configuration, "");
    if warnings.is_empty() {
        return vec![check.ok("valid")];
    }
    let warn = |warning: &String| check.clone().warn(warning, "config/default.toml explains the key");
    warnings.iter().map(warn).collect()
}

impl DoctorContext {
    /// All checks, in the order of the report.
    fn checks<'s>(&'s self, test_mint: Option<&'s TestMint>) -> Vec<LocalBoxFuture<'s, Vec<Check>>> {
        let pools = &self.settings.pools;
        let mut checks = Vec::new();
        for region in self.pools_by_region().into_keys() {
            checks.push(self.single(CheckId::Clock, region, |check| self.clock_skew(check, region)));
        }
        checks.push(self.single(CheckId::Credentials, "", |check| self.credentials(check)));
        checks.push(self.single(CheckId::Identity, "", |check| self.caller_identity(check)));
        for pool in pools.iter() {
            checks.push(self.within_timeout(Check::new(CheckId::Pool, &pool.name), self.pool(pool)).boxed_local());
            checks.push(self.roles(pool).boxed_local());
        }
        for authenticator in &self.settings.auth {
            let run = |check| self.authenticator(check, authenticator);
            checks.push(self.single(CheckId::SigningKeys, &authenticator.name, run));
        }
        checks.push(self.single(CheckId::CognitoKeys, "", |check| self.cognito_keys(check)));
        checks.push(std::future::ready(self.call_rates()).boxed_local());
        if let Some(TestMint { user, pool: name }) = test_mint {
            checks.push(match pools.find(name.as_deref()) {
                Some(pool) => self.single(CheckId::MintTest, &pool.name, |check| self.test_mint(check, user, pool)),
                None => std::future::ready(vec![self.no_such_pool(name.as_deref())]).boxed_local(),
            });
        }
        checks
    }

    /// One check with its timeout.
    fn single<'s, F: Future<Output = Check> + 's>(
        &'s self,
        id: CheckId,
        about: &str,
        run: impl FnOnce(Check) -> F,
    ) -> LocalBoxFuture<'s, Vec<Check>> {
        let check = Check::new(id, about);
        let result = run(check.clone()).map(|check| vec![check]);
        self.within_timeout(check, result).boxed_local()
    }
}
