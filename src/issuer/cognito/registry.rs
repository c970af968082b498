//! The registry that Amazon Cognito keeps: one SDK call each, and its errors told apart.

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_sdk_cognitoidentity::primitives::DateTime;
use aws_sdk_cognitoidentity::types::{ErrorCode, IdentityDescription, UnprocessedIdentityId};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::aws_error::{AwsError, AwsErrorKind, naysay};
use crate::issuer::registry::{
    DeleteFailure, DeleteFailureReason, DescribedIdentity, IdentityPage, IdentityQuery, IdentityRegistry,
    IdentityUsers, PageRequest, RegistryError, RegistryErrorKind as Kind,
};
use crate::pools::Pool;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, IdentityId};

/// Calls Cognito's operations on identities in one region.
#[derive(Debug)]
pub struct CognitoRegistry {
    client: Client,
}

impl CognitoRegistry {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl IdentityRegistry for CognitoRegistry {
    fn look_up<'a>(
        &'a self,
        pool: &'a Pool,
        sought: IdentityQuery<'a>,
        page: &'a PageRequest,
    ) -> BoxFuture<'a, Result<IdentityUsers, RegistryError>> {
        async move {
            let mut call = self
                .client
                .lookup_developer_identity()
                .identity_pool_id(pool.id.as_str())
                .set_max_results(page.max_items.map(i32::from))
                .set_next_token(page.token.clone());
            call = match sought {
                IdentityQuery::User(user) => call.developer_user_identifier(user.as_str()),
                IdentityQuery::Identity(identity) => call.identity_id(identity.as_str()),
            };
            let answer = call.send().await.map_err(|error| told(&error, "LookupDeveloperIdentity"))?;
            Ok(IdentityUsers {
                identity: identity(answer.identity_id)?,
                users: answer.developer_user_identifier_list.unwrap_or_default(),
                next_token: answer.next_token,
            })
        }
        .boxed()
    }

    fn describe<'a>(
        &'a self,
        identity: &'a IdentityId,
    ) -> BoxFuture<'a, Result<DescribedIdentity, RegistryError>> {
        async move {
            let call = self.client.describe_identity().identity_id(identity.as_str());
            let answer = call.send().await.map_err(|error| told(&error, "DescribeIdentity"))?;
            Ok(DescribedIdentity {
                identity: identity.clone(),
                logins: answer.logins.unwrap_or_default(),
                created_at: answer.creation_date.as_ref().and_then(moment),
                modified_at: answer.last_modified_date.as_ref().and_then(moment),
            })
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        pool: &'a Pool,
        page: &'a PageRequest,
    ) -> BoxFuture<'a, Result<IdentityPage, RegistryError>> {
        async move {
            let call = self
                .client
                .list_identities()
                .identity_pool_id(pool.id.as_str())
                // Unlike elsewhere, Cognito wants to be told.
                .max_results(page.max_items.unwrap_or(PageRequest::MAX_ITEMS).into())
                .set_next_token(page.token.clone());
            let answer = call.send().await.map_err(|error| told(&error, "ListIdentities"))?;
            let identities = answer.identities.unwrap_or_default();
            Ok(IdentityPage {
                identities: identities.into_iter().map(description).collect::<Result<_, _>>()?,
                next_token: answer.next_token,
            })
        }
        .boxed()
    }

    fn merge<'a>(
        &'a self,
        pool: &'a Pool,
        from: &'a DeveloperUserId,
        into: &'a DeveloperUserId,
    ) -> BoxFuture<'a, Result<IdentityId, RegistryError>> {
        async move {
            let call = self
                .client
                .merge_developer_identities()
                .identity_pool_id(pool.id.as_str())
                .developer_provider_name(pool.provider.as_str())
                .source_user_identifier(from.as_str())
                .destination_user_identifier(into.as_str());
            let answer = call.send().await.map_err(|error| told(&error, "MergeDeveloperIdentities"))?;
            identity(answer.identity_id)
        }
        .boxed()
    }

    fn unlink<'a>(
        &'a self,
        pool: &'a Pool,
        identity: &'a IdentityId,
        user: &'a DeveloperUserId,
    ) -> BoxFuture<'a, Result<(), RegistryError>> {
        async move {
            let call = self
                .client
                .unlink_developer_identity()
                .identity_pool_id(pool.id.as_str())
                .developer_provider_name(pool.provider.as_str())
                .identity_id(identity.as_str())
                .developer_user_identifier(user.as_str());
            call.send().await.map(drop).map_err(|error| told(&error, "UnlinkDeveloperIdentity"))
        }
        .boxed()
    }

    fn delete<'a>(
        &'a self,
        identities: &'a [IdentityId],
    ) -> BoxFuture<'a, Result<Vec<DeleteFailure>, RegistryError>> {
        async move {
            let ids = identities.iter().map(ToString::to_string).collect();
            let call = self.client.delete_identities().set_identity_ids_to_delete(Some(ids));
            let answer = call.send().await.map_err(|error| told(&error, "DeleteIdentities"))?;
            answer.unprocessed_identity_ids.unwrap_or_default().into_iter().map(undeleted).collect()
        }
        .boxed()
    }
}

/// `operation` is the IAM action too.
fn told<E>(error: &SdkError<E, HttpResponse>, operation: &'static str) -> RegistryError
where
    E: std::error::Error + ProvideErrorMetadata + RequestId + 'static,
{
    let AwsError { kind, message: words } = naysay(error);
    let kind = match kind {
        AwsErrorKind::NotFound => Kind::NotFound,
        AwsErrorKind::Throttled => Kind::Throttled,
        AwsErrorKind::AccessDenied | AwsErrorKind::NotAuthorized => Kind::Denied { action: operation },
        AwsErrorKind::CredentialsRejected | AwsErrorKind::NoCredentials => Kind::Misconfigured,
        AwsErrorKind::Unreachable => Kind::Unavailable,
        AwsErrorKind::Other => {
            let status = error.raw_response().map_or(500, |answer| answer.status().as_u16());
            registrys_own(error.code(), status)
        }
    };
    RegistryError::new(kind, format!("{operation}: {words}"))
}

/// What only these operations say, told apart by code and status.
fn registrys_own(code: Option<&str>, status: u16) -> Kind {
    match code {
        Some("ResourceConflictException") => Kind::Conflict,
        Some("InvalidParameterException") => Kind::InvalidParameter,
        _ if status >= 500 => Kind::Unavailable,
        _ => Kind::Misconfigured,
    }
}

fn identity(id: Option<String>) -> Result<IdentityId, RegistryError> {
    let unreadable = |why: String| RegistryError::new(Kind::Unavailable, format!("cognito's answer: {why}"));
    let id = id.ok_or_else(|| unreadable("no identity id".to_owned()))?;
    IdentityId::parse(&id).map_err(|why| unreadable(why.to_string()))
}

fn description(found: IdentityDescription) -> Result<DescribedIdentity, RegistryError> {
    Ok(DescribedIdentity {
        identity: identity(found.identity_id)?,
        logins: found.logins.unwrap_or_default(),
        created_at: found.creation_date.as_ref().and_then(moment),
        modified_at: found.last_modified_date.as_ref().and_then(moment),
    })
}

fn undeleted(found: UnprocessedIdentityId) -> Result<DeleteFailure, RegistryError> {
    let reason = match found.error_code {
        Some(ErrorCode::AccessDenied) => DeleteFailureReason::Denied,
        _ => DeleteFailureReason::Failed,
    };
    Ok(DeleteFailure { identity: identity(found.identity_id)?, reason })
}

fn moment(date: &DateTime) -> Option<Timestamp> {
    date.to_millis().ok().map(Timestamp::from_millis)
}
