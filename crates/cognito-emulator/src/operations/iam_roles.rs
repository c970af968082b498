//! `GetRole` and `UpdateAssumeRolePolicy` of IAM. Trust policies are stored and returned, but not applied: every role
//! trusts every pool.

use serde::Serialize;
use serde_json::{Value, json};

use super::context::OperationContext;
use crate::principal::role_id;
use crate::protocol::query::Form;
use crate::protocol::{Empty, ErrorType, OperationError, OperationResult, serialize};
use crate::state::State;
use crate::token::OWN_PROVIDER;
use crate::validation;
use cognito_types::RoleArn;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    role: Role<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Role<'a> {
    arn: &'a str,
    path: &'a str,
    role_name: &'a str,
    role_id: String,
    /// Required, but unknown.
    create_date: &'a str,
    assume_role_policy_document: String,
}

pub(super) fn get_role(context: &OperationContext<'_>) -> OperationResult {
    let form = Form::parse(context.input)?;
    let name = role_name(&form)?;
    let state = context.state();
    let role = find_role(&state, name)?;
    let document =
        state.trust_policy(name).map_or_else(|| default_trust_policy(&state, &role).to_string(), str::to_owned);
    serialize(&Output {
        role: Role {
            arn: role.as_str(),
            path: role.path(),
            role_name: name,
            role_id: role_id(&role),
            create_date: "1970-01-01T00:00:00Z",
            assume_role_policy_document: percent_encoded(&document),
        },
    })
}

/// Replaces a role's trust policy, until the emulator stops.
pub(super) fn update_assume_role_policy(context: &OperationContext<'_>) -> OperationResult {
    let form = Form::parse(context.input)?;
    let name = role_name(&form)?;
    let document = validation::required("policyDocument", form.text("PolicyDocument"))?;
    validation::length("policyDocument", document, 1..=131_072)?;
    validation::characters("policyDocument", document, r"[\u0009\u000A\u000D\u0020-\u00FF]+", |c| {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
    })?;
    let malformed = || OperationError::new(ErrorType::MalformedPolicyDocument, "Syntax errors in policy.");
    let policy: Value = serde_json::from_str(document).map_err(|_| malformed())?;
    policy.get("Statement").ok_or_else(malformed)?;
    let mut state = context.state();
    find_role(&state, name)?;
    state.put_trust_policy(name.to_owned(), document.to_owned());
    serialize(&Empty {})
}

fn role_name(form: &Form) -> Result<&str, OperationError> {
    let name = validation::required("roleName", form.text("RoleName"))?;
    validation::length("roleName", name, 1..=64)?;
    validation::characters("roleName", name, r"[\w+=,.@-]+", |c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))?;
    Ok(name)
}

/// Finds a role that a pool gives to authenticated identities or guests. The emulator has no other roles.
fn find_role(state: &State, name: &str) -> Result<RoleArn, OperationError> {
    let given = state.pools().filter_map(|pool| pool.roles.as_ref()).flat_map(|roles| roles.roles.values());
    let found = given.filter_map(|arn| RoleArn::parse(arn).ok()).find(|role| role.name() == name);
    found.ok_or_else(|| {
        OperationError::new(ErrorType::NoSuchEntity, format!("The role with name {name} cannot be found."))
    })
}

/// The policy that the AWS console creates for the role of a pool, with session tags allowed: a statement for each pool
/// and kind of identity that has the role.
fn default_trust_policy(state: &State, role: &RoleArn) -> Value {
    let mut statements = Vec::new();
    for pool in state.pools() {
        let given = pool.roles.iter().flat_map(|roles| &roles.roles);
        statements.extend(given.filter(|(_, arn)| *arn == role.as_str()).map(|(kind, _)| {
            json!({
                "Effect": "Allow",
                "Principal": {"Federated": OWN_PROVIDER},
                "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
                "Condition": {
                    "StringEquals": {format!("{OWN_PROVIDER}:aud"): pool.id.as_str()},
                    "ForAnyValue:StringLike": {format!("{OWN_PROVIDER}:amr"): kind},
                },
            })
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Encodes all but the unreserved characters (RFC 3986), as IAM encodes policies.
fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}
