//! What can be asked of AWS about the pools of a region without changing anything there. For `doctor`: the service
//! itself needs none of it, nor the rights for it.

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::ProvideErrorMetadata as _;
use aws_sdk_cognitoidentity::primitives::{DateTime, DateTimeFormat};
use uuid::Uuid;

use super::Cognito;
use super::aws_error::{AwsError, naysay};
use crate::error_chain;
use clock::Timestamp;
use cognito_types::{DeveloperProvider, IdentityPoolId};

/// A pool, as AWS describes it.
#[derive(Debug, Clone)]
pub struct PoolInfo {
    /// Its developer provider, if it has one.
    pub developer_provider: Option<String>,
    /// Whether it takes guests.
    pub guests: bool,
    /// Whether clients may take its tokens to STS themselves.
    pub classic_flow: bool,
}

/// The roles of a pool.
#[derive(Debug, Clone)]
pub struct PoolRoles {
    /// The ARN of the role of signed-in users.
    pub authenticated: Option<String>,
    /// The ARN of the role of guests.
    pub unauthenticated: Option<String>,
}

/// What an attempt to mint for an identity that does not exist showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionProbe {
    /// The right is there, and so is the pool: it was the identity that was missed.
    MissedTheIdentity,
    /// The right is there; it was the pool that was missed.
    MissedThePool,
    /// The right is there; AWS does not name what it missed.
    Missed,
    /// The right is there; the pool does not take the login, most likely for its developer provider's name.
    RefusedTheLogin,
    /// A token came back for an identity that does not exist. Cognito never does that.
    Minted,
}

impl Cognito {
    /// Questions about the pools of one region.
    pub fn survey(&self, region: &str) -> PoolProbe {
        PoolProbe { client: self.client(region), region: region.to_owned() }
    }
}

/// Questions about the pools of one region. Each is one call.
#[derive(Debug)]
pub struct PoolProbe {
    client: Client,
    region: String,
}

impl PoolProbe {
    /// The time by Cognito's clock, in whole seconds: from the date of a refusal that needs no credentials, of
    /// a token for a guest who does not exist.
    ///
    /// # Errors
    /// Nothing answered, or without a date.
    pub async fn date(&self) -> Result<Timestamp, String> {
        let asked = self.client.get_open_id_token().identity_id(self.nobody()).send().await;
        let Err(error) = asked else {
            return Err(
                "a token came back for an identity that does not exist; this is not Cognito".to_owned()
            );
        };
        let Some(answer) = error.raw_response() else { return Err(error_chain::display(&error)) };
        let date = answer.headers().get("date").ok_or("the answer has no Date header")?;
        match DateTime::from_str(date, DateTimeFormat::HttpDate) {
            Ok(date) => Ok(Timestamp::from_secs(date.secs())),
            Err(_) => Err("the answer's Date header is no date".to_owned()),
        }
    }

    /// The pool, as AWS describes it. A right that tokenvend does not need.
    ///
    /// # Errors
    /// AWS does not say.
    pub async fn describe(&self, pool: &IdentityPoolId) -> Result<PoolInfo, AwsError> {
        let asked = self.client.describe_identity_pool().identity_pool_id(pool.as_str()).send().await;
        let found = asked.map_err(|error| naysay(&error))?;
        Ok(PoolInfo {
            guests: found.allow_unauthenticated_identities,
            classic_flow: found.allow_classic_flow.unwrap_or(false),
            developer_provider: found.developer_provider_name,
        })
    }

    /// The pool's roles. A right that tokenvend does not need.
    ///
    /// # Errors
    /// AWS does not say.
    pub async fn roles(&self, pool: &IdentityPoolId) -> Result<PoolRoles, AwsError> {
        let asked = self.client.get_identity_pool_roles().identity_pool_id(pool.as_str()).send().await;
        let mut roles = asked.map_err(|error| naysay(&error))?.roles.unwrap_or_default();
        Ok(PoolRoles {
            authenticated: roles.remove("authenticated"),
            unauthenticated: roles.remove("unauthenticated"),
        })
    }

    /// Whether we may mint for the pool. There is no dry run of that call, and it creates an identity for any
    /// user that it does not know, unless it is told which identity to take. So it is told one that does not
    /// exist: IAM judges first, by the pool; whatever Cognito then looks at, it can only refuse.
    ///
    /// # Errors
    /// The right is not there, or nobody can say.
    pub async fn try_right(
        &self,
        pool: &IdentityPoolId,
        provider: &DeveloperProvider,
    ) -> Result<PermissionProbe, AwsError> {
        let nobody = self.nobody();
        let asked = self
            .client
            .get_open_id_token_for_developer_identity()
            .identity_pool_id(pool.as_str())
            .identity_id(&nobody)
            .logins(provider.as_str(), format!("tokenvend-doctor-{}", Uuid::new_v4()))
            .send()
            .await;
        let Err(error) = asked else { return Ok(PermissionProbe::Minted) };
        let Some(refusal) = error.as_service_error() else { return Err(naysay(&error)) };
        // Not by the words of the message, but by which of the two ids that only we chose stands in it.
        let names = |id: &str| refusal.message().is_some_and(|message| message.contains(id));
        if refusal.is_resource_not_found_exception() {
            return Ok(match (names(&nobody), names(pool.as_str())) {
                (true, _) => PermissionProbe::MissedTheIdentity,
                (false, true) => PermissionProbe::MissedThePool,
                (false, false) => PermissionProbe::Missed,
            });
        }
        if refusal.is_invalid_parameter_exception() {
            return Ok(PermissionProbe::RefusedTheLogin);
        }
        Err(naysay(&error))
    }

    /// An identity of this region that nobody has.
    fn nobody(&self) -> String {
        format!("{}:{}", self.region, Uuid::new_v4())
    }
}
