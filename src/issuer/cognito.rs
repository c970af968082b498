//! Tokens and credentials from Amazon Cognito: the one place that knows the SDK's request and the SDK's errors.
//!
//! One call is one attempt. The SDK's own retries are off, because each of them would draw on Cognito's quota
//! without asking the budget: one request of ours would be three of theirs just when it is throttling us.

mod aws_error;
mod caller_identity;
mod classify;
mod credentials;
mod pool_probe;
mod registry;
mod role_trust;
mod sigv4;

use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::operation::RequestId as _;
use aws_smithy_async::time::TimeSource;
use classify::RequestContents;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{IssueError, IssueErrorKind, IssueRequest, IssuedToken, TokenIssuer};
use crate::error_chain;
use crate::secret::Secret;
use crate::token::OpenIdToken;
pub use aws_error::{AwsError, AwsErrorKind};
pub use caller_identity::{CallerIdentity, CredentialsInfo};
use clock::SharedClock;
use cognito_types::IdentityId;
pub use pool_probe::{PermissionProbe, PoolInfo, PoolProbe, PoolRoles};
pub use registry::CognitoRegistry;

/// How Cognito is reached.
#[derive(Debug, Clone)]
pub struct CognitoSettings {
    /// Where to call instead of AWS's own endpoint of the region.
    pub endpoint_url: Option<String>,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long the first byte of an answer may take.
    pub read_timeout: Duration,
    /// How long a whole call may take, credentials and connection included.
    pub operation_timeout: Duration,
    /// Credentials instead of those of the SDK's chain. Not from the configuration: long-lived keys have no
    /// place in one; this is for the emulator's.
    pub credentials: Option<AccessKey>,
}

/// An access key that is known beforehand.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// The access key id.
    pub id: String,
    /// The secret access key.
    pub secret: Secret,
}

/// The account's side of AWS: one credential chain, from which an issuer per region is made.
#[derive(Debug)]
pub struct Cognito {
    config: SdkConfig,
    endpoint_url: Option<String>,
    timeouts: TimeoutConfig,
}

impl Cognito {
    /// Reads the AWS SDK's whole configuration chain (environment, profile files, container and instance
    /// metadata). Makes no call to Cognito. `home` is the region for the chain's own calls (STS, SSO) where
    /// the environment names none.
    pub async fn load(settings: &CognitoSettings, home: &str, clock: SharedClock) -> Self {
        // Not the SDK's default chain: it would ask the instance metadata service, which elsewhere than on
        // EC2 is a wait of seconds at every start.
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else(Region::new(home.to_owned()));
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).region(region).time_source(SdkTime(clock));
        if let Ok(name) = AppName::new(concat!("tokenvend-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(AccessKey { id, secret }) = &settings.credentials {
            let secret = String::from_utf8_lossy(secret.expose());
            loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "given"));
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            .operation_timeout(settings.operation_timeout)
            .build();
        Self { config: loader.load().await, endpoint_url: settings.endpoint_url.clone(), timeouts }
    }

    /// An issuer for the pools of one region.
    pub fn issuer(&self, region: &str) -> CognitoIssuer {
        CognitoIssuer { client: self.client(region) }
    }

    /// The registry of the identities in one region.
    pub fn registry(&self, region: &str) -> CognitoRegistry {
        CognitoRegistry::new(self.client(region))
    }

    fn client(&self, region: &str) -> Client {
        let mut config = aws_sdk_cognitoidentity::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            // For Cognito alone: the calls that fetch credentials (STS, SSO) keep the SDK's own, retries too.
            .timeout_config(self.timeouts.clone())
            .retry_config(RetryConfig::disabled());
        if let Some(url) = &self.endpoint_url {
            config = config.endpoint_url(url);
        }
        Client::from_conf(config.build())
    }

    /// Whether the credential chain yields credentials.
    ///
    /// # Errors
    /// The chain's own words on why not.
    pub async fn find_credentials(&self) -> Result<(), String> {
        self.credentials().await.map(drop)
    }

    async fn credentials(&self) -> Result<Credentials, String> {
        let Some(provider) = self.config.credentials_provider() else {
            return Err("the AWS configuration has no credential provider".to_owned());
        };
        provider.provide_credentials().await.map_err(|error| error_chain::display(&error))
    }
}

/// Calls GetOpenIdTokenForDeveloperIdentity in one region.
#[derive(Debug)]
pub struct CognitoIssuer {
    client: Client,
}

impl TokenIssuer for CognitoIssuer {
    fn issue<'a>(&'a self, request: &'a IssueRequest) -> BoxFuture<'a, Result<IssuedToken, IssueError>> {
        async move {
            let mut call = self
                .client
                .get_open_id_token_for_developer_identity()
                .identity_pool_id(request.pool.as_str())
                .logins(request.provider.as_str(), request.user.as_str())
                .token_duration(request.duration.seconds().into());
            for (key, value) in request.tags.iter() {
                call = call.principal_tags(key, value);
            }
            for (provider, token) in request.also.iter() {
                call = call.logins(provider.as_str(), token.expose());
            }
            let identity = request.identity.as_ref().map(|identity| identity.as_str().to_owned());
            let answer = call.set_identity_id(identity).send().await;
            let sent =
                RequestContents { logins: !request.also.is_empty(), identity: request.identity.is_some() };
            let answer = answer.map_err(|error| classify::classify(&error, sent))?;
            let request_id = answer.request_id().map(Box::from);
            let (Some(identity), Some(token)) = (answer.identity_id, answer.token) else {
                return Err(mismatched("the answer has no identity id or no token"));
            };
            let token = OpenIdToken::new(token);
            let identity = IdentityId::parse(&identity).map_err(|why| mismatched(&why.to_string()))?;
            Ok(IssuedToken { identity, token, request_id })
        }
        .boxed()
    }
}

fn mismatched(why: &str) -> IssueError {
    IssueError::new(IssueErrorKind::Mismatched, why)
}

/// Our clock, as the SDK wants it: requests are signed with the time that the rest of the service goes by.
#[derive(Debug)]
struct SdkTime(SharedClock);

impl TimeSource for SdkTime {
    fn now(&self) -> std::time::SystemTime {
        self.0.now().into()
    }
}
