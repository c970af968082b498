//! Identity registry: looks up identities and their users, and merges, unlinks and deletes them. Each method is one call
//! of Cognito against a low quota that is shared by the account: its cost is up to the caller.

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_sdk_cognitoidentity::primitives::DateTime;
use aws_sdk_cognitoidentity::types::{ErrorCode, IdentityDescription, UnprocessedIdentityId};

use super::error::{AwsError, AwsErrorKind, classify};
use crate::issuer::identity_registry::{
    DeleteFailure, DeleteFailureReason, DescribedIdentity, IdentityPage, IdentityQuery, IdentityUsers, PageRequest,
    RegistryError, RegistryErrorKind,
};
use crate::pools::Pool;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, IdentityId};

/// The identities of one region.
#[derive(Debug)]
pub struct IdentityRegistry {
    pub(super) client: Client,
}

impl IdentityRegistry {
    pub(crate) async fn look_up(
        &self,
        pool: &Pool,
        query: IdentityQuery<'_>,
        page: &PageRequest,
    ) -> Result<IdentityUsers, RegistryError> {
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

    /// Describes an identity of any pool.
    pub(crate) async fn describe(&self, identity: &IdentityId) -> Result<DescribedIdentity, RegistryError> {
        let call = self.client.describe_identity().identity_id(identity.as_str());
        let response = call.send().await.map_err(|error| to_registry_error(&error, "DescribeIdentity"))?;
        Ok(DescribedIdentity {
            identity: identity.clone(),
            logins: response.logins.unwrap_or_default(),
            created_at: response.creation_date.as_ref().and_then(timestamp),
            modified_at: response.last_modified_date.as_ref().and_then(timestamp),
        })
    }

    pub(crate) async fn list(&self, pool: &Pool, page: &PageRequest) -> Result<IdentityPage, RegistryError> {
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

    /// Moves everything of `from`'s identity to `into`'s identity, and returns the latter.
    pub(crate) async fn merge(
        &self,
        pool: &Pool,
        from: &DeveloperUserId,
        into: &DeveloperUserId,
    ) -> Result<IdentityId, RegistryError> {
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

    /// Removes a user from an identity.
    pub(crate) async fn unlink(
        &self,
        pool: &Pool,
        identity: &IdentityId,
        user: &DeveloperUserId,
    ) -> Result<(), RegistryError> {
        let call = self
            .client
            .unlink_developer_identity()
            .identity_pool_id(pool.id.as_str())
            .developer_provider_name(pool.provider.as_str())
            .identity_id(identity.as_str())
            .developer_user_identifier(user.as_str());
        call.send().await.map(drop).map_err(|error| to_registry_error(&error, "UnlinkDeveloperIdentity"))
    }

    /// Deletes identities of any pool, at most [`PageRequest::MAX_ITEMS`], and returns those that were not deleted.
    pub(crate) async fn delete(&self, identities: &[IdentityId]) -> Result<Vec<DeleteFailure>, RegistryError> {
        let ids = identities.iter().map(ToString::to_string).collect();
        let call = self.client.delete_identities().set_identity_ids_to_delete(Some(ids));
        let response = call.send().await.map_err(|error| to_registry_error(&error, "DeleteIdentities"))?;
        response.unprocessed_identity_ids.unwrap_or_default().into_iter().map(delete_failure).collect()
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
