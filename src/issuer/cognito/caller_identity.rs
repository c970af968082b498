//! Where our AWS credentials come from, and whom AWS takes us for. For `doctor`.

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature as Feature;

use super::Cognito;
use super::aws_error::{AwsError, naysay};
use clock::Timestamp;

/// Credentials that were found, without anything that could be used.
#[derive(Debug, Clone)]
pub struct CredentialsInfo {
    /// Where the SDK's chain found them.
    pub source: String,
    /// When they end. The SDK gets new ones before, if their source has any.
    pub expires_at: Option<Timestamp>,
}

/// Whom AWS takes us for.
#[derive(Debug, Clone)]
pub struct CallerIdentity {
    /// The account.
    pub account: String,
    /// The user's or the assumed role's ARN.
    pub arn: String,
}

impl Cognito {
    /// Where the credentials come from, and until when they hold.
    ///
    /// # Errors
    /// The chain's own words on why there are none.
    pub async fn describe_credentials(&self) -> Result<CredentialsInfo, String> {
        let found = self.credentials().await?;
        Ok(CredentialsInfo { source: source(&found), expires_at: found.expiry().map(Timestamp::from) })
    }

    /// Whom STS takes us for. Every principal may ask this; no policy can forbid it.
    ///
    /// STS is asked where `AWS_ENDPOINT_URL_STS` or `AWS_ENDPOINT_URL` say. Without them, an endpoint of Cognito's
    /// that is not AWS's own is taken for an emulator that plays STS as well.
    ///
    /// # Errors
    /// It does not say.
    pub async fn get_caller_identity(&self) -> Result<CallerIdentity, AwsError> {
        let mut config = self.config.clone();
        if let (None, Some(url)) =
            (config.endpoint_url(), self.endpoint_url.as_deref().filter(is_non_aws_endpoint))
        {
            config = config.into_builder().endpoint_url(url).build();
        }
        let config = aws_sdk_sts::config::Builder::from(&config).timeout_config(self.timeouts.clone());
        let client = aws_sdk_sts::Client::from_conf(config.build());
        let answer = client.get_caller_identity().send().await.map_err(|error| naysay(&error))?;
        Ok(CallerIdentity {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
        })
    }
}

/// Whether an endpoint is no host of AWS's own, and so must be an emulator.
pub(super) fn is_non_aws_endpoint(url: &&str) -> bool {
    const OWN: [&str; 4] =
        [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"];
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| !OWN.iter().any(|own| host.ends_with(own)))
}

/// Where credentials come from, in words. The SDK keeps a provider's name to itself, but marks credentials with
/// what it counts in its user agent.
fn source(credentials: &Credentials) -> String {
    let marks = credentials.get_property::<Vec<Feature>>().map(Vec::as_slice).unwrap_or_default();
    let words: Vec<&str> = marks.iter().filter_map(told).collect();
    if words.is_empty() { "a source that the SDK does not name".to_owned() } else { words.join(", by ") }
}

fn told(mark: &Feature) -> Option<&'static str> {
    Some(match mark {
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
    fn an_endpoint_of_aws_s_own_never_stands_in_for_sts() {
        for (url, stands_in) in [
            ("http://127.0.0.1:8082", true),
            ("https://emulator.internal/", true),
            ("https://evil-amazonaws.com", true),
            ("https://vpce-1.cognito-identity.us-east-1.vpce.amazonaws.com", false),
            ("https://cognito-identity.cn-north-1.amazonaws.com.cn", false),
        ] {
            assert_eq!(is_non_aws_endpoint(&url), stands_in, "{url}");
        }
    }
}
