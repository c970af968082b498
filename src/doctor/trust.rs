//! The trust policy that the role of a pool's users must have.

use serde_json::{Value, json};

use crate::pools::Pool;
use crate::token;

/// What the pool's authenticated role must trust so that its users get credentials. Without the condition on `aud`
/// every AWS customer's users could have the role, without the one on `amr` the pool's guests.
pub fn trust_policy(pool: &Pool) -> Value {
    let authority = token::authority(pool.id.region());
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
    let tags = (!pool.tags.is_empty()).then_some("sts:TagSession");
    std::iter::once("sts:AssumeRoleWithWebIdentity").chain(tags).collect()
}
