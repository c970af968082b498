//! What a role trusts, asked of IAM. For `doctor`: the service itself has nothing to do with IAM, nor any right there.
//!
//! One call of the query protocol, written by hand: the SDK's client for IAM would be as large as the one for Cognito,
//! for a single question.

use aws_types::service_config::ServiceConfigKey;
use form_urlencoded::Serializer;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

use super::Cognito;
use super::aws_error::{AwsError, AwsErrorKind, kind_of};
use super::caller_identity::is_stand_in;
use super::sigv4::{self, CredentialScope};
use crate::error_chain;
use cognito_types::RoleArn;

const VERSION: &str = "2010-05-08";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");

/// Where IAM is asked, and the region that the question is signed for: it has one for each partition.
struct Place {
    url: String,
    region: &'static str,
}

impl Cognito {
    /// The trust policy of a role, a JSON document: who may become it. Takes `iam:GetRole` on that role.
    ///
    /// IAM is asked where `AWS_ENDPOINT_URL_IAM` or `AWS_ENDPOINT_URL` say, or a profile; without them, a stand-in
    /// for Cognito is asked for this too.
    ///
    /// # Errors
    /// IAM does not say, or speaks of another account's role of that name.
    pub async fn trust_of(&self, role: &RoleArn) -> Result<String, AwsError> {
        let form: String = Serializer::new(String::new())
            .extend_pairs([("Action", "GetRole"), ("RoleName", role.name()), ("Version", VERSION)])
            .finish();
        let answer = self.ask_iam(role, form).await?;
        // IAM looks for the name in the account of whoever asks.
        match element(&answer, "Arn") {
            Some(found) if found == role.as_str() => {}
            Some(found) => {
                let words = format!("IAM found {found} instead; these credentials are of another account");
                return Err(other(&words));
            }
            None => return Err(other("the answer is none of IAM's")),
        }
        let document = element(&answer, "AssumeRolePolicyDocument");
        document.map(|text| decoded(&text)).ok_or_else(|| other("the answer has no trust policy"))
    }

    async fn ask_iam(&self, role: &RoleArn, form: String) -> Result<String, AwsError> {
        let place = self.iam(role)?;
        let url = Url::parse(&place.url).map_err(|error| other(&format!("{}: {error}", place.url)))?;
        let credentials = self.credentials().await;
        let credentials =
            credentials.map_err(|words| AwsError { kind: AwsErrorKind::NoCredentials, words })?;
        let now = self.config.time_source().ok_or_else(|| other("the AWS configuration has no clock"))?.now();
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, FORM)]);
        let scope = CredentialScope { service: "iam", region: place.region };
        sigv4::sign(&mut headers, &url, &form, scope, &credentials, now).map_err(|why| other(&why))?;

        let asked = async {
            let mut client = Client::builder().redirect(Policy::none());
            if let Some(timeout) = self.timeouts.connect_timeout() {
                client = client.connect_timeout(timeout);
            }
            if let Some(timeout) = self.timeouts.operation_timeout() {
                client = client.timeout(timeout);
            }
            let answer = client.build()?.post(url).headers(headers).body(form).send().await?;
            Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
        };
        match asked.await {
            Ok((StatusCode::OK, answer)) => Ok(answer),
            Ok((status, refusal)) => Err(refused(status, &refusal)),
            Err(error) => {
                Err(AwsError { kind: AwsErrorKind::Unreachable, words: error_chain::display(&error) })
            }
        }
    }

    fn iam(&self, role: &RoleArn) -> Result<Place, AwsError> {
        let own = match role.partition() {
            "aws" => Some(("https://iam.amazonaws.com", "us-east-1")),
            "aws-cn" => Some(("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1")),
            "aws-us-gov" => Some(("https://iam.us-gov.amazonaws.com", "us-gov-west-1")),
            _ => None,
        };
        let region = own.map_or("us-east-1", |(_, region)| region);
        let stand_in = || self.endpoint_url.clone().filter(|url| is_stand_in(&url.as_str()));
        match self.configured_iam().or_else(stand_in).or(own.map(|(url, _)| url.to_owned())) {
            Some(url) => Ok(Place { url, region }),
            None => {
                let partition = role.partition();
                Err(other(&format!("where IAM of {partition} is, only AWS_ENDPOINT_URL_IAM could say")))
            }
        }
    }

    /// As the SDK's own clients read it: for the service first, then for all.
    fn configured_iam(&self) -> Option<String> {
        let key =
            ServiceConfigKey::builder().service_id("IAM").env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let configured = key.build().ok().and_then(|key| self.config.service_config()?.load_config(key));
        configured.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }
}

fn other(words: &str) -> AwsError {
    AwsError { kind: AwsErrorKind::Other, words: words.to_owned() }
}

/// IAM's no. Of its words the first line: where a signature is wrong, the others repeat the request.
fn refused(status: StatusCode, answer: &str) -> AwsError {
    let code = element(answer, "Code");
    let mut words = format!("{} (HTTP {})", code.as_deref().unwrap_or("no error code"), status.as_u16());
    if let Some(line) = element(answer, "Message").as_deref().and_then(|message| message.lines().next()) {
        words = format!("{words}: {line}");
    }
    AwsError { kind: kind_of(code.as_deref()), words }
}

/// The text of the first element of that name. What is looked for here stands once in an answer and has no
/// elements of its own.
fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let marks =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(marks.iter().fold(text.trim().to_owned(), |text, (mark, meant)| text.replace(mark, meant)))
}

/// A policy as IAM sends it: percent-encoded (RFC 3986), which leaves no `+`, `&` or `=` standing. Some stand-ins
/// send it as it is.
fn decoded(text: &str) -> String {
    if text.starts_with('{') {
        return text.to_owned();
    }
    form_urlencoded::parse(text.as_bytes()).map(|(text, _)| text.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_iam_sends_it_and_as_stand_ins_do() {
        let document = "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role>\
                        <AssumeRolePolicyDocument>%7B%22a%22%3A%20%22b%2Bc%3D%26%22%7D</AssumeRolePolicyDocument>\
                        <Arn>arn:aws:iam::123456789012:role/App</Arn></Role></GetRoleResult></GetRoleResponse>";
        assert_eq!(element(document, "Arn").as_deref(), Some("arn:aws:iam::123456789012:role/App"));
        let sent = element(document, "AssumeRolePolicyDocument").unwrap();
        assert_eq!(decoded(&sent), r#"{"a": "b+c=&"}"#);
        let plain = element("<D>{&quot;a&quot;: &quot;b &amp; c&quot;}</D>", "D").unwrap();
        assert_eq!(decoded(&plain), r#"{"a": "b & c"}"#);
        assert_eq!(element(document, "Code"), None);
    }

    #[test]
    fn where_iam_repeats_the_request_its_session_token_is_not_told_on() {
        let answer = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.\n\
                      The Canonical String should have been 'x-amz-security-token:hush'</Message></Error></ErrorResponse>";
        let naysay = refused(StatusCode::FORBIDDEN, answer);
        assert_eq!(naysay.words, "SignatureDoesNotMatch (HTTP 403): The signature does not match.");
        assert_eq!(naysay.kind, AwsErrorKind::CredentialsRefused);
    }
}
