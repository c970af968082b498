//! The last-entry hint: the token of a cached credential is found without a lookup, and is the one in the store.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ApiResponse, SECOND_POOL, TestApp, claims_of};

/// Requests a token with this bearer, which the credential cache has after the first request.
async fn ask(app: &TestApp, method: Method, bearer: &str, body: Option<Value>) -> ApiResponse {
    let mut request = app.client.request(method, app.url("/v1/token")).bearer_auth(bearer);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    ApiResponse::to(request).await
}

/// An app with a caller of three requests: they fill the cache, set the hint, and use it.
async fn with_hint() -> (TestApp, String, String) {
    let app = TestApp::start().await;
    let bearer = app.bearer("alice");
    let first = ask(&app, Method::POST, &bearer, None).await;
    assert_eq!(first.source(), "miss");
    for _ in 0..2 {
        assert_eq!(ask(&app, Method::POST, &bearer, None).await.source(), "hit");
    }
    assert_eq!(app.metric("tokenvend_auth_cache_entries").await, 1.0);
    let token = first.token();
    (app, bearer, token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_by_one_credential_is_visible_to_the_users_other_credentials() {
    let (app, bearer, first) = with_hint().await;
    app.advance(60);
    let other = app.bearer("alice");
    assert_ne!(other, bearer);
    let renewed = ask(&app, Method::POST, &other, Some(json!({"refresh": true}))).await;
    assert_eq!(renewed.source(), "miss");
    assert_ne!(renewed.token(), first);
    for _ in 0..3 {
        let now = ask(&app, Method::POST, &bearer, None).await;
        assert_eq!((now.source(), now.token()), ("hit", renewed.token()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_by_one_credential_is_visible_to_the_users_other_credentials() {
    let (app, bearer, first) = with_hint().await;
    app.advance(60);
    let other = app.bearer("alice");
    assert_eq!(ask(&app, Method::DELETE, &other, None).await.status, 204);
    let anew = ask(&app, Method::POST, &bearer, None).await;
    assert_eq!(anew.source(), "miss");
    assert_ne!(anew.token(), first);
    assert_eq!(ask(&app, Method::POST, &bearer, None).await.token(), anew.token());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_of_two_pools_gets_the_token_of_the_pool_in_each_request() {
    let (app, bearer, first) = with_hint().await;
    for turn in 0..3 {
        let second = ask(&app, Method::POST, &bearer, Some(json!({"pool": "second"}))).await;
        assert_eq!(second.source(), if turn == 0 { "miss" } else { "hit" });
        assert_eq!(claims_of(&second.token())["aud"], SECOND_POOL);
        assert_eq!(ask(&app, Method::POST, &bearer, None).await.token(), first);
    }
}
