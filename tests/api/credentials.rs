//! AWS credentials at `/v1/credentials`. They last 3600 s; with the default windows they are fresh to 2100 s of age,
//! advisory to 2400 s, mandatory to 3540 s, then expired.

mod command;
mod peers;
mod scripted;

use std::collections::HashSet;
use std::sync::Arc;

use clock::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use crate::support::{ApiResponse, CREDENTIALS, TestApp, until};
use scripted::ScriptedCredentials;

const ENABLED: &str = "pools.main.credentials.enabled = true";
const ROLE: &str = "arn:aws:iam::123456789012:role/app-users";

impl TestApp {
    pub async fn credentials_with(&self, user: &str, query: &str) -> ApiResponse {
        let request = self.client.get(self.url(&format!("/v1/credentials{query}")));
        ApiResponse::to(request.bearer_auth(self.bearer(user))).await
    }

    pub async fn credentials(&self, user: &str) -> ApiResponse {
        self.credentials_with(user, "").await
    }

    /// Injects faults into GetCredentialsForIdentity alone.
    async fn credentials_fail(&self, mut faults: Value) {
        faults["operations"] = json!([CREDENTIALS]);
        self.faults(faults).await;
    }
}

fn secret(answer: &ApiResponse) -> String {
    answer.json()["SecretAccessKey"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_no_pool_vends_credentials() {
    let app = TestApp::start().await;
    app.credentials("alice").await.is_problem(404, "credentials-disabled");
    assert_eq!(app.calls().await, 0);
    let app = TestApp::with(ENABLED).await;
    app.credentials_with("alice", "?pool=second").await.is_problem(404, "credentials-disabled");
    assert_eq!(app.credentials("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_have_the_container_format_and_the_second_request_is_a_hit() {
    let app = TestApp::with(ENABLED).await;
    let first = app.credentials("alice").await;
    assert_eq!(first.source(), "miss");
    assert_eq!(first.header("cache-control"), "no-store");
    assert_eq!(first.header("content-type"), "application/json");
    let given = first.json();
    let mut fields: Vec<&str> = given.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["AccessKeyId", "Expiration", "SecretAccessKey", "Token"]);
    assert!(given["AccessKeyId"].as_str().unwrap().starts_with("ASIA"));
    let end = Timestamp::from_secs(app.clock_now().as_secs() + 3600);
    assert_eq!(given["Expiration"], end.to_rfc3339());
    let second = app.credentials("alice").await;
    assert_eq!((second.source(), &second.text), ("hit", &first.text));
    assert_eq!((app.calls().await, app.credentials_calls().await), (1, 1));
    assert_eq!(app.metric("tokenvend_vends_total{cache=\"hit\",kind=\"credentials\"}").await, 1.0);
    assert_eq!(app.metric("tokenvend_cache_entries{kind=\"credentials\"}").await, 1.0);
    assert_eq!(
        app.metric("tokenvend_vends_total{cache=\"miss\",kind=\"token\"}").await,
        0.0,
        "no token was handed out"
    );
    assert_eq!(app.vend("alice").await.source(), "hit", "but there is one now");
    assert_ne!(secret(&app.credentials("bob").await), secret(&second), "each user has its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unauthenticated_callers_and_invalid_requests_are_refused() {
    let app = TestApp::with(ENABLED).await;
    let answer = app.client.get(app.url("/v1/credentials"));
    ApiResponse::to(answer).await.is_problem(401, "unauthorized");
    app.credentials_with("alice", "?pool=third").await.is_problem(404, "unknown-pool");
    app.credentials_with("alice", "?role=arn:aws:iam::1:role/x").await.is_problem(400, "invalid-request");
    let post = app.client.post(app.url("/v1/credentials")).bearer_auth(app.bearer("alice"));
    ApiResponse::to(post).await.is_problem(405, "method-not-allowed");
    assert_eq!(app.calls().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_pool_has_credentials_of_its_own() {
    let app = TestApp::with(&format!("{ENABLED}\npools.second.credentials.enabled = true")).await;
    let main = app.credentials_with("alice", "?pool=main").await;
    let second = app.credentials_with("alice", "?pool=second").await;
    assert_eq!((main.source(), second.source()), ("miss", "miss"));
    assert_ne!(secret(&main), secret(&second));
    assert_eq!(app.credentials("alice").await.text, main.text, "main is the default pool");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_cost_one_token_and_one_set_of_credentials() {
    let app = Arc::new(TestApp::with(ENABLED).await);
    app.credentials_fail(json!({"latencyMillis": 500})).await;
    let first = tokio::spawn({
        let app = app.clone();
        async move { app.credentials("alice").await }
    });
    let in_flight = "tokenvend_upstream_calls_in_flight{operation=\"GetCredentialsForIdentity\"}";
    until(|| async { app.metric(in_flight).await == 1.0 }).await;
    let mut others: FuturesUnordered<_> = (0..100).map(|_| app.credentials("alice")).collect();
    first.abort();
    let mut texts = HashSet::new();
    while let Some(answer) = others.next().await {
        assert!(["coalesced", "hit"].contains(&answer.source()), "{answer:?}");
        texts.insert(answer.text);
    }
    assert_eq!(texts.len(), 1);
    assert_eq!((app.calls().await, app.credentials_calls().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_advisory_window_cached_credentials_are_served_and_refreshed_in_the_background() {
    let app = TestApp::with(ENABLED).await;
    let first = app.credentials("alice").await;
    app.advance(2099);
    assert_eq!(app.credentials("alice").await.source(), "hit");
    assert_eq!(app.credentials_calls().await, 1, "not yet");
    app.advance(1);
    let served = app.credentials("alice").await;
    assert_eq!((served.source(), &served.text), ("hit", &first.text));
    app.until_metric("tokenvend_background_refreshes_total{kind=\"credentials\",outcome=\"refreshed\"}", 1.0).await;
    let renewed = app.credentials("alice").await;
    assert_eq!(renewed.source(), "hit");
    assert_ne!(renewed.text, first.text);
    assert_eq!(app.credentials_calls().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_cognito_fails_credentials_are_served_stale_down_to_the_minimum_and_tokens_are_not_affected() {
    let overlay = "upstream.max_attempts = 1\nupstream.circuit_breaker.failure_threshold = 2\nupstream.rate_limit.max_wait = \"0s\"";
    let app = TestApp::with(&format!("{ENABLED}\n{overlay}")).await;
    let first = app.credentials("alice").await;
    app.credentials_fail(json!({"errorRate": 1.0})).await;
    app.advance(2401);
    for _ in 0..5 {
        let stale = app.credentials("alice").await;
        assert_eq!((stale.source(), &stale.text), ("stale", &first.text));
    }
    assert_eq!(app.credentials_calls().await, 3, "after two failures calls for credentials pause");
    assert_eq!(app.vend("bob").await.source(), "miss", "and those for tokens do not");
    app.advance(1139);
    assert_eq!(app.credentials("alice").await.source(), "stale", "exactly the floor is left");
    app.advance(1);
    app.credentials("alice").await.is_problem(503, "upstream-unavailable");
    app.faults(json!({})).await;
    app.advance(60);
    assert_eq!(app.credentials("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttled_calls_and_a_used_up_rate_limit_get_retry_after() {
    let app =
        TestApp::with(&format!("{ENABLED}\nupstream.max_attempts = 1\nupstream.rate_limit.max_wait = \"0s\"")).await;
    app.credentials_fail(json!({"throttleRate": 1.0})).await;
    app.credentials("alice").await.is_problem(503, "upstream-unavailable");
    for name in ["calls_total", "call_duration_seconds_count"] {
        let labels = "operation=\"GetCredentialsForIdentity\",outcome=\"throttled\"";
        assert_eq!(app.metric(&format!("tokenvend_upstream_{name}{{{labels}}}")).await, 1.0, "{name}");
    }
    let overlay = "credentials.rate_limit.burst = 1\ncredentials.rate_limit.rate = \"1/s\"\nupstream.rate_limit.max_wait = \"0s\"";
    let app = TestApp::with(&format!("{ENABLED}\n{overlay}")).await;
    assert_eq!(app.credentials("alice").await.source(), "miss");
    app.credentials("bob").await.is_problem(503, "upstream-unavailable");
    assert_eq!(app.vend("carol").await.source(), "miss", "tokens have a budget of their own");
    app.advance(1);
    assert_eq!(app.credentials("bob").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_removes_only_the_users_credentials_and_loads_in_progress_leave_none() {
    let app = Arc::new(TestApp::with(ENABLED).await);
    let (alice, bob) = (app.credentials("alice").await, app.credentials("bob").await);
    assert_eq!(app.sign_out("alice").await.status, 204);
    let anew = app.credentials("alice").await;
    assert_eq!(anew.source(), "miss");
    assert_ne!(anew.text, alice.text);
    assert_eq!(app.credentials("bob").await.text, bob.text);

    app.credentials_fail(json!({"latencyMillis": 500})).await;
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { app.credentials("carol").await }
    });
    until(|| async {
        app.metric("tokenvend_upstream_calls_in_flight{operation=\"GetCredentialsForIdentity\"}").await == 1.0
    })
    .await;
    assert_eq!(app.sign_out("carol").await.status, 204);
    assert_eq!(waiting.await.unwrap().source(), "miss", "who waits is answered");
    assert_eq!(app.credentials("carol").await.source(), "miss", "and nothing was kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_signs_out_and_in_without_end_is_limited_to_the_user_quota() {
    let app = TestApp::with(ENABLED).await;
    for _ in 0..10 {
        assert_eq!(app.credentials("alice").await.source(), "miss");
        app.sign_out("alice").await;
    }
    app.credentials("alice").await.is_problem(503, "upstream-unavailable");
    assert_eq!(app.credentials_calls().await, 10);
    assert_eq!(app.credentials("bob").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_without_roles_is_misconfigured_and_cached_briefly_for_all_its_users() {
    let (app, cognito) = ScriptedCredentials::app(ENABLED).await;
    cognito.refuse("InvalidIdentityPoolConfigurationException");
    for _ in 0..3 {
        for user in ["alice", "bob"] {
            let refused = app.credentials(user).await;
            refused.is_problem(500, "misconfigured");
            assert!(!refused.text.contains("role"), "AWS's words are the operator's: {refused:?}");
        }
    }
    assert_eq!(cognito.calls(), 1);
    assert_eq!(app.vend("alice").await.source(), "hit", "tokens are not touched");
    cognito.answer_well();
    app.advance(5);
    assert_eq!(app.credentials("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_error_of_cognito_becomes_a_problem_with_only_what_the_caller_may_know() {
    for (refusal, status, name) in [
        ("NotAuthorizedException", 500, "misconfigured"),
        ("ResourceNotFoundException", 500, "misconfigured"),
        ("InvalidParameterException", 500, "misconfigured"),
        ("ResourceConflictException", 409, "login-taken"),
        ("ExternalServiceException", 503, "upstream-unavailable"),
        ("SomethingNew", 500, "misconfigured"),
    ] {
        let overlay = format!("{ENABLED}\nupstream.max_attempts = 1");
        let (app, cognito) = ScriptedCredentials::app(&overlay).await;
        cognito.refuse(refusal);
        app.credentials("alice").await.is_problem(status, name);
        assert_eq!(cognito.calls(), 1, "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_cached_token_is_reloaded_once() {
    let (app, cognito) = ScriptedCredentials::app(ENABLED).await;
    app.vend("alice").await;
    app.advance(31);
    cognito.refuse_once("NotAuthorizedException");
    assert_eq!(app.credentials("alice").await.source(), "miss");
    assert_eq!((app.calls().await, cognito.calls()), (2, 2));
    cognito.refuse("ResourceNotFoundException");
    app.sign_out("bob").await;
    app.vend("bob").await;
    app.credentials("bob").await.is_problem(500, "misconfigured");
    assert_eq!((app.calls().await, cognito.calls()), (3, 3), "a token just minted is not minted again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_or_mismatched_credentials_are_never_served() {
    let identity = "us-east-1:00000000-0000-4000-8000-00000000beef";
    for (change, what) in [
        (json!({"IdentityId": identity}), "another identity's"),
        (json!({"Credentials": {"SecretKey": ""}}), "an empty secret"),
        (json!({"Credentials": {"SessionToken": null}}), "no session token"),
        (json!({"Credentials": {"Expiration": 1000}}), "long ended"),
    ] {
        let (app, cognito) = ScriptedCredentials::app(ENABLED).await;
        cognito.change(&change);
        let refused = app.credentials("alice").await;
        refused.is_problem(500, "misconfigured");
        assert!(!refused.text.contains("ASIA"), "{what}: {refused:?}");
        cognito.answer_well();
        app.advance(31);
        assert_eq!(app.credentials("alice").await.source(), "miss", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_is_configured_and_the_call_is_unsigned() {
    let overlay = format!("{ENABLED}\npools.main.credentials.custom_role_arn = \"{ROLE}\"");
    let (app, cognito) = ScriptedCredentials::app(&overlay).await;
    assert_eq!(app.credentials("alice").await.source(), "miss");
    let (authorization, asked) = cognito.last();
    assert_eq!(authorization, "");
    assert_eq!(asked["CustomRoleArn"], ROLE);
    let token = app.vend("alice").await;
    assert_eq!(asked["Logins"], json!({"cognito-identity.amazonaws.com": token.token()}));
    assert_eq!(asked["IdentityId"], token.json()["identityId"]);

    let (app, cognito) = ScriptedCredentials::app(ENABLED).await;
    app.credentials("alice").await.source();
    assert_eq!(cognito.last().1.get("CustomRoleArn"), None, "else it is the pool's default");
}
