//! Signature algorithms: each one of JWS, signed by PyJWT over OpenSSL, and only those that the configuration lists.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::packages::peers_or_skip;
use crate::support::{ApiResponse, TestApp, jwks_of};

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const ALL_PUBLIC: &str = r#"auth.app.algorithms = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]"#;

/// Keys and tokens of PyJWT. The tokens are valid for hours.
fn signed() -> Option<Value> {
    let place = peers_or_skip()?;
    let now = SystemClock::new().now().as_secs();
    let claims = json!({
        "iss": "https://app.example", "aud": "tokenvend", "sub": "alice", "iat": now - 60, "exp": now + 36_000,
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/sign_jwts.py");
    let mut command = Command::new(place.join("venv/bin/python"));
    let output = command.args([script, &claims.to_string(), SECRET]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_algorithm_of_the_standard_is_verified_and_one_that_is_not_listed_is_not() {
    let Some(signed) = signed() else { return };
    let app = TestApp::with(ALL_PUBLIC).await;
    let only_one = TestApp::with("auth.app.algorithms = [\"PS384\"]").await;
    for app in [&app, &only_one] {
        app.demo.publish(signed["jwks"].to_string());
        app.advance(10);
    }
    for (algorithm, token) in signed["tokens"].as_object().unwrap() {
        let token = token.as_str().unwrap();
        assert_eq!(app.vend_bearer(token).await.status, 200, "{algorithm}");
        let listed = only_one.vend_bearer(token).await.status;
        assert_eq!(listed, if algorithm == "PS384" { 200 } else { 401 }, "{algorithm}");
        // With the key of another algorithm, although that one is published and listed.
        let (_, rest) = token.split_once('.').unwrap();
        for other in signed["tokens"].as_object().unwrap().keys().filter(|other| *other != algorithm) {
            let header = json!({"alg": other, "kid": format!("key-{algorithm}")}).to_string();
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(app.vend_bearer(&forged).await.status, 401, "{algorithm} as {other}");
        }
    }
    app.vend_bearer(signed["weak"].as_str().unwrap()).await.is_problem(401, "unauthorized");
    for token in signed["shared"].as_object().unwrap().values() {
        app.vend_bearer(token.as_str().unwrap()).await.is_problem(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pem_file_is_for_its_own_algorithms_and_a_shared_secret_for_its_own() {
    let Some(signed) = signed() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (algorithm, pem) in signed["pems"].as_object().unwrap() {
        let path = folder.path().join(format!("{algorithm}.pem"));
        std::fs::write(&path, pem.as_str().unwrap()).unwrap();
        let way = format!("auth.own.algorithms = [\"{algorithm}\"]\nauth.own.key_file = {path:?}");
        let app = TestApp::with(&alone(&way)).await;
        let token = signed["tokens"][algorithm].as_str().unwrap();
        assert_eq!(app.vend_bearer(token).await.status, 200, "{algorithm}");
    }
    let app = TestApp::with(&alone(&format!(
        "auth.own.algorithms = [\"HS256\", \"HS384\", \"HS512\"]\nauth.own.secret = \"{SECRET}\""
    )))
    .await;
    for (algorithm, token) in signed["shared"].as_object().unwrap() {
        assert_eq!(app.vend_bearer(token.as_str().unwrap()).await.status, 200, "{algorithm}");
    }
    for token in signed["tokens"].as_object().unwrap().values() {
        app.vend_bearer(token.as_str().unwrap()).await.is_problem(401, "unauthorized");
    }
}

/// Adds an authenticator for the same issuer, and moves the default one to another issuer.
fn alone(way: &str) -> String {
    format!(
        "auth.app.issuer = \"https://other.example\"\nauth.app.user_id = \"other:{{sub}}\"\n\
         auth.own.issuer = \"https://app.example\"\nauth.own.user_id = \"own:{{sub}}\"\n\
         auth.own.audience = [\"tokenvend\"]\n{way}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_list_of_types_a_token_must_have_one() {
    let app = TestApp::with("auth.app.typ = [\"at+jwt\"]").await;
    let claims = app.demo.claims("alice", app.clock.now());
    for (typ, status) in [
        (Some("at+jwt"), 200),
        (Some("AT+JWT"), 200),
        (Some("application/at+jwt"), 200),
        (Some("JWT"), 401),
        (Some("at+jwt2"), 401),
        (None, 401),
    ] {
        let answer = app.vend_bearer(&app.demo.sign_kind(&claims, typ)).await;
        assert_eq!(answer.status, status, "{typ:?}");
    }
    assert_eq!(app.metric("tokenvend_authentications_total{outcome=\"token_type\"}").await, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_found_by_the_issuers_discovery_document_if_it_is_that_issuers() {
    let overlay = "auth.app.issuer = \"https://other.example\"\nauth.app.user_id = \"other:{sub}\"\n\
                   auth.own.issuer = \"DEMO_IDP\"\nauth.own.user_id = \"own:{sub}\"\n\
                   auth.own.audience = [\"tokenvend\"]\nauth.own.algorithms = [\"ES256\"]\n\
                   auth.own.discovery = true\n";
    let app = TestApp::with(overlay).await;
    let bearer = |kid: &str| {
        *app.demo.kid.lock().unwrap() = kid.to_owned();
        let mut claims = app.demo.claims("alice", app.clock.now());
        claims["iss"] = json!(app.demo.url);
        app.demo.sign(&claims)
    };
    assert_eq!(app.vend_bearer(&bearer("one")).await.source(), "miss");
    // The document names another issuer, or keys over plain HTTP: the previous keys stay.
    app.demo.publish(jwks_of(&app.demo.key, "two"));
    for document in [
        json!({"issuer": "https://evil.example", "jwks_uri": format!("{}/jwks.json", app.demo.url)}),
        json!({"issuer": app.demo.url, "jwks_uri": "http://192.0.2.1/jwks.json"}),
        json!({"issuer": app.demo.url}),
    ] {
        app.demo.describe(&document);
        app.advance(10);
        app.vend_bearer(&bearer("two")).await.is_problem(503, "auth-unavailable");
        assert_eq!(app.vend_bearer(&bearer("one")).await.source(), "hit");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_above_their_maximum_age_verify_no_token_until_they_are_refreshed() {
    let app = TestApp::with("auth.app.jwks_max_age = \"1h\"\nauth.app.cache_ttl = \"0s\"").await;
    assert_eq!(app.vend("alice").await.source(), "miss");
    app.demo.set_broken(true);
    app.advance(3600);
    assert_eq!(app.vend("alice").await.status, 200);
    app.advance(1);
    app.vend("alice").await.is_problem(503, "auth-unavailable");
    ApiResponse::to(app.client.get(app.url("/readyz"))).await.is_problem(503, "not-ready");
    app.demo.set_broken(false);
    app.advance(10);
    assert_eq!(app.vend("alice").await.status, 200);
}
