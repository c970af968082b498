//! The machine and the account: the clock, the credentials, whom AWS takes us for, and the budget.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::Subject;
use super::report::{Check, CheckId};
use crate::issuer::cognito::AwsErrorKind;
use clock::Timestamp;

/// Beyond this, AWS refuses signatures.
const SIGNATURES_END: Duration = Duration::from_secs(300);

/// The highest default that is told of the quota. Who allows more should know that theirs was raised.
const HIGHEST_DEFAULT_QUOTA: u32 = 200;

impl Subject {
    /// This machine's clock against Cognito's, in every region that has a pool.
    pub(super) fn clocks(&self) -> BoxFuture<'_, Vec<Check>> {
        let check = |region: &str| Check::new(CheckId::Clock, region);
        let one = async move |region: &str| {
            let survey = self.cognito.survey(region);
            let asked_at = self.clock.now();
            match survey.date().await {
                Ok(theirs) => vec![self.clock_of(check(region), asked_at, theirs)],
                Err(why) => vec![check(region).fails(
                    format!("Cognito cannot be asked for its time: {why}"),
                    "mend the way to Cognito's endpoint (DNS, firewall, proxy, upstream.endpoint_url)",
                )],
            }
        };
        async move {
            let regions = self.pools_by_region();
            let each = regions.keys().map(|region| self.in_time(one(region), check(region)));
            futures_util::future::join_all(each).await.concat()
        }
        .boxed()
    }

    fn clock_of(&self, check: Check, asked_at: Timestamp, theirs: Timestamp) -> Check {
        // A Date has whole seconds and lies somewhere between question and answer.
        let ours = i64::midpoint(asked_at.as_millis(), self.clock.now().as_millis());
        let off = (theirs + Duration::from_millis(500)).as_millis().saturating_sub(ours);
        let amount = Duration::from_millis(off.unsigned_abs());
        let check = check.with("skewSeconds", off as f64 / 1000.0);
        let side = if off > 0 { "behind" } else { "ahead of" };
        // A Date tells no more than the second.
        let words = match amount.as_secs() {
            0 => "this machine's clock is within a second of Cognito's".to_owned(),
            seconds => format!("this machine's clock is {seconds} s {side} Cognito's"),
        };
        if amount >= SIGNATURES_END {
            check.fails(words, "set the clock (NTP): AWS refuses signatures that are 5 minutes off")
        } else if amount >= self.settings.vending.clock_skew_warning {
            check.warns(words, "set the clock (NTP): tokens are cut short by that much")
        } else {
            check.holds(words)
        }
    }

    /// Whether there are credentials, where they are from and until when they hold.
    pub(super) fn credentials(&self) -> BoxFuture<'_, Vec<Check>> {
        let check = || Check::new(CheckId::Credentials, "");
        let look = async move {
            vec![match self.cognito.survey_credentials().await {
                Ok(found) => {
                    let expiry = found.expires_at.map(|moment| moment.to_rfc3339());
                    let until = expiry.as_ref().map_or("without an end".to_owned(), |at| format!("until {at}"));
                    let check = check().with("source", found.source.clone()).with("expiresAt", expiry);
                    check.holds(format!("from {}, {until}", found.source))
                }
                Err(why) => check().fails(
                    format!("none found: {why}"),
                    "give the process a role: ECS task role, EKS service account, EC2 instance role; or AWS_PROFILE \
                     for a try",
                ),
            }]
        };
        self.in_time(look, check()).boxed()
    }

    /// Whom AWS takes us for.
    pub(super) fn identity(&self) -> BoxFuture<'_, Vec<Check>> {
        let check = || Check::new(CheckId::Identity, "");
        let look = async move {
            vec![match self.cognito.who_am_i().await {
                Ok(found) => check()
                    .with("account", found.account.clone())
                    .with("arn", found.arn.clone())
                    .holds(format!("{} of account {}", found.arn, found.account)),
                Err(naysay) => match naysay.kind {
                    AwsErrorKind::NoCredentials => check().skipped("there are no credentials"),
                    AwsErrorKind::CredentialsRefused => check().fails(
                        format!("STS does not take the credentials: {naysay}"),
                        "the key is wrong, deleted or expired, or the clock is: get new credentials",
                    ),
                    _ => check().warns(
                        format!("STS does not say: {naysay}"),
                        "tokenvend does not need STS itself; name its endpoint in AWS_ENDPOINT_URL_STS to know",
                    ),
                },
            }]
        };
        self.in_time(look, check()).boxed()
    }

    /// What we allow ourselves in each region, beside what it should be compared with.
    pub(super) fn budgets(&self) -> Vec<Check> {
        let budget = self.settings.vending.upstream.rate_limit;
        let one = |(region, pools): (&str, Vec<&str>)| {
            let check = Check::new(CheckId::Budget, region).with("callsPerSecond", budget.calls_per_second);
            let check = check.with("burst", budget.burst).with("pools", pools.clone());
            let words = format!(
                "{} calls a second, {} at once, shared by {}; the quota is the account's, divide it by the replicas",
                budget.calls_per_second,
                budget.burst,
                counted(&pools),
            );
            if budget.calls_per_second > HIGHEST_DEFAULT_QUOTA {
                let remedy = "was the quota raised? Service Quotas tells: Amazon Cognito Federated Identities, \
                              GetOpenIdTokenForDeveloperIdentity";
                check.warns(words, remedy)
            } else {
                check.holds(words)
            }
        };
        self.pools_by_region().into_iter().map(one).collect()
    }

    fn pools_by_region(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut regions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for pool in self.settings.pools.iter() {
            regions.entry(pool.id.region()).or_default().push(&pool.name);
        }
        regions
    }
}

fn counted(pools: &[&str]) -> String {
    match pools {
        [one] => format!("pool {one} alone"),
        several => format!("pools {}", several.join(", ")),
    }
}
