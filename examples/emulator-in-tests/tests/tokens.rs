//! Tests of the app against the Cognito emulator, which runs in the test process on a free port.

use std::sync::Arc;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::retry::RetryConfig;
use aws_sdk_cognitoidentity::config::{BehaviorVersion, Config, Credentials, Region};
use cognito_emulator::clock::SystemClock;
use cognito_emulator::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, RunningEmulator, Settings, start};
use emulator_in_tests::{TokenError, TokenService};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

/// Each test has an emulator of its own: port 0 is any free port, so tests can run in parallel.
async fn start_emulator() -> RunningEmulator {
    start(Settings::default(), Arc::new(SystemClock::new())).await.unwrap()
}

/// The app's service, with its client pointed at the emulator.
fn service(emulator: &RunningEmulator) -> TokenService {
    let key = AccessKey::default();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(emulator.url())
        .credentials_provider(Credentials::new(key.id, key.secret, None, None, "emulator"))
        .retry_config(RetryConfig::disabled())
        .build();
    TokenService::new(Client::from_conf(config), DEFAULT_POOL, DEFAULT_DEVELOPER_PROVIDER)
}

/// The claims of a token, verified as an API that accepts Cognito tokens does.
async fn verify(emulator: &RunningEmulator, token: &str) -> Value {
    let url = format!("{}/.well-known/jwks_uri", emulator.url());
    let keys = reqwest::get(url).await.unwrap().text().await.unwrap();
    let keys: JwkSet = serde_json::from_str(&keys).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS512);
    validation.set_audience(&[DEFAULT_POOL]);
    validation.set_issuer(&["https://cognito-identity.amazonaws.com"]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn a_token_is_valid_and_names_the_identity_of_the_user() {
    let emulator = start_emulator().await;
    let service = service(&emulator);

    let alice = service.token("alice").await.unwrap();
    let claims = verify(&emulator, &alice.token).await;
    assert_eq!(claims["sub"], alice.identity_id);
    assert_eq!(claims["amr"][2], format!("{DEFAULT_DEVELOPER_PROVIDER}:{DEFAULT_POOL}:alice"));

    assert_eq!(service.token("alice").await.unwrap().identity_id, alice.identity_id);
    assert_ne!(service.token("bob").await.unwrap().identity_id, alice.identity_id);
    emulator.stop().await;
}

#[tokio::test]
async fn a_throttled_call_is_reported_as_throttled() {
    let emulator = start_emulator().await;
    let service = service(&emulator);

    let url = format!("{}/_emulator/faults", emulator.url());
    let faults = json!({ "throttleRate": 1 }).to_string();
    reqwest::Client::new().put(url).body(faults).send().await.unwrap().error_for_status().unwrap();
    assert!(matches!(service.token("alice").await, Err(TokenError::Throttled)));
    emulator.stop().await;
}
