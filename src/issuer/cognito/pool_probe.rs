//! Read-only calls about the pools of a region. For `doctor`: the service itself needs neither them nor the permissions
//! for them.

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::ProvideErrorMetadata as _;
use aws_sdk_cognitoidentity::primitives::{DateTime, DateTimeFormat};
use uuid::Uuid;

use super::client::Cognito;
use super::error::{AwsError, AwsErrorKind, classify};
use crate::error_chain;
use clock::Timestamp;
use cognito_types::{DeveloperProvider, IdentityPoolId};

#[derive(Debug, Clone)]
pub struct PoolInfo {
    pub developer_provider: Option<String>,
    /// Whether the pool allows guests.
    pub guests: bool,
    /// Whether clients may exchange tokens at STS themselves.
    pub classic_flow: bool,
}

#[derive(Debug, Clone)]
pub struct PoolRoles {
    /// ARN of the role of authenticated users.
    pub authenticated: Option<String>,
    /// ARN of the role of guests.
    pub unauthenticated: Option<String>,
}

/// Result of an attempt to mint a token for an identity that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionProbe {
    /// The permission is granted and the pool exists: Cognito did not find the identity.
    Allowed,
    /// The permission is granted; Cognito did not find the pool.
    AllowedPoolMissing,
    /// The permission is granted; Cognito does not name what it did not find.
    AllowedUnspecified,
    /// The permission is granted; the pool rejects the login, most likely because of the developer provider's name.
    AllowedLoginRejected,
    /// A token was returned for an identity that does not exist. Cognito never does that.
    UnexpectedToken,
}

impl Cognito {
    pub fn pool_probe(&self, region: &str) -> PoolProbe {
        PoolProbe { client: self.client(region), region: region.to_owned() }
    }
}

/// Read-only client for the pools of one region. Each method is one call.
#[derive(Debug)]
pub struct PoolProbe {
    client: Client,
    region: String,
}

impl PoolProbe {
    /// Cognito's time in whole seconds: the `Date` header of the error for a guest that does not exist. That call
    /// needs no credentials.
    ///
    /// # Errors
    /// No response, or one without a valid date.
    pub async fn server_time(&self) -> Result<Timestamp, String> {
        let result = self.client.get_open_id_token().identity_id(self.nonexistent_identity()).send().await;
        let Err(error) = result else {
            return Err("a token was returned for an identity that does not exist; this is not Cognito".to_owned());
        };
        let Some(response) = error.raw_response() else { return Err(error_chain::display(&error)) };
        let date = response.headers().get("date").ok_or("the response has no Date header")?;
        match DateTime::from_str(date, DateTimeFormat::HttpDate) {
            Ok(date) => Ok(Timestamp::from_secs(date.secs())),
            Err(_) => Err("the response's Date header is invalid".to_owned()),
        }
    }

    /// Needs a permission that tokenvend itself does not need.
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe(&self, pool: &IdentityPoolId) -> Result<PoolInfo, AwsError> {
        let call = self.client.describe_identity_pool().identity_pool_id(pool.as_str());
        let response = call.send().await.map_err(|error| classify(&error))?;
        Ok(PoolInfo {
            guests: response.allow_unauthenticated_identities,
            classic_flow: response.allow_classic_flow.unwrap_or(false),
            developer_provider: response.developer_provider_name,
        })
    }

    /// Needs a permission that tokenvend itself does not need.
    ///
    /// # Errors
    /// The call failed.
    pub async fn roles(&self, pool: &IdentityPoolId) -> Result<PoolRoles, AwsError> {
        let call = self.client.get_identity_pool_roles().identity_pool_id(pool.as_str());
        let response = call.send().await.map_err(|error| classify(&error))?;
        let mut roles = response.roles.unwrap_or_default();
        Ok(PoolRoles { authenticated: roles.remove("authenticated"), unauthenticated: roles.remove("unauthenticated") })
    }

    /// Tests the permission to mint tokens for the pool. The call has no dry run, and it creates an identity for an
    /// unknown user, unless the request names an identity. So the request names one that does not exist: IAM decides
    /// first, by the pool, and whatever Cognito checks next, it can only reject.
    ///
    /// # Errors
    /// The permission is missing, or the call failed otherwise.
    pub async fn probe_permission(
        &self,
        pool: &IdentityPoolId,
        provider: &DeveloperProvider,
    ) -> Result<PermissionProbe, AwsError> {
        let identity = self.nonexistent_identity();
        let result = self
            .client
            .get_open_id_token_for_developer_identity()
            .identity_pool_id(pool.as_str())
            .identity_id(&identity)
            .logins(provider.as_str(), format!("tokenvend-doctor-{}", Uuid::new_v4()))
            .send()
            .await;
        let Err(error) = result else { return Ok(PermissionProbe::UnexpectedToken) };
        let aws_error = classify(&error);
        match aws_error.kind {
            AwsErrorKind::NotFound => {
                // Not the wording of the message counts, but which of the two ids of the request it contains.
                let names = |id: &str| error.message().is_some_and(|message| message.contains(id));
                Ok(match (names(&identity), names(pool.as_str())) {
                    (true, _) => PermissionProbe::Allowed,
                    (false, true) => PermissionProbe::AllowedPoolMissing,
                    (false, false) => PermissionProbe::AllowedUnspecified,
                })
            }
            AwsErrorKind::InvalidParameter => Ok(PermissionProbe::AllowedLoginRejected),
            _ => Err(aws_error),
        }
    }

    fn nonexistent_identity(&self) -> String {
        format!("{}:{}", self.region, Uuid::new_v4())
    }
}
