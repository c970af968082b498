//! Identity registry: Cognito's operations on identities in one region, one SDK call each.

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_sdk_cognitoidentity::primitives::DateTime;
use aws_sdk_cognitoidentity::types::{ErrorCode, IdentityDescription, UnprocessedIdentityId};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::error::{AwsError, AwsErrorKind, classify};
use crate::issuer::identity_registry::{
    DeleteFailure, DeleteFailureReason, DescribedIdentity, IdentityPage, IdentityQuery, IdentityRegistry,
    IdentityUsers, PageRequest, RegistryError, RegistryErrorKind,
};
use crate::pools::Pool;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, IdentityId};

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
        query: IdentityQuery<'a>,
        page: &'a PageRequest,
    ) -> BoxFuture<'a, Result<IdentityUsers, RegistryError>> {
        async move {
            let mut call = self
                .client
                .lookup_developer_identity()
                .identity_pool_id(pool.id.as_str())
                .set_max_results(page.max_items.map(i32::from))
                .set_next_token(page.token.clone());
            call = match query {
                IdentityQuery::User(user) => call.developer_user_identifier(user.as_str()),
                IdentityQuery::Identity(identity) => call.identity_id(identity.as_str()),
            };
            let response = call.send().await.map_err(|error| to_registry_error(&error, "LookupDeveloperIdentity"))?;
            Ok(IdentityUsers {
                identity: parse_identity(response.identity_id)?,
                users: response.developer_user_identifier_list.unwrap_or_default(),
                next_token: response.next_token,
            })
        }
        .boxed()
    }

    fn describe<'a>(&'a self, identity: &'a IdentityId) -> BoxFuture<'a, Result<DescribedIdentity, RegistryError>> {
        async move {
            let call = self.client.describe_identity().identity_id(identity.as_str());
            let response = call.send().await.map_err(|error| to_registry_error(&error, "DescribeIdentity"))?;
            Ok(DescribedIdentity {
                identity: identity.clone(),
                logins: response.logins.unwrap_or_default(),
                created_at: response.creation_date.as_ref().and_then(timestamp),
                modified_at: response.last_modified_date.as_ref().and_then(timestamp),
            })
        }
        .boxed()
    }

    fn list<'a>(&'a self, pool: &'a Pool, page: &'a PageRequest) -> BoxFuture<'a, Result<IdentityPage, RegistryError>> {
        async move {
            let call = self
                .client
                .list_identities()
                .identity_pool_id(pool.id.as_str())
                // Required, unlike in other operations.
                .max_results(page.max_items.unwrap_or(PageRequest::MAX_ITEMS).into())
                .set_next_token(page.token.clone());
            let response = call.send().await.map_err(|error| to_registry_error(&error, "ListIdentities"))?;
            let identities = response.identities.unwrap_or_default();
            Ok(IdentityPage {
                identities: identities.into_iter().map(description).collect::<Result<_, _>>()?,
                next_token: response.next_token,
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
            let response = call.send().await.map_err(|error| to_registry_error(&error, "MergeDeveloperIdentities"))?;
            parse_identity(response.identity_id)
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
            call.send().await.map(drop).map_err(|error| to_registry_error(&error, "UnlinkDeveloperIdentity"))
        }
        .boxed()
    }

    fn delete<'a>(&'a self, identities: &'a [IdentityId]) -> BoxFuture<'a, Result<Vec<DeleteFailure>, RegistryError>> {
        async move {
            let ids = identities.iter().map(ToString::to_string).collect();
            let call = self.client.delete_identities().set_identity_ids_to_delete(Some(ids));
            let response = call.send().await.map_err(|error| to_registry_error(&error, "DeleteIdentities"))?;
            response.unprocessed_identity_ids.unwrap_or_default().into_iter().map(delete_failure).collect()
        }
        .boxed()
    }
}

/// `operation` is also the name of the IAM action.
fn to_registry_error<E>(error: &SdkError<E, HttpResponse>, operation: &'static str) -> RegistryError
where
    E: std::error::Error + ProvideErrorMetadata + RequestId + 'static,
{
    let AwsError { kind, message } = classify(error);
    let kind = match kind {
        AwsErrorKind::NotFound => RegistryErrorKind::NotFound,
        AwsErrorKind::Throttled => RegistryErrorKind::Throttled,
        AwsErrorKind::AccessDenied | AwsErrorKind::NotAuthorized => RegistryErrorKind::Denied { action: operation },
        AwsErrorKind::Conflict => RegistryErrorKind::Conflict,
        AwsErrorKind::InvalidParameter => RegistryErrorKind::InvalidParameter,
        AwsErrorKind::Unreachable | AwsErrorKind::ServerError => RegistryErrorKind::Unavailable,
        AwsErrorKind::AlreadyRegistered
        | AwsErrorKind::InvalidPoolConfiguration
        | AwsErrorKind::ExternalService
        | AwsErrorKind::CredentialsRejected
        | AwsErrorKind::NoCredentials
        | AwsErrorKind::CredentialProviderFailed
        | AwsErrorKind::Other => RegistryErrorKind::Misconfigured,
    };
    RegistryError::new(kind, format!("{operation}: {message}"))
}

fn parse_identity(id: Option<String>) -> Result<IdentityId, RegistryError> {
    let invalid =
        |why: &str| RegistryError::new(RegistryErrorKind::Unavailable, format!("invalid response of cognito: {why}"));
    IdentityId::parse(&id.ok_or_else(|| invalid("no identity id"))?).map_err(|why| invalid(&why.to_string()))
}

fn description(found: IdentityDescription) -> Result<DescribedIdentity, RegistryError> {
    Ok(DescribedIdentity {
        identity: parse_identity(found.identity_id)?,
        logins: found.logins.unwrap_or_default(),
        created_at: found.creation_date.as_ref().and_then(timestamp),
        modified_at: found.last_modified_date.as_ref().and_then(timestamp),
    })
}

fn delete_failure(found: UnprocessedIdentityId) -> Result<DeleteFailure, RegistryError> {
    let reason = match found.error_code {
        Some(ErrorCode::AccessDenied) => DeleteFailureReason::Denied,
        _ => DeleteFailureReason::Failed,
    };
    Ok(DeleteFailure { identity: parse_identity(found.identity_id)?, reason })
}

fn timestamp(date: &DateTime) -> Option<Timestamp> {
    date.to_millis().ok().map(Timestamp::from_millis)
}
