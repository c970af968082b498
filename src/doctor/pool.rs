//! One pool: whether we may mint for it, and whether it is what the configuration takes it for.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::DoctorContext;
use super::report::{Check, CheckId};
use crate::issuer::cognito::{AwsError, AwsErrorKind, PermissionProbe, PoolInfo};
use crate::pools::Pool;

/// A right that is missing, but that nobody should give for the doctor's sake.
pub(super) const NOT_NEEDED: &str = "not allowed, which is fine: tokenvend does not need it";

impl DoctorContext {
    /// Everything about one pool but its roles.
    pub(super) fn pool<'s>(&'s self, pool: &'s Pool) -> BoxFuture<'s, Vec<Check>> {
        let look = async move {
            let survey = self.cognito.pool_probe(pool.id.region());
            let (right, described) =
                tokio::join!(survey.probe_permission(&pool.id, &pool.provider), survey.describe(&pool.id));
            vec![
                self.permission(pool, &right),
                exists(pool, &right, &described),
                provider(pool, &right, &described),
                flows(pool, &described),
            ]
        };
        self.within_timeout(look, Check::new(CheckId::Pool, &*pool.name)).boxed()
    }

    fn permission(&self, pool: &Pool, right: &Result<PermissionProbe, AwsError>) -> Check {
        let check = Check::new(CheckId::Permission, &*pool.name);
        let naysay = match right {
            Ok(PermissionProbe::UnexpectedToken) if self.settings.vending.opaque_tokens => {
                return check
                    .ok("a token for an identity that does not exist: this is a stand-in for Cognito");
            }
            Ok(PermissionProbe::UnexpectedToken) => {
                return check.fail(
                    "a token came back for an identity that does not exist, so this is not Cognito",
                    "is upstream.endpoint_url or AWS_ENDPOINT_URL left over from a test?",
                );
            }
            Ok(_) => return check.ok("cognito-identity:GetOpenIdTokenForDeveloperIdentity is allowed"),
            Err(naysay) => naysay,
        };
        match naysay.kind {
            AwsErrorKind::AccessDenied => check.fail(
                format!("minting is not allowed: {naysay}"),
                format!(
                    "allow cognito-identity:GetOpenIdTokenForDeveloperIdentity on \
                     arn:{}:cognito-identity:{}:ACCOUNT:identitypool/{} (deploy/iam/policy.json)",
                    partition(pool.id.region()),
                    pool.id.region(),
                    pool.id,
                ),
            ),
            AwsErrorKind::NotAuthorized => check.warn(
                format!("IAM lets it pass, but Cognito refuses: {naysay}"),
                "--mint-as USER tells whether it refuses a real user too",
            ),
            AwsErrorKind::Throttled => check.warn(
                format!("Cognito cannot say, it is throttling this account: {naysay}"),
                "try again; if it stays, compare the budget of all replicas with the quota",
            ),
            AwsErrorKind::NoCredentials => check.skip("there are no credentials"),
            AwsErrorKind::CredentialsRejected => check.fail(
                format!("Cognito does not take the credentials: {naysay}"),
                "the key is wrong, deleted or expired, or the clock is: get new credentials",
            ),
            AwsErrorKind::Unreachable => check.fail(
                format!("Cognito cannot be asked: {naysay}"),
                "mend the way to Cognito's endpoint (DNS, firewall, proxy, upstream.endpoint_url)",
            ),
            AwsErrorKind::NotFound | AwsErrorKind::Other => {
                check.fail(format!("Cognito does not say: {naysay}"), "try again; if it stays, ask AWS")
            }
        }
    }
}

fn exists(
    pool: &Pool,
    right: &Result<PermissionProbe, AwsError>,
    described: &Result<PoolInfo, AwsError>,
) -> Check {
    let check = Check::new(CheckId::Pool, &*pool.name).with_value("identityPoolId", pool.id.as_str());
    let is_missing = described.as_ref().is_err_and(|naysay| naysay.kind == AwsErrorKind::NotFound);
    match (described, right) {
        (Ok(_), _) => check.ok(format!("{} exists", pool.id)),
        (Err(_), Ok(PermissionProbe::Allowed | PermissionProbe::AllowedLoginRejected)) if !is_missing => {
            check.ok(format!("{} exists", pool.id))
        }
        (Err(_), right) if is_missing || matches!(right, Ok(PermissionProbe::AllowedPoolMissing)) => check
            .fail(
                format!("{} does not exist in this account", pool.id),
                format!(
                    "mend pools.{}.identity_pool_id, or use the credentials of the pool's account",
                    pool.name
                ),
            ),
        (Err(naysay), _) => check.skip(skip_reason(naysay)),
    }
}

fn provider(
    pool: &Pool,
    right: &Result<PermissionProbe, AwsError>,
    described: &Result<PoolInfo, AwsError>,
) -> Check {
    let check = Check::new(CheckId::Provider, &*pool.name).with_value("configured", pool.provider.as_str());
    let remedy = || {
        format!(
            "mend pools.{}.developer_provider, or set the name at the pool; once set there, it stays",
            pool.name
        )
    };
    match (described, right) {
        (Ok(PoolInfo { developer_provider: Some(name), .. }), _) if name == pool.provider.as_str() => {
            check.with_value("found", name.as_str()).ok(format!("{name}, as configured"))
        }
        (Ok(PoolInfo { developer_provider: found, .. }), _) => {
            let words = found.as_deref().map_or_else(
                || "the pool has no developer provider".to_owned(),
                |name| format!("the pool's developer provider is {name}, configured is {}", pool.provider),
            );
            check.with_value("found", found.as_deref()).fail(words, remedy())
        }
        (Err(_), Ok(PermissionProbe::AllowedLoginRejected)) => {
            check.fail(format!("the pool does not take a login of {}", pool.provider), remedy())
        }
        (Err(naysay), _) => check.skip(skip_reason(naysay)),
    }
}

fn flows(pool: &Pool, described: &Result<PoolInfo, AwsError>) -> Check {
    let check = Check::new(CheckId::Flows, &*pool.name);
    let on = |is_on| if is_on { "on" } else { "off" };
    match described {
        Ok(found) => {
            let words = format!("guests {}, classic flow {}", on(found.guests), on(found.classic_flow));
            let check =
                check.with_value("guests", found.guests).with_value("classicFlow", found.classic_flow);
            if pool.linking.guests && !found.guests {
                let name = &pool.name;
                check.warn(
                    words,
                    format!("pools.{name}.linking.guests waits for guests that the pool does not let in"),
                )
            } else {
                check.ok(words)
            }
        }
        Err(naysay) => check.skip(skip_reason(naysay)),
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

pub(super) fn skip_reason(naysay: &AwsError) -> String {
    match naysay.kind {
        AwsErrorKind::AccessDenied => NOT_NEEDED.to_owned(),
        AwsErrorKind::NoCredentials => "there are no credentials".to_owned(),
        AwsErrorKind::CredentialsRejected => "the credentials are not taken".to_owned(),
        AwsErrorKind::NotFound => "the pool was not found".to_owned(),
        AwsErrorKind::Unreachable => "Cognito cannot be asked".to_owned(),
        AwsErrorKind::NotAuthorized | AwsErrorKind::Throttled | AwsErrorKind::Other => {
            format!("AWS does not say: {naysay}")
        }
    }
}
