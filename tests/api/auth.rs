//! Authentication by JWT. A rejected credential costs no call to Cognito.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{ApiResponse, TestApp, jwks_of, new_key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_of_the_app_is_fetched_at_once_and_unknown_key_ids_cost_few_fetches() {
    let app = TestApp::start().await;
    assert_eq!(app.vend("alice").await.source(), "miss");
    assert_eq!(app.demo.fetches(), 1);
    app.advance(30);
    *app.demo.kid.lock().unwrap() = "two".to_owned();
    app.demo.publish(jwks_of(&app.demo.key, "two"));
    assert_eq!(app.vend("bob").await.source(), "miss");
    assert_eq!(app.demo.fetches(), 2);

    *app.demo.kid.lock().unwrap() = "made-up".to_owned();
    for n in 0..50 {
        app.vend(&format!("user-{n}")).await.is_problem(401, "unauthorized");
    }
    assert_eq!(app.demo.fetches(), 2, "not within the least interval");
    app.advance(10);
    for n in 0..50 {
        app.vend(&format!("user-{n}")).await.is_problem(401, "unauthorized");
    }
    assert_eq!(app.demo.fetches(), 3);
    // A key that cannot be fetched now is an unavailable authenticator, not a rejected credential.
    app.demo.set_broken(true);
    app.advance(10);
    app.vend("alice").await.is_problem(503, "auth-unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_stay_in_use_while_the_app_cannot_be_reached() {
    let app = TestApp::start().await;
    app.demo.set_broken(true);
    app.advance(600);
    app.until_metric("tokenvend_jwks_fetches_total{outcome=\"failed\"}", 1.0).await;
    assert_eq!(app.vend("alice").await.source(), "miss");
    assert_eq!(app.metric("tokenvend_jwks_age_seconds").await, 600.0);
    let ready = ApiResponse::to(app.client.get(app.url("/readyz"))).await;
    assert_eq!(ready.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_from_the_start_no_credential_is_rejected_and_the_service_is_not_ready() {
    let app = TestApp::with("auth.app.jwks_url = \"http://127.0.0.1:1/jwks.json\"").await;
    let answer = app.vend("alice").await;
    answer.is_problem(503, "auth-unavailable");
    let ready = ApiResponse::to(app.client.get(app.url("/readyz"))).await;
    ready.is_problem(503, "not-ready");
    assert!(ready.text.contains("signing keys"), "{ready:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_also_verified_by_a_shared_secret_or_a_pem_file() {
    let secret = "0123456789abcdef0123456789abcdef";
    let overlay = format!(
        "auth.app.user_id = \"app:{{sub}}\"\n[auth.backend]\nissuer = \"https://backend.example\"\n\
         user_id = \"backend:{{sub}}\"\naudience = [\"tokenvend\"]\n\
         algorithms = [\"HS256\"]\nsecret = \"{secret}\"\n"
    );
    let app = TestApp::with(&overlay).await;
    let mut claims = app.demo.claims("alice", clock::Clock::now(&*app.clock));
    claims["iss"] = json!("https://backend.example");
    let key = EncodingKey::from_secret(secret.as_bytes());
    let bearer = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    let theirs = app.vend_bearer(&bearer).await;
    assert_eq!(theirs.source(), "miss");
    let ours = app.vend("alice").await;
    assert_eq!(ours.source(), "miss", "another issuer's alice is another user");
    assert_ne!(ours.json()["identityId"], theirs.json()["identityId"]);
    // The keys of one issuer verify no token of the other.
    let bearer = app.demo.sign(&claims);
    app.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
    claims["iss"] = json!("https://app.example");
    let bearer = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    app.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_bearer_is_cached_until_its_exp_or_cache_ttl_and_then_verified_again() {
    let app = TestApp::with("auth.app.cache_ttl = \"60s\"").await;
    let bearer = app.bearer("alice");
    assert_eq!(app.vend_bearer(&bearer).await.source(), "miss");
    assert_eq!(app.metric("tokenvend_auth_cache_entries").await, 1.0);
    // The app withdraws the key. The credential cache keeps verified tokens for a while; others are rejected.
    let other = app.bearer("bob");
    app.demo.publish(jwks_of(&new_key(), "two"));
    app.advance(601);
    app.until_metric("tokenvend_jwks_fetches_total{outcome=\"fetched\"}", 2.0).await;
    app.vend_bearer(&other).await.is_problem(401, "unauthorized");
    app.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cached_bearer_expires_at_its_exp() {
    let app = TestApp::with("auth.app.leeway = \"0s\"").await;
    let mut claims = app.demo.claims("alice", clock::Clock::now(&*app.clock));
    claims["exp"] = json!(claims["iat"].as_i64().unwrap() + 20);
    let bearer = app.demo.sign(&claims);
    assert_eq!(app.vend_bearer(&bearer).await.source(), "miss");
    app.advance(19);
    assert_eq!(app.vend_bearer(&bearer).await.source(), "hit");
    app.advance(1);
    app.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bearer_that_differs_in_one_letter_misses_the_credential_cache() {
    let app = TestApp::start().await;
    let bearer = app.bearer("alice");
    assert_eq!(app.vend_bearer(&bearer).await.source(), "miss");
    // Each letter of the signature once, the last one also in its unused bits.
    let start = bearer.rfind('.').unwrap() + 1;
    for at in start..bearer.len() {
        let mut forged = bearer.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        app.vend_bearer(&forged).await.is_problem(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_without_the_required_scopes_and_claims_is_forbidden() {
    let app =
        TestApp::with("auth.app.require.scope = [\"tokens:vend\"]\nauth.app.require.claims = { azp = [\"mobile\"] }")
            .await;
    let vend = async |more: Value| {
        let mut claims = app.demo.claims("alice", clock::Clock::now(&*app.clock));
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.vend_bearer(&app.demo.sign(&claims)).await
    };
    for lacking in [
        json!({}),
        json!({"scope": "tokens:vend"}),
        json!({"azp": "mobile"}),
        json!({"scope": "tokens", "azp": "mobile"}),
        json!({"scope": "tokens:vend", "azp": "mobile2"}),
    ] {
        let answer = vend(lacking).await;
        answer.is_problem(403, "insufficient-credential");
        assert!(answer.header("www-authenticate").contains("insufficient_scope"), "{answer:?}");
    }
    assert_eq!(app.calls().await, 0);
    assert_eq!(vend(json!({"scope": "a tokens:vend", "azp": "mobile"})).await.source(), "miss");
}
