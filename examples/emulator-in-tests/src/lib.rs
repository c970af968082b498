//! Gets OpenID tokens of Amazon Cognito for the users of an app.

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::ProvideErrorMetadata as _;

/// An OpenID token and the identity that it is for.
#[derive(Debug, Clone)]
pub struct UserToken {
    pub identity_id: String,
    pub token: String,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Cognito throttled the call; the client may retry later.
    #[error("Cognito is throttling")]
    Throttled,
    /// The call failed.
    #[error("Cognito returned {0}")]
    Failed(String),
}

/// Gets tokens of one identity pool.
#[derive(Debug, Clone)]
pub struct TokenService {
    client: Client,
    pool_id: String,
    developer_provider: String,
}

impl TokenService {
    pub fn new(client: Client, pool_id: &str, developer_provider: &str) -> Self {
        Self { client, pool_id: pool_id.to_owned(), developer_provider: developer_provider.to_owned() }
    }

    /// Gets a token for a user whom the app has authenticated.
    pub async fn token(&self, user: &str) -> Result<UserToken, TokenError> {
        let response = self
            .client
            .get_open_id_token_for_developer_identity()
            .identity_pool_id(&self.pool_id)
            .logins(&self.developer_provider, user)
            .send()
            .await
            .map_err(|error| match error.code() {
                Some("TooManyRequestsException") => TokenError::Throttled,
                code => TokenError::Failed(code.unwrap_or("no response").to_owned()),
            })?;
        match (response.identity_id, response.token) {
            (Some(identity_id), Some(token)) => Ok(UserToken { identity_id, token }),
            _ => Err(TokenError::Failed("an incomplete response".to_owned())),
        }
    }
}
