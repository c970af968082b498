//! AWS credentials, from the AWS CLI's sources in its order: the environment, unless `--profile` is given; then a web
//! identity, the profile, the container and the machine.

use std::time::Duration;

use aws_config::Region;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;

use super::environment::Environment;
use super::error::CommandError;
use crate::error_chain;

/// Timeout of the EC2 metadata service, which only EC2 has. The AWS CLI waits as long.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// # Errors
/// No source has credentials, or one failed.
pub(super) async fn find(
    environment: &Environment,
    is_profile_given: bool,
    profile: Option<&str>,
    region: &str,
) -> Result<Credentials, CommandError> {
    if !is_profile_given && let Some(credentials) = from_environment(environment)? {
        return Ok(credentials);
    }
    let config = ProviderConfig::without_region().with_region(Some(Region::new(region.to_owned())));
    let mut from_profile = ProfileFileCredentialsProvider::builder().configure(&config);
    if let Some(name) = profile {
        from_profile = from_profile.profile_name(name);
    }
    let from_web_identity = WebIdentityTokenCredentialsProvider::builder().configure(&config).build();
    let chain = match is_profile_given {
        true => CredentialsProviderChain::first_try("profile", from_profile.build()),
        false => CredentialsProviderChain::first_try("web identity", from_web_identity)
            .or_else("profile", from_profile.build()),
    };
    let machine = aws_config::imds::Client::builder()
        .configure(&config)
        .max_attempts(1)
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .build();
    let from_metadata = ImdsCredentialsProvider::builder().configure(&config).imds_client(machine).build();
    let chain = chain
        .or_else("container", EcsCredentialsProvider::builder().configure(&config).build())
        .or_else("machine", from_metadata);
    chain.provide_credentials().await.map_err(|error| match error {
        CredentialsError::CredentialsNotLoaded(_) => CommandError::Bare(
            "Unable to locate credentials. You can configure credentials by running \"aws configure\".".to_owned(),
        ),
        other => CommandError::failed(format!("Error when retrieving credentials: {}", error_chain::display(&other))),
    })
}

fn from_environment(environment: &Environment) -> Result<Option<Credentials>, CommandError> {
    let Some(id) = environment.get("AWS_ACCESS_KEY_ID") else { return Ok(None) };
    let Some(secret) = environment.get("AWS_SECRET_ACCESS_KEY") else {
        return Err(CommandError::failed("Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"));
    };
    let session = environment.get("AWS_SESSION_TOKEN").or_else(|| environment.get("AWS_SECURITY_TOKEN"));
    Ok(Some(Credentials::new(id, secret, session.map(str::to_owned), None, "environment")))
}
