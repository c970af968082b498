//! Temporary AWS credentials for an identity, in the pool's roles. They sign calls to this emulator, and to
//! nothing else in the world.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::OperationContext;
use super::describe_identities::epoch_seconds;
use super::identities::enter;
use crate::principal::{RoleArn, RoleSession};
use crate::protocol::{ApiError, OperationResult, answer};
use crate::temporary_credentials::CredentialTerms;
use crate::validation::{self, StringPairs};

/// How long AWS lets the credentials of the enhanced flow live.
const CREDENTIALS_LIFE: Duration = Duration::from_secs(3600);
/// What AWS names every session of that flow.
const SESSION_NAME: &str = "CognitoIdentityCredentials";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    identity_id: Option<String>,
    logins: Option<StringPairs>,
    custom_role_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    identity_id: &'a str,
    credentials: Credentials<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    access_key_id: &'a str,
    secret_key: &'a str,
    session_token: &'a str,
    expiration: f64,
}

pub(super) fn get_credentials_for_identity(call: &OperationContext<'_>) -> OperationResult {
    let input: Input = validation::parse(call.input)?;
    let id = validation::identity_id(input.identity_id)?;
    let asked_for = custom_role(input.custom_role_arn)?;
    let entrance = enter(call, &id, validation::logins(input.logins)?)?;
    let pool = call.state().pool(&entrance.identity.pool)?;
    let authenticated = entrance.is_authenticated();
    let role = match &pool.roles {
        Some(roles) => roles.role_for(authenticated, asked_for.as_ref())?,
        None => asked_for.unwrap_or_else(|| own_role(&call.service.account_id, authenticated)),
    };
    let session = RoleSession { role, name: SESSION_NAME.to_owned(), tags: entrance.tags };
    let random = call.state().fork_random();
    let credentials =
        call.service.sessions.begin(random, session, &CredentialTerms::new(call.now, CREDENTIALS_LIFE));
    answer(&Output {
        identity_id: id.as_str(),
        credentials: Credentials {
            access_key_id: &credentials.access_key_id,
            secret_key: &credentials.secret,
            session_token: &credentials.session_token,
            expiration: epoch_seconds(credentials.expires),
        },
    })
}

fn custom_role(arn: Option<String>) -> Result<Option<RoleArn>, ApiError> {
    let Some(arn) = arn else { return Ok(None) };
    validation::length("customRoleArn", &arn, 20..=2048)?;
    let refuse = |fault| ApiError::invalid_parameter(format!("Invalid role ARN in customRoleArn: {fault}."));
    RoleArn::parse(&arn).map(Some).map_err(refuse)
}

/// The role of somebody in a pool whose roles were never set. AWS would refuse that; here it should be easy to
/// begin, and no IAM could lack the role.
fn own_role(account: &str, authenticated: bool) -> RoleArn {
    RoleArn::of(account, if authenticated { "EmulatorAuthenticated" } else { "EmulatorUnauthenticated" })
}
