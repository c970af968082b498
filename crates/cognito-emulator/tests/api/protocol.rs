//! The protocol: signatures, targets, bodies, CORS and invalid requests.

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use clock::{Clock, Timestamp};
use cognito_emulator::AccessKey;
use serde_json::{Value, json};

use super::{Harness, POOL, PROVIDER, Response, TARGET, client, parse_response};

const OPERATION: &str = "GetOpenIdTokenForDeveloperIdentity";

/// The parts of a signed request: valid until a test changes one.
pub(super) struct Signing {
    pub(super) key: AccessKey,
    pub(super) session_token: Option<String>,
    date: Timestamp,
    region: &'static str,
    service: &'static str,
    signed_headers: &'static str,
    sent_body: String,
    signed_body: String,
}

impl Signing {
    pub(super) fn valid(harness: &Harness) -> Self {
        let body = json!({"IdentityPoolId": POOL, "Logins": {PROVIDER: "alice"}}).to_string();
        Self {
            key: AccessKey::default(),
            session_token: None,
            date: harness.clock.now(),
            region: "us-east-1",
            service: "cognito-identity",
            signed_headers: "content-type;host;x-amz-date;x-amz-target",
            sent_body: body.clone(),
            signed_body: body,
        }
    }

    pub(super) async fn send(self, harness: &Harness) -> Response {
        let date = self.date.to_rfc3339().replace(['-', ':'], "");
        let target = format!("{TARGET}.{OPERATION}");
        let token = self.session_token.unwrap_or_default();
        let signed_headers = match token.as_str() {
            "" => self.signed_headers.to_owned(),
            _ => self.signed_headers.replace("x-amz-date;", "x-amz-date;x-amz-security-token;"),
        };
        let mut canonical = "POST\n/\n\n".to_owned();
        for name in signed_headers.split(';') {
            let value = match name {
                "content-type" => "application/x-amz-json-1.1".to_owned(),
                "host" => harness.emulator.address().to_string(),
                "x-amz-date" => date.clone(),
                "x-amz-security-token" => token.clone(),
                _ => target.clone(),
            };
            writeln!(canonical, "{name}:{value}").unwrap();
        }
        write!(canonical, "\n{signed_headers}\n{}", sha256(&self.signed_body)).unwrap();

        let scope = format!("{}/{}/{}/aws4_request", &date[..8], self.region, self.service);
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(&canonical));
        let mut key = format!("AWS4{}", self.key.secret).into_bytes();
        for part in scope.split('/') {
            key = mac(&key, part);
        }
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed_headers}, Signature={}",
            self.key.id,
            hex(&mac(&key, &to_sign))
        );
        let mut request = harness.http.post(harness.emulator.url());
        if !token.is_empty() {
            request = request.header("X-Amz-Security-Token", token);
        }
        let request = request
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", target)
            .header("X-Amz-Date", date)
            .header("Authorization", authorization)
            .body(self.sent_body);
        parse_response(request.send().await.unwrap()).await
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_valid_signature_is_accepted_and_every_changed_one_is_rejected() {
    let harness = Harness::start().await;
    let right = Signing::valid(&harness).send(&harness).await;
    assert_eq!(right.status, 200, "{}", right.body);

    let bend = |change: fn(&mut Signing)| {
        let mut signing = Signing::valid(&harness);
        change(&mut signing);
        signing.send(&harness)
    };
    let five_minutes = Duration::from_secs(5 * 60);
    let near = |signing: &mut Signing| signing.date = signing.date.before(Duration::from_secs(5 * 60 - 1));
    assert_eq!(bend(near).await.status, 200, "nearly {five_minutes:?} old");

    let rejected = [
        bend(|signing| signing.key.secret.push('x')).await,
        bend(|signing| signing.sent_body = signing.sent_body.replace("alice", "bobby")).await,
        bend(|signing| signing.date = signing.date.before(Duration::from_secs(5 * 60 + 2))).await,
        bend(|signing| signing.date = signing.date + Duration::from_secs(5 * 60 + 2)).await,
        bend(|signing| signing.region = "eu-central-1").await,
        bend(|signing| signing.service = "sts").await,
        bend(|signing| signing.signed_headers = "content-type;x-amz-date;x-amz-target").await,
        bend(|signing| signing.signed_headers = "content-type;host;x-amz-date").await,
    ];
    for (at, rejected) in rejected.iter().enumerate() {
        assert_eq!(rejected.error(), (400, "InvalidSignatureException"), "bend {at}: {}", rejected.body);
    }
    let unlinked = bend(|signing| signing.key.id = "AKIASTRANGER".to_owned()).await;
    assert_eq!(unlinked.error(), (400, "UnrecognizedClientException"));
}

#[tokio::test]
async fn a_signed_operation_without_a_signature_is_rejected() {
    let harness = Harness::start().await;
    for operation in [
        OPERATION,
        "CreateIdentityPool",
        "DescribeIdentity",
        "DescribeIdentityPool",
        "ListIdentityPools",
        "LookupDeveloperIdentity",
    ] {
        let rejected = harness.call(operation, json!({})).await;
        assert_eq!(rejected.error(), (400, "MissingAuthenticationTokenException"), "{operation}");
    }
}

#[tokio::test]
async fn the_sdk_with_a_wrong_secret_is_rejected() {
    let harness = Harness::start().await;
    let wrong = AccessKey { secret: "wrong".to_owned(), ..AccessKey::default() };
    let aws = client(&harness.emulator.url(), &wrong);
    let error = aws.list_identity_pools().max_results(1).send().await.unwrap_err();
    let code = aws_sdk_cognitoidentity::error::ProvideErrorMetadata::code(&error);
    assert_eq!(code, Some("InvalidSignatureException"));
}

#[tokio::test]
async fn a_request_without_a_known_operation_gets_an_error() {
    let harness = Harness::start().await;
    let unknown = harness.call("GetIdea", json!({})).await;
    assert_eq!(unknown.error(), (400, "UnknownOperationException"));
    let raw = |content_type: &'static str, body: &'static str| {
        let request = harness.http.post(harness.emulator.url()).header("Content-Type", content_type);
        let request = request.header("X-Amz-Target", format!("{TARGET}.GetId")).body(body);
        async { parse_response(request.send().await.unwrap()).await }
    };
    let json_1_1 = "application/x-amz-json-1.1";
    assert_eq!(raw("application/json", "{}").await.error(), (400, "UnknownOperationException"));
    assert_eq!(raw(json_1_1, "{").await.error(), (400, "SerializationException"));
    assert_eq!(raw(json_1_1, r#"{"IdentityPoolId":7}"#).await.error(), (400, "SerializationException"));
    assert_eq!(raw(json_1_1, r#"{"Logins":["a"]}"#).await.error(), (400, "SerializationException"));
    let bad_pool = raw(json_1_1, r#"{"IdentityPoolId":"no-colon"}"#).await;
    assert_eq!(bad_pool.error(), (400, "InvalidParameterException"));
    assert_eq!(raw(json_1_1, "{}").await.error(), (400, "InvalidParameterException"));
}

#[tokio::test]
async fn limits_of_maps_are_enforced() {
    let harness = Harness::start().await;
    let logins = |n: usize| -> Value { (0..n).map(|i| (format!("provider-{i}"), json!("x"))).collect() };
    let many = harness.call("GetId", json!({"IdentityPoolId": POOL, "Logins": logins(11)})).await;
    assert_eq!(many.error(), (400, "InvalidParameterException"));
    assert!(many.body["message"].as_str().unwrap().contains("'logins'"), "{}", many.body);
    let long = json!({"accounts.google.com": "x".repeat(50_001)});
    let long = harness.call("GetId", json!({"IdentityPoolId": POOL, "Logins": long})).await;
    assert_eq!(long.error(), (400, "InvalidParameterException"));

    let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let tags = (0..51).map(|n| (format!("tag-{n}"), "x".to_owned())).collect();
    let error = call.logins(PROVIDER, "alice").set_principal_tags(Some(tags)).send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_parameter_exception());
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read() {
    let harness = Harness::start().await;
    let request = harness
        .http
        .post(harness.emulator.url())
        .header("Content-Type", "application/x-amz-json-1.1")
        .header("X-Amz-Target", format!("{TARGET}.GetId"))
        .body("x".repeat((1 << 20) + 1));
    assert_eq!(request.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_web_page_can_call_operations_but_not_the_control_api() {
    let harness = Harness::start().await;
    let preflight = |path: &str| {
        let url = format!("{}{path}", harness.emulator.url());
        harness.http.request(reqwest::Method::OPTIONS, url).header("Origin", "http://localhost").send()
    };
    let allowed = preflight("/").await.unwrap();
    assert_eq!(allowed.headers()["access-control-allow-origin"], "*");
    let rejected = preflight("/_emulator/faults").await.unwrap();
    assert!(!rejected.headers().contains_key("access-control-allow-origin"), "{rejected:?}");
}

#[tokio::test]
async fn responses_have_the_date_of_the_emulators_clock() {
    let harness = Harness::start().await;
    harness.clock.advance(Duration::from_secs(400 * 24 * 3600));
    let url = harness.emulator.url();
    let response = harness.http.post(url).send().await.unwrap();
    let date = response.headers()["date"].to_str().unwrap();
    let year = &harness.clock.now().to_rfc3339()[..4];
    assert!(date.contains(year), "{date}");
}
