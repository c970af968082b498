//! Verification of Cognito's tokens, with the emulator's tokens and with forged ones.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clock::{Clock as _, ManualClock, SharedClock, Timestamp};
use cognito_types::IdentityPoolId;
use jose::JwksSettings;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokenvend::cognito_token_verifier::{CognitoTokenVerifier, TokenVerificationError};
use tokenvend::metrics::Metrics;
use tokenvend::token::TokenClaims;

use crate::support::{DemoIdp, SECOND_POOL, TestApp};

const POOL: &str = cognito_emulator::DEFAULT_POOL;
const KID: &str = "us-east-11";

/// A signer of any claims, with its keys published as Cognito's are.
pub struct TokenSigner {
    key: EncodingKey,
    jwk: Jwk,
    pub idp: DemoIdp,
}

impl TokenSigner {
    pub fn start() -> Self {
        let key = rsa_key();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS512).unwrap();
        jwk.common.key_id = Some(KID.to_owned());
        let idp = DemoIdp::start();
        idp.publish(json!({"keys": [jwk]}).to_string());
        Self { key, jwk, idp }
    }

    pub fn keys_url(&self) -> String {
        format!("{}/jwks.json", self.idp.url)
    }

    pub fn sign(&self, claims: &Value) -> String {
        sign(Algorithm::RS512, KID, claims, &self.key)
    }

    /// Invalid tokens, each with the reason.
    pub fn forgeries(&self, now: Timestamp) -> Vec<(String, TokenVerificationError)> {
        let mut all = self.forgeries_for_any_verifier(now);
        let with = |claim, value| self.sign(&with_claim(&honest_claims(now), claim, value));
        // Invalid by the rules of Cognito's tokens: one audience, an identity of the pool's region, and an `amr`
        // for how the user signed in.
        all.extend([
            (with("aud", json!([POOL])), TokenVerificationError::Malformed),
            (with("sub", json!("eu-west-1:a")), TokenVerificationError::Subject),
            (with("amr", json!([])), TokenVerificationError::Methods),
        ]);
        all
    }

    /// Tokens that any verifier must reject: invalid in format or signature, then in a claim.
    pub fn forgeries_for_any_verifier(&self, now: Timestamp) -> Vec<(String, TokenVerificationError)> {
        let claims = honest_claims(now);
        let honest = self.sign(&claims);
        let (message, signature) = honest.rsplit_once('.').unwrap();
        let (header, payload) = message.split_once('.').unwrap();
        let with = |claim, value| self.sign(&with_claim(&claims, claim, value));
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        // Algorithm confusion: the public key as a shared secret.
        let confused = EncodingKey::from_secret(serde_json::to_string(&self.jwk).unwrap().as_bytes());
        let other = URL_SAFE_NO_PAD.encode(with_claim(&claims, "sub", json!("us-east-1:b")).to_string());
        vec![
            ("an-opaque-token".to_owned(), TokenVerificationError::Malformed),
            (format!("{header}.{payload}"), TokenVerificationError::Malformed),
            (format!("{header}.{payload}."), TokenVerificationError::Malformed),
            (format!("{header}.{payload}.{signature}.x"), TokenVerificationError::Malformed),
            (format!("{unsigned}.{payload}.AAAA"), TokenVerificationError::Algorithm),
            (sign(Algorithm::HS512, KID, &claims, &confused), TokenVerificationError::Algorithm),
            (sign(Algorithm::RS256, KID, &claims, &self.key), TokenVerificationError::Algorithm),
            (sign(Algorithm::RS512, "us-east-12", &claims, &self.key), TokenVerificationError::UnknownKey),
            (sign(Algorithm::RS512, KID, &claims, &rsa_key()), TokenVerificationError::Signature),
            (format!("{header}.{other}.{signature}"), TokenVerificationError::Signature),
            (with("iss", json!("https://cognito-identity.amazonaws.com/")), TokenVerificationError::Issuer),
            (
                with("iss", json!("https://cognito-identity.cn-north-1.amazonaws.com.cn")),
                TokenVerificationError::Issuer,
            ),
            (with("iss", json!(null)), TokenVerificationError::Malformed),
            (with("aud", json!(SECOND_POOL)), TokenVerificationError::Audience),
            (with("exp", json!(now.as_secs() - 60)), TokenVerificationError::Expired),
            (with("exp", json!("never")), TokenVerificationError::Malformed),
        ]
    }
}

fn rsa_key() -> EncodingKey {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

fn sign(algorithm: Algorithm, kid: &str, claims: &Value, key: &EncodingKey) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn with_claim(claims: &Value, claim: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[claim] = value;
    claims
}

/// The claims of a valid token of Cognito's.
pub fn honest_claims(now: Timestamp) -> Value {
    json!({
        "iss": "https://cognito-identity.amazonaws.com",
        "aud": POOL,
        "sub": "us-east-1:00000000-0000-4000-8000-00000000000a",
        "amr": ["authenticated", "login.example", format!("login.example:{POOL}:alice")],
        "iat": now.as_secs(),
        "exp": now.as_secs() + 900,
    })
}

async fn prover(keys_url: &str, clock: SharedClock) -> CognitoTokenVerifier {
    let keys = JwksSettings::new(keys_url.parse().unwrap(), Duration::from_secs(5));
    let metrics = Arc::new(Metrics::new().unwrap());
    CognitoTokenVerifier::start(keys, CognitoTokenVerifier::DEFAULT_LEEWAY, clock, metrics).await.unwrap()
}

async fn prove(prover: &CognitoTokenVerifier, token: &str, pool: &str) -> Result<TokenClaims, TokenVerificationError> {
    prover.verify(token, &IdentityPoolId::parse(pool).unwrap()).await
}

#[tokio::test]
async fn a_vended_token_proves_its_identity_in_its_own_pool_until_it_ends() {
    let app = TestApp::start().await;
    let answer = app.vend("alice").await.json();
    let token = answer["token"].as_str().unwrap();
    let prover = prover(&format!("{}/.well-known/jwks_uri", app.emulator.url()), app.clock.clone()).await;
    let claims = prove(&prover, token, POOL).await.unwrap();
    assert_eq!(claims.subject, answer["identityId"].as_str().unwrap());
    assert_eq!(prove(&prover, token, SECOND_POOL).await, Err(TokenVerificationError::Audience));
    app.advance(929);
    assert!(prove(&prover, token, POOL).await.is_ok(), "within the leeway");
    app.advance(1);
    assert_eq!(prove(&prover, token, POOL).await, Err(TokenVerificationError::Expired));
}

#[tokio::test]
async fn no_forgery_passes_and_each_has_its_own_reason() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
    let signer = TokenSigner::start();
    let prover = prover(&signer.keys_url(), clock.clone()).await;
    assert!(prove(&prover, &signer.sign(&honest_claims(clock.now())), POOL).await.is_ok());
    for (token, why) in signer.forgeries(clock.now()) {
        assert_eq!(prove(&prover, &token, POOL).await, Err(why), "{token}");
    }
}

#[tokio::test]
async fn without_cognitos_keys_no_token_is_accepted_or_rejected() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
    let signer = TokenSigner::start();
    signer.idp.set_broken(true);
    let prover = prover(&signer.keys_url(), clock.clone()).await;
    let token = signer.sign(&honest_claims(clock.now()));
    assert_eq!(prove(&prover, &token, POOL).await, Err(TokenVerificationError::KeysUnavailable));
    signer.idp.set_broken(false);
    clock.advance(Duration::from_secs(10));
    assert!(prove(&prover, &token, POOL).await.is_ok());
}
