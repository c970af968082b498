//! Tests of the emulator over a socket: with the AWS SDK as a service uses it, and with raw HTTP for the protocol.

#![expect(clippy::unwrap_used, reason = "a failed precondition fails the test, also in shared functions")]

#[cfg(feature = "cli")]
mod command;
mod example_project;
mod faults;
mod identities;
mod linking;
mod persistence;
mod pools;
mod protocol;
mod roles;
mod sts;
mod tokens;

use std::sync::{Arc, OnceLock};

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::retry::RetryConfig;
use aws_sdk_cognitoidentity::config::{BehaviorVersion, Config, Credentials, Region};
use clock::{Clock, ManualClock, SystemClock};
use cognito_emulator::{
    AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, PoolSeed, RunningEmulator, Settings, SigningKey, start,
};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

const PROVIDER: &str = DEFAULT_DEVELOPER_PROVIDER;
const POOL: &str = DEFAULT_POOL;
const TARGET: &str = "AWSCognitoIdentityService";

/// An emulator, its clock, and clients for it.
struct Harness {
    emulator: RunningEmulator,
    clock: Arc<ManualClock>,
    http: reqwest::Client,
    aws: Client,
}

/// A response over raw HTTP.
struct Response {
    status: u16,
    error_type: Option<String>,
    body: Value,
}

impl Response {
    fn error(&self) -> (u16, &str) {
        let name = self.error_type.as_deref().unwrap_or("(none)");
        assert_eq!(self.body["__type"], name, "header and body must name the same error");
        (self.status, name)
    }
}

/// Settings with a shared key, because generating one is slow.
fn settings() -> Settings {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    let key = KEY.get_or_init(|| SigningKey::generate().unwrap()).clone();
    Settings { signing_key: Some(key), seed: Some(1), ..Settings::default() }
}

/// Settings whose pool allows guests.
fn with_guests() -> Settings {
    let pool = PoolSeed { allow_guests: true, ..PoolSeed::default() };
    Settings { pools: vec![pool], ..settings() }
}

impl Harness {
    async fn start() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: Settings) -> Self {
        // Starts at the real time, because the SDK dates signatures with it.
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let emulator = start(settings, clock.clone()).await.unwrap();
        let aws = client(&emulator.url(), &AccessKey::default());
        Self { emulator, clock, http: reqwest::Client::new(), aws }
    }

    /// Calls an unsigned operation over raw HTTP.
    async fn call(&self, operation: &str, input: Value) -> Response {
        let request = self
            .http
            .post(self.emulator.url())
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", format!("{TARGET}.{operation}"))
            .body(input.to_string());
        parse_response(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.emulator.url());
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    async fn set_faults(&self, faults: Value) -> u16 {
        let url = format!("{}/_emulator/faults", self.emulator.url());
        self.http.put(url).body(faults.to_string()).send().await.unwrap().status().as_u16()
    }

    /// The identity and the token of a developer user.
    async fn vend(&self, user: &str) -> (String, String) {
        let output = self
            .aws
            .get_open_id_token_for_developer_identity()
            .identity_pool_id(POOL)
            .logins(PROVIDER, user)
            .send()
            .await
            .unwrap();
        (output.identity_id.unwrap(), output.token.unwrap())
    }

    /// Verifies signature, issuer and audience of a token with the published keys, and returns its claims.
    async fn verified(&self, token: &str) -> Value {
        let keys: JwkSet = serde_json::from_value(self.get("/.well-known/jwks_uri").await).unwrap();
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS512);
        validation.set_audience(&[POOL]);
        validation.set_issuer(&["https://cognito-identity.amazonaws.com"]);
        // Expiry depends on the emulator's clock, not on the machine's.
        validation.validate_exp = false;
        jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
    }
}

async fn parse_response(response: reqwest::Response) -> Response {
    let status = response.status().as_u16();
    assert!(response.headers().contains_key("x-amzn-requestid"), "every response has a request id");
    let error_type = response.headers().get("x-amzn-errortype").map(|name| name.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    Response { status, error_type, body: serde_json::from_str(&text).unwrap() }
}

pub fn client(url: &str, key: &AccessKey) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new(&key.id, &key.secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

fn public_login(user: &str) -> Value {
    json!({ "accounts.google.com": user })
}
