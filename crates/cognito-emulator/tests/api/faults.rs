//! Fault injection and call counts.

use std::time::Duration;

use aws_sdk_cognitoidentity::error::ProvideErrorMetadata;
use clock::{Clock, SystemClock};
use serde_json::json;

use super::{Harness, POOL, PROVIDER, with_guests};

#[tokio::test]
async fn an_injected_throttle_or_error_is_that_of_cognito() {
    let harness = Harness::start().await;
    let vend = || {
        let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
        call.logins(PROVIDER, "alice").send()
    };
    assert_eq!(harness.set_faults(json!({"throttleRate": 1})).await, 200);
    let error = vend().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert!(error.into_service_error().is_too_many_requests_exception());

    assert_eq!(harness.set_faults(json!({"errorRate": 1})).await, 200);
    let error = vend().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert_eq!(error.code(), Some("InternalErrorException"));

    let url = format!("{}/_emulator/faults", harness.emulator.url());
    assert_eq!(harness.http.delete(url).send().await.unwrap().status(), 204);
    assert!(vend().await.is_ok());
}

#[tokio::test]
async fn a_dropped_connection_has_no_byte_of_a_response() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let harness = Harness::start().await;
    harness.set_faults(json!({"dropRate": 1})).await;
    let mut stream = tokio::net::TcpStream::connect(harness.emulator.address()).await.unwrap();
    let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n\
                   X-Amz-Target: AWSCognitoIdentityService.GetId\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    // The end of the stream or a reset: a connection without a response.
    let _ = stream.read_to_end(&mut response).await;
    assert!(response.is_empty(), "{:?}", String::from_utf8_lossy(&response));
}

#[tokio::test]
async fn injected_latency_passes_in_real_time_with_a_manual_clock() {
    let harness = Harness::with(with_guests()).await;
    harness.set_faults(json!({"latencyMillis": 80})).await;
    let watch = SystemClock::new();
    assert_eq!(harness.call("GetId", json!({"IdentityPoolId": POOL})).await.status, 200);
    assert!(watch.monotonic() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_tampered_token_has_a_valid_signature_and_a_wrong_claim() {
    let harness = Harness::start().await;
    let (identity, _) = harness.vend("alice").await;

    harness.set_faults(json!({"tamper": "sub"})).await;
    let claims = harness.verified(&harness.vend("alice").await.1).await;
    assert_ne!(claims["sub"], identity);

    harness.set_faults(json!({"tamper": "amr"})).await;
    let claims = harness.verified(&harness.vend("alice").await.1).await;
    assert_ne!(claims["amr"][2], format!("{PROVIDER}:{POOL}:alice"));

    harness.set_faults(json!({"tamper": "aud"})).await;
    let (_, token) = harness.vend("alice").await;
    let claims = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(&token).unwrap().claims;
    assert_ne!(claims["aud"], POOL);

    harness.set_faults(json!({"tamper": "opaque"})).await;
    assert!(!harness.vend("alice").await.1.contains('.'));
}

#[tokio::test]
async fn a_skewed_token_is_dated_before_or_after_now() {
    let harness = Harness::start().await;
    harness.set_faults(json!({"clockSkewSeconds": -600})).await;
    let claims = harness.verified(&harness.vend("alice").await.1).await;
    let now = harness.clock.now().as_secs();
    assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now - 600), Some(now + 300)));
}

#[tokio::test]
async fn invalid_faults_are_rejected_and_change_nothing() {
    let harness = Harness::start().await;
    harness.set_faults(json!({"latencyMillis": 1})).await;
    for bad in
        [json!({"latency": 1}), json!({"dropRate": 1.1}), json!({"tamper": "exp"}), json!({"operations": ["GetIdea"]})]
    {
        assert_eq!(harness.set_faults(bad.clone()).await, 400, "{bad}");
    }
    assert_eq!(harness.get("/_emulator/faults").await["latencyMillis"], 1);
}

#[tokio::test]
async fn calls_are_counted_by_operation_and_outcome_also_with_faults() {
    let harness = Harness::start().await;
    harness.vend("alice").await;
    harness.call("GetId", json!({})).await;
    harness.set_faults(json!({"throttleRate": 1, "operations": ["GetId"]})).await;
    harness.call("GetId", json!({})).await;
    harness.vend("alice").await;
    harness.call("GetIdea", json!({})).await;
    assert_eq!(
        harness.get("/_emulator/calls").await["calls"],
        json!({
            "GetOpenIdTokenForDeveloperIdentity": {"total": 2, "ok": 2},
            "GetId": {"total": 2, "InvalidParameterException": 1, "TooManyRequestsException": 1},
            "(unknown)": {"total": 1, "UnknownOperationException": 1},
        })
    );
    let url = format!("{}/_emulator/calls", harness.emulator.url());
    harness.http.delete(url).send().await.unwrap();
    assert_eq!(harness.get("/_emulator/calls").await["calls"], json!({}));
}
