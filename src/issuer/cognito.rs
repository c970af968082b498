//! Amazon Cognito as token issuer, credentials issuer and identity registry, and the AWS calls of `doctor`. The only
//! module that uses the AWS SDK.
//!
//! One call is one attempt. The SDK's own retries are disabled, because each of them would use Cognito's quota without
//! passing the call rate limiter: one request would become three while Cognito throttles this service.

mod caller_identity;
mod client;
mod credentials;
mod error;
mod http_client;
mod identity_registry;
mod pool_probe;
mod role_trust;
mod settings;
mod sigv4;
mod token;

pub use caller_identity::{CallerIdentity, CredentialsInfo};
pub use client::Cognito;
pub use error::{AwsError, AwsErrorKind};
pub use identity_registry::IdentityRegistry;
pub use pool_probe::{PermissionProbe, PoolInfo, PoolProbe, PoolRoles};
pub use settings::{AccessKey, CognitoSettings};
pub use token::CognitoIssuer;
