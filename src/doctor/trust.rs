//! What the roles of a pool must trust, and whether they do.

mod condition;
mod policy;

use serde_json::{Value, json};

use self::policy::{Ternary, TokenContext, TrustPolicy};
use super::report::Check;
use crate::pools::Pool;
use crate::token;
use cognito_types::RoleArn;

const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
const TAG: &str = "sts:TagSession";

/// What the pool's authenticated role must trust so that its users get credentials. Without the condition on `aud`
/// every AWS customer's users could have the role, without the one on `amr` the pool's guests.
pub fn trust_policy(pool: &Pool) -> Value {
    let authority = token::issuer_host(pool.id.region());
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "SignedInUsersOfOnePool",
            "Effect": "Allow",
            "Principal": {"Federated": authority},
            "Action": actions(pool),
            "Condition": {
                "StringEquals": {format!("{authority}:aud"): pool.id.as_str()},
                "ForAnyValue:StringLike": {format!("{authority}:amr"): "authenticated"},
            },
        }],
    })
}

/// A token with principal tags is refused by a role that does not allow them; one without tags needs no more.
fn actions(pool: &Pool) -> Vec<&'static str> {
    let tags = (!pool.tags.is_empty()).then_some(TAG);
    std::iter::once(ASSUME).chain(tags).collect()
}

/// Who is to have a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleKind {
    Users,
    Guests,
}

/// Judges a role's trust policy by whom it lets in: those who are to have the role, and nobody else. The policy is not
/// compared with ours, because the same can be said in many ways.
pub(super) fn evaluate_trust(
    check: Check,
    pool: &Pool,
    role: &RoleArn,
    whose: RoleKind,
    document: &str,
) -> Check {
    let policy = match TrustPolicy::parse(document) {
        Ok(policy) => policy,
        Err(why) => {
            return check.warn(
                format!("{role} has a trust policy that cannot be read: {why}"),
                trust_fix(pool, role, whose),
            );
        }
    };
    let own = token_context(pool, pool.id.as_str(), whose);
    let who = match whose {
        RoleKind::Users => "signed-in users",
        RoleKind::Guests => "guests",
    };
    for action in actions(pool) {
        // Guests' tokens have no tags.
        let is_needed = action == ASSUME || whose == RoleKind::Users;
        if is_needed && policy.allows(action, &own) == Ternary::No {
            let tagged = if action == TAG { " with principal tags" } else { "" };
            let words = format!(
                "{role} does not let in this pool's {who}{tagged}: {}",
                policy.denial_reason(action, &own)
            );
            return check.fail(words, trust_fix(pool, role, whose));
        }
    }
    let intruders = unexpected_principals(&policy, pool, whose);
    if !intruders.is_empty() {
        let words = format!("{role} lets in too many: {}", intruders.join(", and "));
        return check.warn(words, trust_fix(pool, role, whose));
    }
    let others = policy.unevaluated_keys(&own.issuer_host);
    let words = match whose {
        RoleKind::Users => format!("{role} lets in this pool's users, no strangers and no guests"),
        RoleKind::Guests => format!("{role} lets in this pool's guests, and no strangers"),
    };
    match policy.allows(ASSUME, &own) {
        Ternary::Unknown if others.is_empty() => {
            let words = format!(
                "{role} may let in this pool's {who}, or may not: AWS does not say how it reads the policy"
            );
            check.warn(words, trust_fix(pool, role, whose))
        }
        Ternary::Unknown => check.ok(format!("{words}, where {} allows it", others.join(", "))),
        _ => check.ok(words),
    }
}

/// Who is let in and should not be, in words.
fn unexpected_principals(policy: &TrustPolicy, pool: &Pool, whose: RoleKind) -> Vec<String> {
    let is_let_in = |bearer: &TokenContext| policy.allows(ASSUME, bearer) != Ternary::No;
    let authority = token::issuer_host(pool.id.region());
    // Anybody can make a pool; this one's id is nobody's.
    let elsewhere = format!("{}:00000000-0000-0000-0000-000000000000", pool.id.region());
    let mut found = Vec::new();
    if is_let_in(&token_context(pool, &elsewhere, whose)) {
        found.push(format!(
            "users of other identity pools, any AWS customer's (no condition holds {authority}:aud to {})",
            pool.id
        ));
    }
    if whose == RoleKind::Users && is_let_in(&token_context(pool, pool.id.as_str(), RoleKind::Guests)) {
        found.push(format!("guests (no condition holds {authority}:amr to authenticated)"));
    }
    found
}

/// What IAM sees of a token of that pool.
fn token_context(pool: &Pool, audience: &str, whose: RoleKind) -> TokenContext {
    let provider = &pool.provider;
    let methods = match whose {
        RoleKind::Users => {
            vec!["authenticated".to_owned(), provider.to_string(), format!("{provider}:{audience}:user")]
        }
        RoleKind::Guests => vec!["unauthenticated".to_owned()],
    };
    TokenContext { issuer_host: token::issuer_host(pool.id.region()), audience: audience.to_owned(), methods }
}

fn trust_fix(pool: &Pool, role: &RoleArn, whose: RoleKind) -> String {
    match whose {
        RoleKind::Users => format!(
            "aws iam update-assume-role-policy --role-name {} --policy-document \"$(tokenvend doctor --trust-policy {})\"",
            role.name(),
            pool.name
        ),
        RoleKind::Guests => {
            let authority = token::issuer_host(pool.id.region());
            format!(
                "let its trust policy allow {ASSUME} to {authority} where {authority}:aud is {} and {authority}:amr is \
                 unauthenticated, and nothing else",
                pool.id
            )
        }
    }
}
