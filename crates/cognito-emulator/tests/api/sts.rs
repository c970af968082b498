//! STS on the same address: from a token to a role's credentials, and the principal that signs with them.

use std::time::Duration;

use aws_sdk_cognitoidentity::config::Credentials;
use aws_sdk_cognitoidentity::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Config, Region};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use clock::Clock;
use cognito_emulator::AccessKey;
use serde_json::json;

use super::{Harness, POOL, PROVIDER};

const ROLE: &str = "arn:aws:iam::123456789012:role/mobile/App";

impl Harness {
    fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-3"))
            .endpoint_url(self.emulator.url())
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_sts::Client::from_conf(config)
    }

    fn own_sts(&self) -> aws_sdk_sts::Client {
        let key = AccessKey::default();
        self.sts(Credentials::new(key.id, key.secret, None, None, "test"))
    }

    async fn who(&self, id: &str, secret: &str, token: &str) -> Result<GetCallerIdentityOutput, (u16, String)> {
        let credentials = Credentials::new(id, secret, Some(token.to_owned()), None, "test");
        self.sts(credentials).get_caller_identity().send().await.map_err(|error| refusal(&error))
    }

    /// Calls an unsigned operation with a form, and returns status and document.
    async fn assume(&self, change: impl FnOnce(&mut Vec<(&str, String)>)) -> (u16, String) {
        let mut form = vec![
            ("Action", "AssumeRoleWithWebIdentity".to_owned()),
            ("Version", "2011-06-15".to_owned()),
            ("RoleArn", ROLE.to_owned()),
            ("RoleSessionName", "alice".to_owned()),
        ];
        change(&mut form);
        let body = reqwest::Url::parse_with_params("http://form", form).unwrap().query().unwrap().to_owned();
        let call = self.http.post(self.emulator.url());
        let call = call.header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8").body(body);
        let response = call.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/xml");
        assert_eq!(response.headers()["access-control-allow-origin"], "*", "web pages may ask too");
        let id = response.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("<RequestId>{id}</RequestId>")), "{text}");
        (status, text)
    }
}

fn refusal<E: ProvideErrorMetadata>(error: &SdkError<E, aws_sdk_sts::config::http::HttpResponse>) -> (u16, String) {
    (error.raw_response().unwrap().status().as_u16(), error.code().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_is_exchanged_for_the_credentials_of_a_role() {
    let harness = Harness::start().await;
    let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let vended = call.logins(PROVIDER, "alice").principal_tags("team", "red").send().await.unwrap();
    let call = harness.own_sts().assume_role_with_web_identity().role_arn(ROLE).role_session_name("alice");
    let taken = call.web_identity_token(vended.token().unwrap()).send().await.unwrap();

    assert_eq!(taken.subject_from_web_identity_token(), vended.identity_id());
    assert_eq!((taken.audience(), taken.provider()), (Some(POOL), Some("cognito-identity.amazonaws.com")));
    assert_eq!(taken.session_token_size(), taken.credentials().map(|c| c.session_token().len() as i32));
    let arn = "arn:aws:sts::123456789012:assumed-role/App/alice";
    let user = taken.assumed_role_user().unwrap();
    assert_eq!(user.arn(), arn);
    let credentials = taken.credentials().unwrap();
    assert_eq!(credentials.expiration().secs(), harness.clock.now().as_secs() + 3600);

    let key = (credentials.access_key_id(), credentials.secret_access_key(), credentials.session_token());
    let who = harness.who(key.0, key.1, key.2).await.unwrap();
    assert_eq!((who.arn(), who.account()), (Some(arn), Some("123456789012")));
    assert_eq!(who.user_id(), Some(user.assumed_role_id()));
    let sessions = harness.get("/_emulator/sessions").await;
    assert_eq!(sessions["sessions"][0]["tags"], json!({"team": "red"}));
    assert_eq!(sessions["sessions"][0]["arn"], arn);
    assert!(!sessions.to_string().contains(key.1) && !sessions.to_string().contains(key.2));

    let unknown = Err((403, "InvalidClientTokenId".to_owned()));
    assert_eq!(harness.who(key.0, key.1, "another").await.map(drop), unknown);
    assert_eq!(harness.who("ASIASTRANGER", key.1, key.2).await.map(drop), unknown);
    let forged = harness.who(key.0, "another", key.2).await.map(drop);
    assert_eq!(forged, Err((403, "SignatureDoesNotMatch".to_owned())));
}

#[tokio::test]
async fn an_access_key_of_the_settings_is_an_iam_user() {
    let harness = Harness::start().await;
    let who = harness.own_sts().get_caller_identity().send().await.unwrap();
    assert_eq!(who.arn(), Some("arn:aws:iam::123456789012:user/AKIAEMULATOR"));
    assert!(who.user_id().unwrap().starts_with("AIDA"));
}

#[tokio::test]
async fn credentials_of_both_flows_are_valid_until_they_expire() {
    let harness = Harness::start().await;
    let (alice, token) = harness.vend("alice").await;
    let logins = json!({"cognito-identity.amazonaws.com": token});
    let granted = harness.call("GetCredentialsForIdentity", json!({"IdentityId": alice, "Logins": logins})).await;
    let text = |name: &str| granted.body["Credentials"][name].as_str().unwrap().to_owned();
    let key = (text("AccessKeyId"), text("SecretKey"), text("SessionToken"));
    let who = harness.who(&key.0, &key.1, &key.2).await.unwrap();
    assert!(who.arn().unwrap().ends_with("/CognitoIdentityCredentials"), "{who:?}");

    // The SDK uses its own clock and not the test's, so from here on the test signs the requests.
    let cognito = |token: Option<String>| {
        let mut signing = super::protocol::Signing::valid(&harness);
        signing.key = AccessKey { id: key.0.clone(), secret: key.1.clone() };
        signing.session_token = token;
        signing.send(&harness)
    };
    assert_eq!(cognito(Some(key.2.clone())).await.status, 200);
    assert_eq!(cognito(None).await.error(), (400, "UnrecognizedClientException"));
    harness.clock.advance(Duration::from_secs(3600));
    assert_eq!(cognito(Some(key.2.clone())).await.error(), (400, "ExpiredTokenException"));
}

#[tokio::test]
async fn only_a_live_token_of_an_existing_pool_grants_a_role() {
    let harness = Harness::start().await;
    let (_, token) = harness.vend("alice").await;
    let with = |token: String| harness.assume(|form| form.push(("WebIdentityToken", token)));
    assert_eq!(with(token.clone()).await.0, 200);

    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    for bad in [forged, "no-jwt-at-all".to_owned()] {
        let (status, text) = with(bad).await;
        assert_eq!(status, 400);
        assert!(text.contains("<Type>Sender</Type><Code>InvalidIdentityToken</Code>"), "{text}");
    }
    harness.set_faults(json!({"tamper": "aud"})).await;
    let (_, misdirected) = harness.vend("alice").await;
    let (status, text) = with(misdirected).await;
    assert!(status == 400 && text.contains("<Code>InvalidIdentityToken</Code>"), "{text}");

    harness.clock.advance(Duration::from_secs(900));
    let (status, text) = with(token).await;
    assert!(status == 400 && text.contains("<Code>ExpiredTokenException</Code>"), "{text}");
}

#[tokio::test]
async fn invalid_input_gets_the_error_of_sts() {
    let harness = Harness::start().await;
    let (_, token) = harness.vend("alice").await;
    let set = |name: &'static str, value: &str| {
        let (token, value) = (token.clone(), value.to_owned());
        harness.assume(move |form| {
            form.push(("WebIdentityToken", token));
            form.retain(|(key, _)| *key != name);
            form.push((name, value));
        })
    };
    for (name, value, status, code) in [
        ("RoleArn", "arn:aws:iam::123456789012:user/alice", 400, "ValidationError"),
        ("RoleSessionName", "a", 400, "ValidationError"),
        ("RoleSessionName", "a b", 400, "ValidationError"),
        ("DurationSeconds", "899", 400, "ValidationError"),
        ("DurationSeconds", "43201", 400, "ValidationError"),
        ("DurationSeconds", "an hour", 400, "MalformedInput"),
        ("Policy", "{", 400, "MalformedPolicyDocument"),
        ("Policy", "{}", 400, "MalformedPolicyDocument"),
        ("ProviderId", "www.amazon.com", 403, "IDPRejectedClaim"),
        ("Action", "AssumeRoleWithMagic", 400, "InvalidAction"),
        ("Version", "2010-01-01", 400, "InvalidAction"),
    ] {
        let (found, text) = set(name, value).await;
        assert_eq!(found, status, "{name}={value}");
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{name}={value}: {text}");
    }
    let (status, text) = set("Policy", r#"{"Version":"2012-10-17","Statement":[]}"#).await;
    assert!(status == 200 && text.contains("<PackedPolicySize>"), "{text}");
    let (_, text) = set("MinimumSessionTokenSize", "4096").await;
    assert!(text.contains("<SessionTokenSize>4096</SessionTokenSize>"), "{text}");
    let (_, text) = set("DurationSeconds", "900").await;
    let end = harness.clock.now() + Duration::from_secs(900);
    assert!(text.contains(&format!("<Expiration>{}</Expiration>", end.to_rfc3339())), "{text}");
}

#[tokio::test]
async fn a_call_can_be_in_the_url_and_a_signed_operation_still_needs_a_signature() {
    let harness = Harness::start().await;
    let (_, token) = harness.vend("alice").await;
    let url = format!("{}/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15", harness.emulator.url());
    let url = format!("{url}&RoleArn={ROLE}&RoleSessionName=alice&WebIdentityToken={token}");
    let response = harness.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);

    let url = format!("{}/?Action=GetCallerIdentity&Version=2011-06-15", harness.emulator.url());
    let response = harness.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.text().await.unwrap().contains("<Code>MissingAuthenticationToken</Code>"));
    let nothing = harness.http.get(harness.emulator.url()).send().await.unwrap();
    assert_eq!(nothing.status(), 404, "a GET request without an action is not a call");
}

#[tokio::test]
async fn faults_of_sts_have_its_error_names_and_its_calls_are_counted() {
    let harness = Harness::start().await;
    let ask = || async {
        let response = harness.own_sts().get_caller_identity().send().await;
        response.map(drop).map_err(|error| refusal(&error))
    };
    for (error, status, code) in [("throttleRate", 400, "Throttling"), ("errorRate", 500, "InternalFailure")] {
        let wish = json!({error: 1, "operations": ["GetCallerIdentity"]});
        assert_eq!(harness.set_faults(wish).await, 200);
        assert_eq!(ask().await, Err((status, code.to_owned())));
        harness.vend("alice").await;
    }
    harness.set_faults(json!({})).await;
    assert_eq!(ask().await, Ok(()));
    let calls = harness.get("/_emulator/calls").await;
    let expected = json!({"total": 3, "ok": 1, "Throttling": 1, "InternalFailure": 1});
    assert_eq!(calls["calls"]["GetCallerIdentity"], expected);
}
