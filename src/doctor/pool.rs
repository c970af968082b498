//! One pool: whether we may mint for it, and whether it is what the configuration takes it for.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::Subject;
use super::report::{Check, CheckId};
use crate::issuer::cognito::{AwsError, AwsErrorKind, PermissionProbe, PoolInfo};
use crate::pools::Pool;

/// A right that is missing, but that nobody should give for the doctor's sake.
pub(super) const NOT_NEEDED: &str = "not allowed, which is fine: tokenvend does not need it";

impl Subject {
    /// Everything about one pool but its roles.
    pub(super) fn pool<'s>(&'s self, pool: &'s Pool) -> BoxFuture<'s, Vec<Check>> {
        let look = async move {
            let survey = self.cognito.survey(pool.id.region());
            let (right, described) =
                tokio::join!(survey.try_right(&pool.id, &pool.provider), survey.describe(&pool.id));
            vec![
                self.right(pool, &right),
                exists(pool, &right, &described),
                provider(pool, &right, &described),
                flows(pool, &described),
            ]
        };
        self.in_time(look, Check::new(CheckId::Pool, &*pool.name)).boxed()
    }

    fn right(&self, pool: &Pool, right: &Result<PermissionProbe, AwsError>) -> Check {
        let check = Check::new(CheckId::Right, &*pool.name);
        let naysay = match right {
            Ok(PermissionProbe::Minted) if self.settings.vending.accept_opaque_tokens => {
                return check
                    .holds("a token for an identity that does not exist: this is a stand-in for Cognito");
            }
            Ok(PermissionProbe::Minted) => {
                return check.fails(
                    "a token came back for an identity that does not exist, so this is not Cognito",
                    "is upstream.endpoint_url or AWS_ENDPOINT_URL left over from a test?",
                );
            }
            Ok(_) => return check.holds("cognito-identity:GetOpenIdTokenForDeveloperIdentity is allowed"),
            Err(naysay) => naysay,
        };
        match naysay.kind {
            AwsErrorKind::NotAllowed => check.fails(
                format!("minting is not allowed: {naysay}"),
                format!(
                    "allow cognito-identity:GetOpenIdTokenForDeveloperIdentity on \
                     arn:{}:cognito-identity:{}:ACCOUNT:identitypool/{} (deploy/iam/policy.json)",
                    partition(pool.id.region()),
                    pool.id.region(),
                    pool.id,
                ),
            ),
            AwsErrorKind::NotAuthorized => check.warns(
                format!("IAM lets it pass, but Cognito refuses: {naysay}"),
                "--mint-as USER tells whether it refuses a real user too",
            ),
            AwsErrorKind::Throttled => check.warns(
                format!("Cognito cannot say, it is throttling this account: {naysay}"),
                "try again; if it stays, compare the budget of all replicas with the quota",
            ),
            AwsErrorKind::NoCredentials => check.skipped("there are no credentials"),
            AwsErrorKind::CredentialsRefused => check.fails(
                format!("Cognito does not take the credentials: {naysay}"),
                "the key is wrong, deleted or expired, or the clock is: get new credentials",
            ),
            AwsErrorKind::Unreachable => check.fails(
                format!("Cognito cannot be asked: {naysay}"),
                "mend the way to Cognito's endpoint (DNS, firewall, proxy, upstream.endpoint_url)",
            ),
            AwsErrorKind::NotFound | AwsErrorKind::Other => {
                check.fails(format!("Cognito does not say: {naysay}"), "try again; if it stays, ask AWS")
            }
        }
    }
}

fn exists(
    pool: &Pool,
    right: &Result<PermissionProbe, AwsError>,
    described: &Result<PoolInfo, AwsError>,
) -> Check {
    let check = Check::new(CheckId::Pool, &*pool.name).with("identityPoolId", pool.id.as_str());
    let is_missing = described.as_ref().is_err_and(|naysay| naysay.kind == AwsErrorKind::NotFound);
    match (described, right) {
        (Ok(_), _) => check.holds(format!("{} exists", pool.id)),
        (Err(_), Ok(PermissionProbe::MissedTheIdentity | PermissionProbe::RefusedTheLogin))
            if !is_missing =>
        {
            check.holds(format!("{} exists", pool.id))
        }
        (Err(_), right) if is_missing || matches!(right, Ok(PermissionProbe::MissedThePool)) => check.fails(
            format!("{} does not exist in this account", pool.id),
            format!(
                "mend pools.{}.identity_pool_id, or use the credentials of the pool's account",
                pool.name
            ),
        ),
        (Err(naysay), _) => check.skipped(unread(naysay)),
    }
}

fn provider(
    pool: &Pool,
    right: &Result<PermissionProbe, AwsError>,
    described: &Result<PoolInfo, AwsError>,
) -> Check {
    let check = Check::new(CheckId::Provider, &*pool.name).with("configured", pool.provider.as_str());
    let remedy = || {
        format!(
            "mend pools.{}.developer_provider, or set the name at the pool; once set there, it stays",
            pool.name
        )
    };
    match (described, right) {
        (Ok(PoolInfo { developer_provider: Some(name), .. }), _) if name == pool.provider.as_str() => {
            check.with("found", name.as_str()).holds(format!("{name}, as configured"))
        }
        (Ok(PoolInfo { developer_provider: found, .. }), _) => {
            let words = found.as_deref().map_or_else(
                || "the pool has no developer provider".to_owned(),
                |name| format!("the pool's developer provider is {name}, configured is {}", pool.provider),
            );
            check.with("found", found.as_deref()).fails(words, remedy())
        }
        (Err(_), Ok(PermissionProbe::RefusedTheLogin)) => {
            check.fails(format!("the pool does not take a login of {}", pool.provider), remedy())
        }
        (Err(naysay), _) => check.skipped(unread(naysay)),
    }
}

fn flows(pool: &Pool, described: &Result<PoolInfo, AwsError>) -> Check {
    let check = Check::new(CheckId::Flows, &*pool.name);
    let on = |is_on| if is_on { "on" } else { "off" };
    match described {
        Ok(found) => {
            let words = format!("guests {}, classic flow {}", on(found.guests), on(found.classic_flow));
            let check = check.with("guests", found.guests).with("classicFlow", found.classic_flow);
            if pool.linking.guests && !found.guests {
                let name = &pool.name;
                check.warns(
                    words,
                    format!("pools.{name}.linking.guests waits for guests that the pool does not let in"),
                )
            } else {
                check.holds(words)
            }
        }
        Err(naysay) => check.skipped(unread(naysay)),
    }
}

/// What ARNs of a region begin with.
fn partition(region: &str) -> &'static str {
    match region {
        china if china.starts_with("cn-") => "aws-cn",
        gov if gov.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

pub(super) fn unread(naysay: &AwsError) -> String {
    match naysay.kind {
        AwsErrorKind::NotAllowed => NOT_NEEDED.to_owned(),
        AwsErrorKind::NoCredentials => "there are no credentials".to_owned(),
        AwsErrorKind::CredentialsRefused => "the credentials are not taken".to_owned(),
        AwsErrorKind::NotFound => "the pool was not found".to_owned(),
        AwsErrorKind::Unreachable => "Cognito cannot be asked".to_owned(),
        AwsErrorKind::NotAuthorized | AwsErrorKind::Throttled | AwsErrorKind::Other => {
            format!("AWS does not say: {naysay}")
        }
    }
}
