//! The AWS configuration of the process: one credential chain, from which the clients of each region are made.

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_cognitoidentity::Client;
use aws_smithy_async::time::TimeSource;

use super::http_client::http_client;
use super::identity_registry::IdentityRegistry;
use super::settings::{AccessKey, CognitoSettings};
use super::token::CognitoIssuer;
use crate::error_chain;
use clock::SharedClock;

#[derive(Debug)]
pub struct Cognito {
    pub(super) config: SdkConfig,
    pub(super) endpoint_url: Option<String>,
    pub(super) timeouts: TimeoutConfig,
}

impl Cognito {
    /// Reads the AWS SDK's whole configuration chain (environment, profile files, container and instance
    /// metadata). Does not call Cognito. `default_region` is the region for the chain's own calls (STS, SSO) if
    /// the environment names none.
    pub async fn load(settings: &CognitoSettings, default_region: &str, clock: SharedClock) -> Self {
        // Not the SDK's default chain: it would query the instance metadata service, which outside of EC2 delays
        // every start by seconds.
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else(Region::new(default_region.to_owned()));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .time_source(SdkTimeSource(clock))
            .http_client(http_client());
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

    pub fn issuer(&self, region: &str) -> CognitoIssuer {
        CognitoIssuer { client: self.client(region) }
    }

    pub fn identity_registry(&self, region: &str) -> IdentityRegistry {
        IdentityRegistry { client: self.client(region) }
    }

    pub(super) fn client(&self, region: &str) -> Client {
        let mut config = aws_sdk_cognitoidentity::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            // For Cognito only: the calls that fetch credentials (STS, SSO) keep the SDK's timeouts and retries.
            .timeout_config(self.timeouts.clone())
            .retry_config(RetryConfig::disabled());
        if let Some(url) = &self.endpoint_url {
            config = config.endpoint_url(url);
        }
        Client::from_conf(config.build())
    }

    /// Checks that the credential chain yields credentials.
    ///
    /// # Errors
    /// The chain's error.
    pub async fn check_credentials(&self) -> Result<(), String> {
        self.credentials().await.map(drop)
    }

    pub(super) async fn credentials(&self) -> Result<Credentials, String> {
        let Some(provider) = self.config.credentials_provider() else {
            return Err("the AWS configuration has no credential provider".to_owned());
        };
        provider.provide_credentials().await.map_err(|error| error_chain::display(&error))
    }
}

/// Signs requests with the time of the service's own clock.
#[derive(Debug)]
struct SdkTimeSource(SharedClock);

impl TimeSource for SdkTimeSource {
    fn now(&self) -> std::time::SystemTime {
        self.0.now().into()
    }
}
