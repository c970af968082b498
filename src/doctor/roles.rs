//! Checks of the roles of a pool and their trust policies. Reading a role needs IAM, which tokenvend itself does not
//! use: where a role cannot be read, its required trust policy is reported all the same.

use futures_util::future::join_all;

use super::context::DoctorContext;
use super::pool::{NOT_NEEDED, skip_reason};
use super::report::{Check, CheckId};
use super::trust::{RoleKind, evaluate_trust, trust_policy};
use crate::issuer::cognito::{AwsError, AwsErrorKind, PoolRoles};
use crate::pools::Pool;
use cognito_types::RoleArn;

impl DoctorContext {
    /// One check of a pool's roles, and one of each role's trust policy. Each call has a timeout of its own.
    pub(super) async fn roles(&self, pool: &Pool) -> Vec<Check> {
        let probe = self.cognito.pool_probe(pool.id.region());
        let roles = self.with_timeout(probe.roles(&pool.id)).await.flatten();
        let trusts = self.trusts(pool, &roles).await;
        std::iter::once(pool_roles(pool, &roles)).chain(trusts).collect()
    }

    async fn trusts(&self, pool: &Pool, roles: &Result<PoolRoles, AwsError>) -> Vec<Check> {
        let required = trust_policy(pool);
        let users = Check::new(CheckId::RoleTrust, &pool.name).with_value("trustPolicy", required.clone());
        let guests = Check::new(CheckId::GuestRoleTrust, &pool.name);
        let custom = Check::new(CheckId::CustomRoleTrust, &pool.name).with_value("trustPolicy", required);
        let authenticated = roles.as_ref().map(|roles| roles.authenticated.as_deref());
        let skipped = match authenticated {
            Ok(Some(_)) => None,
            Ok(None) => Some(users.clone().skip("the pool has no role for authenticated users")),
            Err(error) => Some(users.clone().skip(format!("the role is unknown: {}", skip_reason(error)))),
        };
        let unauthenticated = roles.as_ref().ok().and_then(|roles| roles.unauthenticated.as_deref());
        let configured = pool.credentials.as_ref().and_then(|grant| grant.role.as_ref()).map(RoleArn::as_str);
        let trusts = [
            (users, authenticated.ok().flatten(), RoleKind::Users),
            (guests, unauthenticated, RoleKind::Guests),
            (custom, configured, RoleKind::Users),
        ];
        let checks = trusts.into_iter().filter_map(|(check, arn, kind)| Some(self.trust(check, pool, arn?, kind)));
        skipped.into_iter().chain(join_all(checks).await).collect()
    }

    async fn trust(&self, check: Check, pool: &Pool, arn: &str, kind: RoleKind) -> Check {
        let check = check.with_value("role", arn);
        let role = match RoleArn::parse(arn) {
            Ok(role) => role,
            Err(why) => return check.fail(why.to_string(), "set a valid role ARN at the pool"),
        };
        let error = match self.with_timeout(self.cognito.get_trust_policy(&role)).await.flatten() {
            Ok(document) => return evaluate_trust(check, pool, &role, kind, &document),
            Err(error) => error,
        };
        let compare = match kind {
            RoleKind::Users => format!("; compare it with: tokenvend doctor --trust-policy {}", pool.name),
            RoleKind::Guests => String::new(),
        };
        match error.kind {
            AwsErrorKind::NotFound => check.fail(
                format!("IAM does not have {role}: {error}"),
                "its users get no credentials: create it, or set another role",
            ),
            AwsErrorKind::AccessDenied => {
                check.skip(format!("{NOT_NEEDED}; the check needs iam:GetRole on {role}{compare}"))
            }
            AwsErrorKind::NoCredentials
            | AwsErrorKind::CredentialProviderFailed
            | AwsErrorKind::CredentialsRejected => check.skip(skip_reason(&error)),
            AwsErrorKind::Unreachable => check.skip(format!("IAM cannot be reached: {error}{compare}")),
            _ => check.skip(format!("IAM does not return the role: {error}{compare}")),
        }
    }
}

fn pool_roles(pool: &Pool, roles: &Result<PoolRoles, AwsError>) -> Check {
    let check = Check::new(CheckId::Roles, &pool.name);
    match roles {
        Ok(PoolRoles { authenticated: Some(users), unauthenticated }) => {
            let guests = unauthenticated.as_ref().map(|role| format!(", guests get {role}")).unwrap_or_default();
            check
                .with_value("authenticated", users.as_str())
                .with_value("unauthenticated", unauthenticated.as_deref())
                .ok(format!("users get {users}{guests}"))
        }
        Ok(_) => check.warn(
            "the pool has no role for authenticated users",
            "tokens are vended, but GetCredentialsForIdentity rejects them: set the pool's authenticated role",
        ),
        Err(error) => check.skip(skip_reason(error)),
    }
}
