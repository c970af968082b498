//! The roles that a pool's users get, and whom these let in. Reading a role is IAM's, which tokenvend has nothing to do
//! with: where it cannot be read, what it must say is known all the same.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};

use super::DoctorContext;
use super::pool::{NOT_NEEDED, skip_reason};
use super::report::{Check, CheckId};
use super::trust::{RoleKind, evaluate_trust, trust_policy};
use crate::issuer::cognito::{AwsError, AwsErrorKind, PoolRoles};
use crate::pools::Pool;
use cognito_types::RoleArn;

impl DoctorContext {
    /// The roles of one pool: a line about them, and one about whom each of them lets in.
    pub(super) fn roles<'s>(&'s self, pool: &'s Pool) -> BoxFuture<'s, Vec<Check>> {
        async move {
            let survey = self.cognito.pool_probe(pool.id.region());
            let roles = self.with_timeout(survey.roles(&pool.id)).await;
            let trusts = self.trusts(pool, &roles).await;
            std::iter::once(role(pool, &roles)).chain(trusts).collect()
        }
        .boxed()
    }

    async fn trusts(&self, pool: &Pool, roles: &Result<PoolRoles, AwsError>) -> Vec<Check> {
        let users = Check::new(CheckId::RoleTrust, &*pool.name).with_value("trustPolicy", trust_policy(pool));
        let guests = Check::new(CheckId::GuestRoleTrust, &*pool.name);
        let custom =
            Check::new(CheckId::CustomRoleTrust, &*pool.name).with_value("trustPolicy", trust_policy(pool));
        let mut skipped = None;
        let mut asked = Vec::new();
        match roles {
            Ok(found) => {
                match &found.authenticated {
                    Some(arn) => asked.push(self.trust(users, pool, arn, RoleKind::Users)),
                    None => skipped = Some(users.skip("the pool has no role for signed-in users")),
                }
                asked.extend(
                    found
                        .unauthenticated
                        .iter()
                        .map(|arn| self.trust(guests.clone(), pool, arn, RoleKind::Guests)),
                );
            }
            Err(naysay) => {
                skipped =
                    Some(users.skip(format!("which role it is cannot be read: {}", skip_reason(naysay))))
            }
        }
        let named = pool.credentials.as_ref().and_then(|grant| grant.role.as_ref());
        asked.extend(named.map(|arn| self.trust(custom, pool, arn.as_str(), RoleKind::Users)));
        skipped.into_iter().chain(join_all(asked).await).collect()
    }

    /// Whom one role lets in.
    async fn trust(&self, check: Check, pool: &Pool, arn: &str, whose: RoleKind) -> Check {
        let check = check.with_value("role", arn);
        let role = match RoleArn::parse(arn) {
            Ok(role) => role,
            Err(why) => return check.fail(why.to_string(), "give the pool a role that IAM could have"),
        };
        let naysay = match self.with_timeout(self.cognito.get_trust_policy(&role)).await {
            Ok(document) => return evaluate_trust(check, pool, &role, whose, &document),
            Err(naysay) => naysay,
        };
        let compare = match whose {
            RoleKind::Users => format!("; compare it with: tokenvend doctor --trust-policy {}", pool.name),
            RoleKind::Guests => String::new(),
        };
        match naysay.kind {
            AwsErrorKind::NotFound => check.fail(
                format!("IAM knows no {role}: {naysay}"),
                "whoever is to get it gets no credentials: create it, or name another",
            ),
            AwsErrorKind::AccessDenied => {
                check.skip(format!("{NOT_NEEDED}; iam:GetRole on {role} would tell{compare}"))
            }
            AwsErrorKind::NoCredentials => check.skip("there are no credentials"),
            AwsErrorKind::CredentialsRejected => check.skip("the credentials are not taken"),
            AwsErrorKind::Unreachable => check.skip(format!("IAM cannot be asked: {naysay}{compare}")),
            AwsErrorKind::NotAuthorized | AwsErrorKind::Throttled | AwsErrorKind::Other => {
                check.skip(format!("IAM does not say: {naysay}{compare}"))
            }
        }
    }
}

fn role(pool: &Pool, roles: &Result<PoolRoles, AwsError>) -> Check {
    let check = Check::new(CheckId::Roles, &*pool.name);
    match roles {
        Ok(PoolRoles { authenticated: Some(users), unauthenticated }) => {
            let guests =
                unauthenticated.as_ref().map(|role| format!(", guests get {role}")).unwrap_or_default();
            check
                .with_value("authenticated", users.as_str())
                .with_value("unauthenticated", unauthenticated.as_deref())
                .ok(format!("users get {users}{guests}"))
        }
        Ok(_) => check.warn(
            "the pool has no role for signed-in users",
            "tokens are vended, but GetCredentialsForIdentity refuses them: set the pool's authenticated role",
        ),
        Err(naysay) => check.skip(skip_reason(naysay)),
    }
}
