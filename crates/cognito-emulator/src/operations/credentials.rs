//! `GetCredentialsForIdentity`: temporary credentials of the pool's roles. Only this emulator accepts them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::context::OperationContext;
use super::describe_identities::epoch_seconds;
use super::identities::resolve_access;
use crate::principal::RoleSession;
use crate::protocol::{OperationError, OperationResult, serialize};
use crate::temporary_credentials::CredentialTerms;
use crate::validation::{self, StringPairs};
use cognito_types::RoleArn;

/// The lifetime of credentials of the enhanced flow at AWS.
const CREDENTIALS_LIFETIME: Duration = Duration::from_secs(3600);
/// The session name of that flow at AWS.
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

pub(super) fn get_credentials_for_identity(context: &OperationContext<'_>) -> OperationResult {
    let input: Input = validation::parse(context.input)?;
    let id = validation::identity_id(input.identity_id)?;
    let requested = custom_role(input.custom_role_arn)?;
    let access = resolve_access(context, &id, validation::logins(input.logins)?)?;
    let pool = context.state().pool(&access.identity.pool)?;
    let authenticated = access.is_authenticated();
    let role = match &pool.roles {
        Some(roles) => roles.select_role(authenticated, requested.as_ref())?,
        None => match requested {
            Some(role) => role,
            None => default_role(&context.emulator.account_id, authenticated)?,
        },
    };
    let session = RoleSession { role, name: SESSION_NAME.to_owned(), tags: access.tags };
    let rng = context.state().fork_rng();
    let terms = CredentialTerms::new(context.now, CREDENTIALS_LIFETIME);
    let credentials = context.emulator.temporary_credentials.issue(rng, session, &terms);
    serialize(&Output {
        identity_id: id.as_str(),
        credentials: Credentials {
            access_key_id: &credentials.access_key_id,
            secret_key: &credentials.secret,
            session_token: &credentials.session_token,
            expiration: epoch_seconds(credentials.expires),
        },
    })
}

fn custom_role(arn: Option<String>) -> Result<Option<RoleArn>, OperationError> {
    let Some(arn) = arn else { return Ok(None) };
    validation::length("customRoleArn", &arn, 20..=2048)?;
    let invalid = |error| OperationError::invalid_parameter(format!("Invalid role ARN in customRoleArn: {error}."));
    RoleArn::parse(&arn).map(Some).map_err(invalid)
}

/// The role for a pool whose roles were never set. AWS rejects that. The emulator does not, so that no setup is needed.
fn default_role(account: &str, authenticated: bool) -> Result<RoleArn, OperationError> {
    let name = if authenticated { "EmulatorAuthenticated" } else { "EmulatorUnauthenticated" };
    RoleArn::parse(&format!("arn:aws:iam::{account}:role/{name}")).map_err(|_| OperationError::internal())
}
