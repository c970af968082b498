//! Trust policies of a pool's roles: the required one, and the evaluation of a role's own.

mod condition;
mod evaluation;
mod policy;

use serde_json::{Value, json};

use self::evaluation::{Ternary, TokenContext};
use self::policy::TrustPolicy;
use super::report::Check;
use crate::pools::Pool;
use crate::token;
use cognito_types::RoleArn;

const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
const TAG: &str = "sts:TagSession";

/// The trust policy that the pool's authenticated role needs so that its users get credentials. Without the condition
/// on `aud`, users of every AWS customer could assume the role; without the one on `amr`, the pool's guests.
pub fn trust_policy(pool: &Pool) -> Value {
    let host = token::issuer_host(pool.id.region());
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "SignedInUsersOfOnePool",
            "Effect": "Allow",
            "Principal": {"Federated": host},
            "Action": actions(pool),
            "Condition": {
                "StringEquals": {format!("{host}:aud"): pool.id.as_str()},
                "ForAnyValue:StringLike": {format!("{host}:amr"): "authenticated"},
            },
        }],
    })
}

/// A role must allow `sts:TagSession` for tokens with principal tags.
fn actions(pool: &Pool) -> Vec<&'static str> {
    let tags = (!pool.tags.is_empty()).then_some(TAG);
    std::iter::once(ASSUME).chain(tags).collect()
}

/// Whose role it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleKind {
    Users,
    Guests,
}

/// Evaluates a role's trust policy by the principals that it allows: those of the role's kind, and no others. The
/// policy is not compared with [`trust_policy`], because the same can be written in many ways.
pub(super) fn evaluate_trust(check: Check, pool: &Pool, role: &RoleArn, kind: RoleKind, document: &str) -> Check {
    let policy = match TrustPolicy::parse(document) {
        Ok(policy) => policy,
        Err(why) => {
            return check
                .warn(format!("{role} has a trust policy that cannot be parsed: {why}"), trust_fix(pool, role, kind));
        }
    };
    let own = token_context(pool, pool.id.as_str(), kind);
    let principals = match kind {
        RoleKind::Users => "signed-in users",
        RoleKind::Guests => "guests",
    };
    for action in actions(pool) {
        // Guests' tokens have no tags.
        let is_needed = action == ASSUME || kind == RoleKind::Users;
        if is_needed && policy.allows(action, &own) == Ternary::No {
            let tagged = if action == TAG { " with principal tags" } else { "" };
            let reason = policy.denial_reason(action, &own);
            let observed = format!("{role} does not trust this pool's {principals}{tagged}: {reason}");
            return check.fail(observed, trust_fix(pool, role, kind));
        }
    }
    let unexpected = unexpected_principals(&policy, pool, kind);
    if !unexpected.is_empty() {
        let observed = format!("{role} also trusts {}", unexpected.join(", and "));
        return check.warn(observed, trust_fix(pool, role, kind));
    }
    let others = policy.unevaluated_keys(&own.issuer_host);
    let observed = match kind {
        RoleKind::Users => format!("{role} trusts this pool's users, no other pools and no guests"),
        RoleKind::Guests => format!("{role} trusts this pool's guests, and no other pools"),
    };
    match policy.allows(ASSUME, &own) {
        Ternary::Unknown if others.is_empty() => {
            let observed = format!(
                "{role} may or may not trust this pool's {principals}: AWS does not document how it evaluates the policy"
            );
            check.warn(observed, trust_fix(pool, role, kind))
        }
        Ternary::Unknown => check.ok(format!("{observed}, where {} allows it", others.join(", "))),
        _ => check.ok(observed),
    }
}

/// Descriptions of the principals that the policy allows and should not.
fn unexpected_principals(policy: &TrustPolicy, pool: &Pool, kind: RoleKind) -> Vec<String> {
    let is_allowed = |token: &TokenContext| policy.allows(ASSUME, token) != Ternary::No;
    let host = token::issuer_host(pool.id.region());
    // Any AWS customer can create a pool; this id is no pool's.
    let other_pool = format!("{}:00000000-0000-0000-0000-000000000000", pool.id.region());
    let mut unexpected = Vec::new();
    if is_allowed(&token_context(pool, &other_pool, kind)) {
        unexpected.push(format!(
            "users of other identity pools, any AWS customer's (no condition limits {host}:aud to {})",
            pool.id
        ));
    }
    if kind == RoleKind::Users && is_allowed(&token_context(pool, pool.id.as_str(), RoleKind::Guests)) {
        unexpected.push(format!("guests (no condition limits {host}:amr to authenticated)"));
    }
    unexpected
}

/// What IAM sees of a token of that pool.
fn token_context(pool: &Pool, audience: &str, kind: RoleKind) -> TokenContext {
    let provider = &pool.provider;
    let methods = match kind {
        RoleKind::Users => {
            vec!["authenticated".to_owned(), provider.to_string(), format!("{provider}:{audience}:user")]
        }
        RoleKind::Guests => vec!["unauthenticated".to_owned()],
    };
    TokenContext { issuer_host: token::issuer_host(pool.id.region()), audience: audience.to_owned(), methods }
}

fn trust_fix(pool: &Pool, role: &RoleArn, kind: RoleKind) -> String {
    match kind {
        RoleKind::Users => format!(
            "aws iam update-assume-role-policy --role-name {} --policy-document \"$(tokenvend doctor --trust-policy {})\"",
            role.name(),
            pool.name
        ),
        RoleKind::Guests => {
            let host = token::issuer_host(pool.id.region());
            format!(
                "let its trust policy allow {ASSUME} to {host} where {host}:aud is {} and {host}:amr is unauthenticated, \
                 and nothing else",
                pool.id
            )
        }
    }
}
