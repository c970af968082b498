//! Checks of the machine and the AWS account: clock, credentials, principal and call rate limit.

use std::collections::BTreeMap;
use std::time::Duration;

use super::context::DoctorContext;
use super::pool::{NEW_CREDENTIALS, REACH_COGNITO, skip_reason};
use super::report::{Check, CheckId};
use crate::issuer::cognito::AwsErrorKind;

/// With this difference of the clocks, AWS rejects signatures.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The highest documented default of the quota. A higher call rate needs a raised quota.
const MAX_DEFAULT_QUOTA: f64 = 200.0;

impl DoctorContext {
    /// This machine's clock against Cognito's in a region.
    pub(super) async fn clock_skew(&self, check: Check, region: &str) -> Check {
        let probe = self.cognito.pool_probe(region);
        let requested_at = self.clock.now();
        let server_time = match probe.server_time().await {
            Ok(server_time) => server_time,
            Err(why) => return check.fail(format!("Cognito's time cannot be read: {why}"), REACH_COGNITO),
        };
        // `Date` has whole seconds, and was set between request and response.
        let local = i64::midpoint(requested_at.as_millis(), self.clock.now().as_millis());
        let skew = (server_time + Duration::from_millis(500)).as_millis().saturating_sub(local);
        let amount = Duration::from_millis(skew.unsigned_abs());
        let check = check.with_value("skewSeconds", skew as f64 / 1000.0);
        let side = if skew > 0 { "behind" } else { "ahead of" };
        let observed = match amount.as_secs() {
            // The resolution of `Date`.
            0 => "this machine's clock is within a second of Cognito's".to_owned(),
            seconds => format!("this machine's clock is {seconds} s {side} Cognito's"),
        };
        if amount >= MAX_CLOCK_SKEW {
            check.fail(observed, "set the clock (NTP): AWS rejects signatures that are 5 minutes off")
        } else if amount >= self.settings.vending.clock_skew_warning {
            check.warn(observed, "set the clock (NTP): tokens are usable for that much less time")
        } else {
            check.ok(observed)
        }
    }

    /// AWS credentials, their source and expiry.
    pub(super) async fn credentials(&self, check: Check) -> Check {
        match self.cognito.describe_credentials().await {
            Ok(info) => {
                let expiry = info.expires_at.map(|expiry| expiry.to_rfc3339());
                let until = expiry.as_ref().map_or("without expiry".to_owned(), |at| format!("until {at}"));
                let observed = format!("from {}, {until}", info.source);
                check.with_value("source", info.source).with_value("expiresAt", expiry).ok(observed)
            }
            Err(why) => check.fail(
                format!("none found: {why}"),
                "give the process a role: ECS task role, EKS service account, EC2 instance role; or set AWS_PROFILE for \
                 a trial run",
            ),
        }
    }

    pub(super) async fn caller_identity(&self, check: Check) -> Check {
        let error = match self.cognito.get_caller_identity().await {
            Ok(caller) => {
                let observed = format!("{} of account {}", caller.arn, caller.account);
                return check.with_value("account", caller.account).with_value("arn", caller.arn).ok(observed);
            }
            Err(error) => error,
        };
        match error.kind {
            AwsErrorKind::NoCredentials | AwsErrorKind::CredentialProviderFailed => check.skip(skip_reason(&error)),
            AwsErrorKind::CredentialsRejected => {
                check.fail(format!("STS rejects the credentials: {error}"), NEW_CREDENTIALS)
            }
            _ => check.warn(
                format!("STS does not return the principal: {error}"),
                "tokenvend itself does not need STS; set AWS_ENDPOINT_URL_STS to see the principal",
            ),
        }
    }

    /// The call rate limit of each region, to compare with the quota.
    pub(super) fn call_rates(&self) -> Vec<Check> {
        let limit = self.settings.vending.upstream.rate_limit.limit;
        let check_region = |(region, pools): (&str, Vec<&str>)| {
            let check = Check::new(CheckId::CallRate, region)
                .with_value("callsPerSecond", limit.per_second())
                .with_value("burst", limit.burst())
                .with_value("pools", pools.clone());
            let pools = match pools.as_slice() {
                [one] => format!("pool {one} alone"),
                several => format!("pools {}", several.join(", ")),
            };
            let observed = format!(
                "{} calls a second, burst {}, for {pools}; the quota is the account's, divide it by the replicas",
                limit.per_second(),
                limit.burst(),
            );
            if limit.per_second() > MAX_DEFAULT_QUOTA {
                let fix = "was the quota raised? See Service Quotas: Amazon Cognito Federated Identities, \
                           GetOpenIdTokenForDeveloperIdentity";
                check.warn(observed, fix)
            } else {
                check.ok(observed)
            }
        };
        self.pools_by_region().into_iter().map(check_region).collect()
    }

    pub(super) fn pools_by_region(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut regions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for pool in self.settings.pools.iter() {
            regions.entry(pool.id.region()).or_default().push(&pool.name);
        }
        regions
    }
}
