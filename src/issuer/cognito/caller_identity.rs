//! Source of the service's AWS credentials, and their principal as STS reports it. For `doctor`.

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature as Feature;

use super::client::Cognito;
use super::error::{AwsError, classify};
use clock::Timestamp;

/// Credentials without their secrets.
#[derive(Debug, Clone)]
pub struct CredentialsInfo {
    /// Where the SDK's credential chain found them.
    pub source: String,
    /// The SDK refreshes them before, if their source can.
    pub expires_at: Option<Timestamp>,
}

/// The service's principal.
#[derive(Debug, Clone)]
pub struct CallerIdentity {
    pub account: String,
    /// ARN of the user or of the assumed role.
    pub arn: String,
}

impl Cognito {
    /// # Errors
    /// The credential chain's error.
    pub async fn describe_credentials(&self) -> Result<CredentialsInfo, String> {
        let credentials = self.credentials().await?;
        Ok(CredentialsInfo {
            source: source_description(&credentials),
            expires_at: credentials.expiry().map(Timestamp::from),
        })
    }

    /// The principal as STS reports it. Every principal may call this; no policy can deny it.
    ///
    /// The endpoint is that of `AWS_ENDPOINT_URL_STS` or `AWS_ENDPOINT_URL`. Without them, a Cognito endpoint that is
    /// not AWS's own is assumed to be an emulator with STS.
    ///
    /// # Errors
    /// STS rejects the call or cannot be reached.
    pub async fn get_caller_identity(&self) -> Result<CallerIdentity, AwsError> {
        let mut config = self.config.clone();
        if let (None, Some(url)) = (config.endpoint_url(), self.endpoint_url.as_deref().filter(is_non_aws_endpoint)) {
            config = config.into_builder().endpoint_url(url).build();
        }
        let config = aws_sdk_sts::config::Builder::from(&config).timeout_config(self.timeouts.clone());
        let client = aws_sdk_sts::Client::from_conf(config.build());
        let response = client.get_caller_identity().send().await.map_err(|error| classify(&error))?;
        Ok(CallerIdentity { account: response.account.unwrap_or_default(), arn: response.arn.unwrap_or_default() })
    }
}

/// Whether an endpoint is not a host of AWS, and so must be an emulator.
pub(super) fn is_non_aws_endpoint(url: &&str) -> bool {
    const AWS_DOMAINS: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"];
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| !AWS_DOMAINS.iter().any(|domain| host.ends_with(domain)))
}

/// The SDK does not expose a provider's name, but marks credentials with the features of its user agent.
fn source_description(credentials: &Credentials) -> String {
    let features = credentials.get_property::<Vec<Feature>>().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = features.iter().filter_map(credential_source_name).collect();
    if names.is_empty() { "a source that the SDK does not name".to_owned() } else { names.join(", by ") }
}

fn credential_source_name(feature: &Feature) -> Option<&'static str> {
    Some(match feature {
        Feature::CredentialsCode => "given in code",
        Feature::CredentialsEnvVars => "environment variables",
        Feature::CredentialsEnvVarsStsWebIdToken => "a web identity token named in the environment",
        Feature::CredentialsStsAssumeRole => "a role assumed at STS",
        Feature::CredentialsStsAssumeRoleWebId => "a role assumed at STS with a web identity token",
        Feature::CredentialsProfile
        | Feature::CredentialsProfileSourceProfile
        | Feature::CredentialsProfileNamedProvider => "a profile",
        Feature::CredentialsProfileStsWebIdToken => "a web identity token named in a profile",
        Feature::CredentialsProfileSso | Feature::CredentialsSso => "AWS IAM Identity Center (SSO)",
        Feature::CredentialsProfileProcess | Feature::CredentialsProcess => "a credential process",
        Feature::CredentialsHttp => "the container's credential endpoint (ECS task role, EKS Pod Identity)",
        Feature::CredentialsImds => "the instance metadata service (EC2 instance role)",
        Feature::CredentialsProfileLogin | Feature::CredentialsLogin => "a login session",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aws_endpoint_of_cognito_is_never_used_for_sts() {
        for (url, is_non_aws) in [
            ("http://127.0.0.1:8082", true),
            ("https://emulator.internal/", true),
            ("https://evil-amazonaws.com", true),
            ("https://vpce-1.cognito-identity.us-east-1.vpce.amazonaws.com", false),
            ("https://cognito-identity.cn-north-1.amazonaws.com.cn", false),
        ] {
            assert_eq!(is_non_aws_endpoint(&url), is_non_aws, "{url}");
        }
    }
}
