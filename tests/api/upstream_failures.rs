//! Failures of Cognito: throttling, errors, timeouts, rejections. A caller with a valid cached token is not affected.

use serde_json::json;

use crate::support::{ApiResponse, TestApp, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_half_of_all_calls_throttled_no_caller_with_a_valid_token_notices() {
    let overlay = "upstream.throttle_backoff = \"1ms\"\nupstream.throttle_backoff_max = \"2ms\"";
    let app = TestApp::with(overlay).await;
    let users: Vec<String> = (0..20).map(|n| format!("user-{n}")).collect();
    for user in &users {
        app.vend(user).await.source();
    }
    let before = app.calls().await;
    app.faults(json!({"throttleRate": 0.5})).await;
    app.advance(610);
    for round in 0..3 {
        for user in &users {
            let answer = vend_while_time_advances(&app, user).await;
            assert!(["hit", "miss", "coalesced", "stale"].contains(&answer.source()), "round {round}: {answer:?}");
        }
    }
    let calls = app.calls().await - before;
    assert!(calls <= 3 * 3 * 20, "each token may take three attempts at most: {calls}");
    assert!(app.metric("tokenvend_circuit_opened_total{cause=\"throttled\"}").await >= 1.0);
}

/// Vends while the manual clock advances, because the throttle backoff sleeps on it.
pub async fn vend_while_time_advances(app: &TestApp, user: &str) -> ApiResponse {
    let request = app.vend(user);
    tokio::pin!(request);
    loop {
        tokio::select! {
            answer = &mut request => return answer,
            () = a_moment() => app.clock.advance(std::time::Duration::from_millis(2)),
        }
    }
}

pub async fn a_moment() {
    #[expect(clippy::disallowed_methods, reason = "so that the app's clock goes on at about the real pace")]
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_stay_within_the_rate_limit_and_excess_requests_get_retry_after() {
    let overlay =
        "upstream.rate_limit.burst = 3\nupstream.rate_limit.rate = \"1/s\"\nupstream.rate_limit.max_wait = \"0s\"";
    let app = TestApp::with(overlay).await;
    for user in ["a", "b", "c"] {
        assert_eq!(app.vend(user).await.source(), "miss");
    }
    let refused = app.vend("d").await;
    refused.is_problem(503, "upstream-unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(app.vend("a").await.source(), "hit", "the cache needs no budget");
    assert_eq!(app.calls().await, 3);
    assert_eq!(
        app.metric("tokenvend_upstream_rate_limited_total{operation=\"GetOpenIdTokenForDeveloperIdentity\"}").await,
        1.0
    );
    app.advance(1);
    assert_eq!(app.vend("d").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_cognito_fails_the_circuit_opens_and_closes_again_when_it_recovers() {
    let overlay = "upstream.max_attempts = 1\nupstream.circuit_breaker.failure_threshold = 2\nupstream.rate_limit.max_wait = \"0s\"";
    let app = TestApp::with(overlay).await;
    let first = app.vend("alice").await.token();
    app.faults(json!({"dropRate": 1.0})).await;
    app.advance(700);
    assert_eq!(app.vend("alice").await.token(), first);
    assert_eq!(app.vend("alice").await.source(), "stale");
    let calls = app.calls().await;
    for _ in 0..10 {
        let answer = app.vend("alice").await;
        assert_eq!((answer.source(), answer.token()), ("stale", first.clone()));
        app.vend("bob").await.is_problem(503, "upstream-unavailable");
    }
    assert_eq!(app.calls().await, calls, "no call is made during the pause");
    assert_eq!(app.metric("tokenvend_circuits_open").await, 1.0);
    app.faults(json!({})).await;
    app.advance(1);
    assert_eq!(app.vend("bob").await.source(), "miss");
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_is_retried() {
    let app = TestApp::start().await;
    app.faults(json!({"dropRate": 1.0, "latencyMillis": 300})).await;
    let request = app.vend("alice");
    tokio::pin!(request);
    // The first call is counted before it is dropped. All later ones succeed.
    let is_counted = async {
        app.until_calls(1).await;
        app.faults(json!({})).await;
    };
    tokio::select! {
        answer = &mut request => panic!("too early: {answer:?}"),
        () = is_counted => {}
    }
    assert_eq!(request.await.source(), "miss");
    assert_eq!(app.calls().await, 2);
    assert_eq!(
        app.metric(
            "tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"unavailable\"}"
        )
        .await,
        1.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_with_a_valid_token_does_not_wait_long_for_a_slow_cognito() {
    let app = TestApp::start().await;
    let first = app.vend("alice").await.token();
    app.advance(610);
    app.faults(json!({"latencyMillis": 60_000})).await;
    let request = app.vend("alice");
    tokio::pin!(request);
    // The call is sent before the clock moves, so that its timeout has started.
    tokio::select! {
        answer = &mut request => panic!("too early: {answer:?}"),
        () = until(|| async { app.metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}").await >= 1.0 }) => {}
    }
    let answer = loop {
        tokio::select! {
            answer = &mut request => break answer,
            () = a_moment() => app.advance(2),
        }
    };
    assert_eq!((answer.source(), answer.token()), ("stale", first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_permissions_are_misconfigured_cached_briefly_and_never_cost_a_valid_token() {
    let pool = "us-east-1:00000000-0000-4000-8000-00000000dead";
    let app = TestApp::with(&format!("pools.second.identity_pool_id = \"{pool}\"")).await;
    for _ in 0..5 {
        app.vend_with("alice", json!({"pool": "second"})).await.is_problem(500, "misconfigured");
        app.vend_with("bob", json!({"pool": "second"})).await.is_problem(500, "misconfigured");
    }
    assert_eq!(app.calls().await, 1, "one call tells about the whole pool");
    assert_eq!(app.vend("alice").await.source(), "miss", "other pools are not touched");
    app.advance(5);
    app.vend_with("alice", json!({"pool": "second"})).await.is_problem(500, "misconfigured");
    assert_eq!(app.calls().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_aws_reaches_a_caller() {
    let app = TestApp::with("upstream.max_attempts = 1").await;
    app.faults(json!({"throttleRate": 1.0})).await;
    let throttled = app.vend("alice").await;
    throttled.is_problem(503, "upstream-unavailable");
    for word in ["TooManyRequests", "Exception", "us-east-1:", "login.", "127.0.0.1"] {
        assert!(!throttled.text.contains(word), "{word} in {throttled:?}");
    }
}
