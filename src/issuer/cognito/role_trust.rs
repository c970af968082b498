//! Trust policy of a role: IAM's GetRole. For `doctor`: the service itself neither uses IAM nor has permissions there.
//!
//! One call of the query protocol, written by hand: the SDK's client for IAM would be as large as the one for Cognito,
//! for a single call.

use aws_types::service_config::ServiceConfigKey;
use bounded_http::{HttpError, ProxyPolicy, client_builder, read_body};
use form_urlencoded::Serializer;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};

use super::caller_identity::is_non_aws_endpoint;
use super::client::Cognito;
use super::error::{self, AwsError, AwsErrorKind};
use super::sigv4::{self, CredentialScope};
use cognito_types::RoleArn;

/// Larger than any real response.
const MAX_BODY_BYTES: usize = 256 * 1024;

const VERSION: &str = "2010-05-08";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");

impl Cognito {
    /// The trust policy of a role, a JSON document. Needs `iam:GetRole` on that role.
    ///
    /// The endpoint is that of `AWS_ENDPOINT_URL_IAM`, `AWS_ENDPOINT_URL` or a profile. Without them, a Cognito endpoint
    /// that is not AWS's own is called for this too.
    ///
    /// # Errors
    /// The call failed, or IAM returned another account's role of that name.
    pub async fn get_trust_policy(&self, role: &RoleArn) -> Result<String, AwsError> {
        let form: String = Serializer::new(String::new())
            .extend_pairs([("Action", "GetRole"), ("RoleName", role.name()), ("Version", VERSION)])
            .finish();
        let response = self.call_iam(role, form).await?;
        // IAM looks up the name in the account of the credentials.
        match element(&response, "Arn") {
            Some(found) if found == role.as_str() => {}
            Some(found) => {
                let message = format!("IAM returned {found} instead; the credentials are of another account");
                return Err(other(message));
            }
            None => return Err(other("the response is not from IAM")),
        }
        let document = element(&response, "AssumeRolePolicyDocument");
        document.map(|text| decode(&text)).ok_or_else(|| other("the response has no trust policy"))
    }

    async fn call_iam(&self, role: &RoleArn, form: String) -> Result<String, AwsError> {
        let (endpoint, region) = self.iam_endpoint(role)?;
        let url = Url::parse(&endpoint).map_err(|error| other(format!("{endpoint}: {error}")))?;
        let credentials = self.credentials().await;
        let credentials =
            credentials.map_err(|words| AwsError { kind: AwsErrorKind::NoCredentials, message: words })?;
        let now = self.config.time_source().ok_or_else(|| other("the AWS configuration has no clock"))?.now();
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, FORM)]);
        let scope = CredentialScope { service: "iam", region };
        sigv4::sign(&mut headers, &url, &form, scope, &credentials, now).map_err(other)?;

        let call = async {
            let mut client = client_builder(ProxyPolicy::HttpsOnly, self.timeouts.operation_timeout());
            if let Some(timeout) = self.timeouts.connect_timeout() {
                client = client.connect_timeout(timeout);
            }
            let response = client.build()?.post(url).headers(headers).body(form).send().await?;
            let (status, body) = (response.status(), read_body(response, MAX_BODY_BYTES).await?);
            Ok::<_, HttpError>((status, String::from_utf8_lossy(&body).into_owned()))
        };
        match call.await {
            Ok((StatusCode::OK, body)) => Ok(body),
            Ok((status, body)) => Err(parse_error(status, &body)),
            Err(error) => Err(AwsError { kind: AwsErrorKind::Unreachable, message: error.to_string() }),
        }
    }

    /// IAM's endpoint, and the region for the signature: IAM has one for each partition.
    fn iam_endpoint(&self, role: &RoleArn) -> Result<(String, &'static str), AwsError> {
        let aws = match role.partition() {
            "aws" => Some(("https://iam.amazonaws.com", "us-east-1")),
            "aws-cn" => Some(("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1")),
            "aws-us-gov" => Some(("https://iam.us-gov.amazonaws.com", "us-gov-west-1")),
            _ => None,
        };
        let region = aws.map_or("us-east-1", |(_, region)| region);
        let emulator = || self.endpoint_url.clone().filter(|url| is_non_aws_endpoint(&url.as_str()));
        match self.configured_iam_endpoint().or_else(emulator).or(aws.map(|(url, _)| url.to_owned())) {
            Some(url) => Ok((url, region)),
            None => {
                let partition = role.partition();
                Err(other(format!("IAM's endpoint in {partition} is unknown; set AWS_ENDPOINT_URL_IAM")))
            }
        }
    }

    /// As the SDK's own clients read it: first the service's, then the one of all services.
    fn configured_iam_endpoint(&self) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id("IAM").env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let configured = key.build().ok().and_then(|key| self.config.service_config()?.load_config(key));
        configured.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }
}

fn other(message: impl Into<String>) -> AwsError {
    AwsError { kind: AwsErrorKind::Other, message: message.into() }
}

fn parse_error(status: StatusCode, body: &str) -> AwsError {
    let (code, text) = (element(body, "Code"), element(body, "Message"));
    let status = status.as_u16();
    AwsError {
        kind: AwsErrorKind::from_code(code.as_deref(), status),
        message: error::message(code.as_deref(), status, text.as_deref(), None),
    }
}

/// The text of the first element of that name. The elements read here occur once and have no child elements.
fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(entities.iter().fold(text.trim().to_owned(), |text, (entity, char)| text.replace(entity, char)))
}

/// Decodes a policy as IAM sends it: percent-encoded (RFC 3986), which leaves no `+`, `&` or `=`. Some emulators send
/// it unencoded.
fn decode(text: &str) -> String {
    if text.starts_with('{') {
        return text.to_owned();
    }
    form_urlencoded::parse(text.as_bytes()).map(|(text, _)| text.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_encoded_and_unencoded() {
        let document = "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role>\
                        <AssumeRolePolicyDocument>%7B%22a%22%3A%20%22b%2Bc%3D%26%22%7D</AssumeRolePolicyDocument>\
                        <Arn>arn:aws:iam::123456789012:role/App</Arn></Role></GetRoleResult></GetRoleResponse>";
        assert_eq!(element(document, "Arn").as_deref(), Some("arn:aws:iam::123456789012:role/App"));
        let sent = element(document, "AssumeRolePolicyDocument").unwrap();
        assert_eq!(decode(&sent), r#"{"a": "b+c=&"}"#);
        let plain = element("<D>{&quot;a&quot;: &quot;b &amp; c&quot;}</D>", "D").unwrap();
        assert_eq!(decode(&plain), r#"{"a": "b & c"}"#);
        assert_eq!(element(document, "Code"), None);
    }

    #[test]
    fn a_request_that_iam_repeats_in_a_message_is_left_out_with_its_session_token() {
        let response = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.\n\
                      The Canonical String should have been 'x-amz-security-token:hush'</Message></Error></ErrorResponse>";
        let error = parse_error(StatusCode::FORBIDDEN, response);
        assert_eq!(error.message, "SignatureDoesNotMatch (HTTP 403): The signature does not match.");
        assert_eq!(error.kind, AwsErrorKind::CredentialsRejected);
    }
}
