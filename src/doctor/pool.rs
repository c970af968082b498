//! Checks of one pool: the permission to mint for it, and whether it is as the configuration says.

use super::context::DoctorContext;
use super::report::{Check, CheckId};
use crate::issuer::cognito::{AwsError, AwsErrorKind, PermissionProbe, PoolInfo};
use crate::pools::Pool;

/// A missing permission that should not be granted for `doctor` alone.
pub(super) const NOT_NEEDED: &str = "not allowed, which is fine: tokenvend does not need it";

/// The remedy for rejected credentials.
pub(super) const NEW_CREDENTIALS: &str =
    "the key is wrong, deleted or expired, or the clock is wrong: get new credentials";

/// The remedy if Cognito does not respond.
pub(super) const REACH_COGNITO: &str =
    "check the path to Cognito's endpoint (DNS, firewall, proxy, upstream.endpoint_url)";

impl DoctorContext {
    /// All checks of one pool except those of its roles.
    pub(super) async fn pool(&self, pool: &Pool) -> Vec<Check> {
        let probe = self.cognito.pool_probe(pool.id.region());
        let (permission, info) =
            tokio::join!(probe.probe_permission(&pool.id, &pool.provider), probe.describe(&pool.id));
        vec![
            self.permission(pool, &permission),
            existence(pool, &permission, &info),
            provider(pool, &permission, &info),
            flows(pool, &info),
        ]
    }

    fn permission(&self, pool: &Pool, permission: &Result<PermissionProbe, AwsError>) -> Check {
        let check = Check::new(CheckId::Permission, &pool.name);
        let error = match permission {
            Ok(PermissionProbe::UnexpectedToken) if self.settings.vending.accept_opaque_tokens => {
                return check.ok("a token for an identity that does not exist: this is an emulator of Cognito");
            }
            Ok(PermissionProbe::UnexpectedToken) => {
                return check.fail(
                    "a token was returned for an identity that does not exist, so this is not Cognito",
                    "is upstream.endpoint_url or AWS_ENDPOINT_URL left over from a test?",
                );
            }
            Ok(_) => return check.ok("cognito-identity:GetOpenIdTokenForDeveloperIdentity is allowed"),
            Err(error) => error,
        };
        match error.kind {
            AwsErrorKind::AccessDenied => check.fail(
                format!("minting is not allowed: {error}"),
                format!(
                    "allow cognito-identity:GetOpenIdTokenForDeveloperIdentity on \
                     arn:{}:cognito-identity:{}:ACCOUNT:identitypool/{} (deploy/iam/policy.json)",
                    partition(pool.id.region()),
                    pool.id.region(),
                    pool.id,
                ),
            ),
            AwsErrorKind::NotAuthorized => check.warn(
                format!("IAM allows the call, but Cognito rejects it: {error}"),
                "--test-mint USER shows whether it rejects a real user too",
            ),
            AwsErrorKind::Throttled => check.warn(
                format!("unknown, because Cognito throttles this account: {error}"),
                "try again; if it persists, compare the call rate limits of all replicas with the quota",
            ),
            AwsErrorKind::NoCredentials | AwsErrorKind::CredentialProviderFailed => check.skip(skip_reason(error)),
            AwsErrorKind::CredentialsRejected => {
                check.fail(format!("Cognito rejects the credentials: {error}"), NEW_CREDENTIALS)
            }
            AwsErrorKind::Unreachable => check.fail(format!("Cognito cannot be reached: {error}"), REACH_COGNITO),
            _ => check.fail(format!("unexpected error: {error}"), "try again; if it persists, ask AWS"),
        }
    }
}

fn existence(pool: &Pool, permission: &Result<PermissionProbe, AwsError>, info: &Result<PoolInfo, AwsError>) -> Check {
    let check = Check::new(CheckId::Pool, &pool.name).with_value("identityPoolId", pool.id.as_str());
    let exists = match (info, permission) {
        (Ok(_), _) => true,
        (Err(error), _) if error.kind == AwsErrorKind::NotFound => false,
        (Err(_), Ok(PermissionProbe::Allowed | PermissionProbe::AllowedLoginRejected)) => true,
        (Err(_), Ok(PermissionProbe::AllowedPoolMissing)) => false,
        (Err(error), _) => return check.skip(skip_reason(error)),
    };
    if exists {
        return check.ok(format!("{} exists", pool.id));
    }
    check.fail(
        format!("{} does not exist in this account", pool.id),
        format!("correct pools.{}.identity_pool_id, or use credentials of the pool's account", pool.name),
    )
}

fn provider(pool: &Pool, permission: &Result<PermissionProbe, AwsError>, info: &Result<PoolInfo, AwsError>) -> Check {
    let check = Check::new(CheckId::Provider, &pool.name).with_value("configured", pool.provider.as_str());
    let (configured, name) = (&pool.provider, &pool.name);
    let fix =
        format!("correct pools.{name}.developer_provider, or set the name at the pool; it cannot be changed later");
    match (info, permission) {
        (Ok(info), _) => {
            let observed = info.developer_provider.as_deref();
            let check = check.with_value("observed", observed);
            match observed {
                Some(observed) if observed == configured.as_str() => check.ok(format!("{observed}, as configured")),
                Some(observed) => {
                    check.fail(format!("the pool's developer provider is {observed}, configured is {configured}"), fix)
                }
                None => check.fail("the pool has no developer provider", fix),
            }
        }
        (Err(_), Ok(PermissionProbe::AllowedLoginRejected)) => {
            check.fail(format!("the pool rejects a login of {configured}"), fix)
        }
        (Err(error), _) => check.skip(skip_reason(error)),
    }
}

fn flows(pool: &Pool, info: &Result<PoolInfo, AwsError>) -> Check {
    let check = Check::new(CheckId::Flows, &pool.name);
    let info = match info {
        Ok(info) => info,
        Err(error) => return check.skip(skip_reason(error)),
    };
    let on = |is_on| if is_on { "on" } else { "off" };
    let observed = format!("guests {}, classic flow {}", on(info.guests), on(info.classic_flow));
    let check = check.with_value("guests", info.guests).with_value("classicFlow", info.classic_flow);
    if info.guests || !pool.linking.guests {
        return check.ok(observed);
    }
    let key = format!("pools.{}.linking.guests", pool.name);
    check.warn(observed, format!("{key} has no effect, because the pool does not allow guests"))
}

/// The partition in ARNs of a region.
fn partition(region: &str) -> &'static str {
    match region {
        china if china.starts_with("cn-") => "aws-cn",
        gov if gov.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Why a check is skipped that only gives more information.
pub(super) fn skip_reason(error: &AwsError) -> String {
    match error.kind {
        AwsErrorKind::AccessDenied => NOT_NEEDED.to_owned(),
        AwsErrorKind::NoCredentials | AwsErrorKind::CredentialProviderFailed => "there are no credentials".to_owned(),
        AwsErrorKind::CredentialsRejected => "the credentials are rejected".to_owned(),
        AwsErrorKind::NotFound => "the pool was not found".to_owned(),
        AwsErrorKind::Unreachable => "Cognito cannot be reached".to_owned(),
        _ => format!("unexpected error: {error}"),
    }
}
