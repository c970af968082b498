//! `AssumeRoleWithWebIdentity` of STS, for tokens of this emulator.
//!
//! The token is checked as STS does. The role is not: every role trusts every pool and allows session tags, whatever its
//! policy says.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::context::OperationContext;
use crate::principal::RoleSession;
use crate::protocol::query::Form;
use crate::protocol::{ErrorType, OperationError, OperationResult, serialize};
use crate::temporary_credentials::CredentialTerms;
use crate::token::{IncomingToken, OWN_PROVIDER, TokenError};
use crate::validation;
use cognito_types::{IdentityPoolId, PrincipalTags, RoleArn};

/// The default lifetime of credentials.
const DEFAULT_DURATION_SECONDS: i64 = 3600;
/// The most characters of session policy and tags together. The packed size is a percentage of it.
const MAX_PACKED_CHARACTERS: usize = 2048;
/// The pattern of an ARN in the service model: all characters of XML.
const ARN_CHARACTERS: &str = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+";
/// The longest session token, in characters.
const MAX_SESSION_TOKEN_SIZE: usize = 4096;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    credentials: Credentials<'a>,
    subject_from_web_identity_token: &'a str,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    /// In percent.
    session_token_utilization: usize,
    session_token_size: usize,
    provider: &'a str,
    audience: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

struct Input<'a> {
    role: RoleArn,
    session_name: &'a str,
    token: &'a str,
    policy: &'a str,
    lifetime: Duration,
    min_token_size: usize,
}

pub(super) fn assume_role_with_web_identity(context: &OperationContext<'_>) -> OperationResult {
    let form = Form::parse(context.input)?;
    let input = Input::parse(&form)?;
    let token = verify_token(context, input.token)?;

    let packed_policy_size = packed_size(input.policy, &token.tags);
    let session = RoleSession { role: input.role, name: input.session_name.to_owned(), tags: token.tags };
    let assumed_role_user = AssumedRoleUser { assumed_role_id: session.id(), arn: session.arn() };
    let rng = context.state().fork_rng();
    let mut terms = CredentialTerms::new(context.now, input.lifetime);
    terms.session_token_size = terms.session_token_size.max(input.min_token_size);
    let credentials = context.emulator.temporary_credentials.issue(rng, session, &terms);
    let size = terms.session_token_size;
    serialize(&Output {
        credentials: Credentials {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret,
            session_token: &credentials.session_token,
            expiration: credentials.expires.to_rfc3339(),
        },
        subject_from_web_identity_token: &token.sub,
        assumed_role_user,
        packed_policy_size,
        session_token_utilization: (size * 100).div_ceil(MAX_SESSION_TOKEN_SIZE),
        session_token_size: size,
        provider: OWN_PROVIDER,
        audience: &token.aud,
    })
}

impl<'a> Input<'a> {
    fn parse(form: &'a Form) -> Result<Self, OperationError> {
        let role = required(form, "RoleArn", 20, 2048)?;
        let session_name = required(form, "RoleSessionName", 2, 64)?;
        validation::characters("roleSessionName", session_name, r"[\w+=,.@-]*", |c| {
            c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
        })?;
        let token = required(form, "WebIdentityToken", 4, 20_000)?;
        let policy = form.text("Policy");
        if let Some(policy) = policy {
            validation::length("policy", policy, 1..=2048)?;
            let pattern = r"[\u0009\u000A\u000D\u0020-\u00FF]+";
            validation::characters("policy", policy, pattern, |c| {
                matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
            })?;
            check_policy(policy)?;
        }
        let policy_arns = form.members("PolicyArns", "arn");
        validation::count("policyArns", policy_arns.len(), 0..=10)?;
        for arn in policy_arns {
            validation::length("policyArns", arn, 20..=2048)?;
            validation::characters("policyArns", arn, ARN_CHARACTERS, |c| {
                !c.is_control() || "\t\n\r\u{85}".contains(c)
            })?;
        }
        let seconds = form.number("DurationSeconds")?.unwrap_or(DEFAULT_DURATION_SECONDS);
        validation::range("durationSeconds", seconds, 900..=43_200)?;
        let size = form.number("MinimumSessionTokenSize")?.unwrap_or_default();
        validation::range("minimumSessionTokenSize", size, 0..=4096)?;
        if let Some(provider) = form.text("ProviderId") {
            validation::length("providerId", provider, 4..=2048)?;
            // STS sends OAuth access tokens to these providers. The emulator does not.
            return Err(OperationError::new(
                ErrorType::IdpRejectedClaim,
                "ProviderId is for access tokens of other providers, which this emulator cannot ask.",
            ));
        }
        let role = RoleArn::parse(role)
            .map_err(|error| OperationError::invalid_parameter(format!("RoleArn is invalid: {error}")))?;
        let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let min_token_size = usize::try_from(size).unwrap_or_default();
        Ok(Self { role, session_name, token, policy: policy.unwrap_or_default(), lifetime, min_token_size })
    }
}

fn required<'a>(form: &'a Form, name: &str, min: usize, max: usize) -> Result<&'a str, OperationError> {
    // AWS's messages contain the member's name, which begins in lower case.
    let member: String = name.chars().take(1).map(|c| c.to_ascii_lowercase()).chain(name.chars().skip(1)).collect();
    let text = validation::required(&member, form.text(name))?;
    validation::length(&member, text, min..=max)?;
    Ok(text)
}

/// A session policy must be a JSON object with statements. It has no effect.
fn check_policy(policy: &str) -> Result<(), OperationError> {
    let malformed = || OperationError::new(ErrorType::MalformedPolicyDocument, "Syntax errors in policy.");
    let document: Value = serde_json::from_str(policy).map_err(|_| malformed())?;
    document.get("Statement").map(drop).ok_or_else(malformed)
}

/// Verifies a token, which must be of a pool of this emulator.
fn verify_token(context: &OperationContext<'_>, token: &str) -> Result<IncomingToken, OperationError> {
    let invalid = |message: &str| OperationError::new(ErrorType::InvalidIdentityToken, message);
    let token = IncomingToken::verify(&context.emulator.keys, token, context.now).map_err(|error| match error {
        TokenError::Malformed => invalid("The ID Token provided is not a valid JWT."),
        TokenError::InvalidSignature => {
            invalid("Couldn't retrieve verification key from your identity provider, or it does not verify the token.")
        }
        TokenError::WrongIssuer => invalid("No OpenIDConnect provider found in your account for the token's issuer."),
        TokenError::Expired { now, exp } => OperationError::new(
            ErrorType::ExpiredIdentityToken,
            format!("Token expired: current date/time {now} must be before the expiration date/time {exp}"),
        ),
    })?;
    let pool = IdentityPoolId::parse(&token.aud).ok();
    if pool.is_none_or(|pool| context.state().pool(&pool).is_err()) {
        return Err(invalid("Incorrect token audience."));
    }
    Ok(token)
}

/// The size of policy and tags in percent of the limit; `None` without either. The values differ from AWS's, whose
/// packed format is not public.
fn packed_size(policy: &str, tags: &PrincipalTags) -> Option<usize> {
    let characters = policy.len() + tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    (characters > 0).then(|| (characters * 100).div_ceil(MAX_PACKED_CHARACTERS).min(100))
}
