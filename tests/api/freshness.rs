//! The lifetime of a cached token on a manual clock. Tokens live 900 s; with the default windows they are fresh to
//! 480 s of age, advisory to 600 s, mandatory to 840 s, then expired.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_advisory_window_the_cached_token_is_served_and_refreshed_in_the_background() {
    let app = TestApp::start().await;
    let first = app.vend("alice").await.token();
    app.advance(479);
    assert_eq!(app.vend("alice").await.source(), "hit");
    assert_eq!(app.calls().await, 1, "not yet");
    app.advance(1);
    let served = app.vend("alice").await;
    assert_eq!((served.source(), served.token()), ("hit", first.clone()));
    app.until_metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}", 1.0).await;
    let renewed = app.vend("alice").await;
    assert_eq!(renewed.source(), "hit");
    assert_ne!(renewed.token(), first);
    assert_eq!(app.calls().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_not_seen_lately_is_not_refreshed() {
    let app = TestApp::start().await;
    let first = app.vend("alice").await.token();
    app.advance(500);
    let served = app.vend("alice").await;
    assert_eq!((served.source(), served.token()), ("hit", first.clone()));
    // The call for bob's token gives a wrong refresh of alice's enough time.
    app.vend("bob").await.source();
    app.advance(10);
    assert_eq!(app.vend("alice").await.token(), first, "nothing was refreshed, but now she was seen");
    app.until_metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}", 1.0).await;
    assert_ne!(app.vend("alice").await.token(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_mandatory_window_the_caller_waits_for_a_refresh() {
    let app = TestApp::start().await;
    let first = app.vend("alice").await.token();
    app.advance(600);
    assert_eq!(app.vend("alice").await.source(), "hit", "exactly the allowance is left");
    app.advance(1);
    let served = app.vend("alice").await;
    assert_eq!(served.source(), "miss");
    assert_ne!(served.token(), first);
    assert_eq!(served.json()["expiresIn"], 900);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_cognito_fails_a_token_is_served_stale_down_to_min_remaining_life_and_then_503_with_retry_after() {
    let app = TestApp::with("upstream.max_attempts = 1\nupstream.circuit_breaker.failure_threshold = 1000").await;
    let first = app.vend("alice").await.token();
    app.faults(json!({"errorRate": 1.0})).await;
    app.advance(601);
    let stale = app.vend("alice").await;
    assert_eq!((stale.source(), stale.token()), ("stale", first.clone()));
    assert_eq!(stale.json()["expiresIn"], 299);
    app.advance(239);
    let stale = app.vend("alice").await;
    assert_eq!((stale.source(), stale.token()), ("stale", first), "exactly the floor is left");
    app.advance(1);
    app.vend("alice").await.is_problem(503, "upstream-unavailable");
    app.faults(json!({})).await;
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_expired_token_is_served_and_none_in_the_mandatory_window_unless_cognito_fails() {
    let app = TestApp::start().await;
    for step in [0, 100, 379, 50, 71, 250, 60, 899, 901, 3600, 299, 301, 450, 30, 130, 840, 841] {
        app.advance(step);
        let answer = app.vend("alice").await;
        let left = answer.json()["expiresIn"].as_u64().unwrap_or_else(|| panic!("{answer:?}"));
        assert!(left >= 300, "{left} s left of a token served as {}", answer.source());
        let exp = crate::support::claims_of(&answer.token())["exp"].as_i64().unwrap();
        use clock::Clock as _;
        assert!(exp >= app.clock.now().as_secs() + 300);
        if step == 50 {
            // One background refresh: a jump of the clock during it would make its signature too old.
            app.until_metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}", 1.0).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_cognito_fails_a_caller_that_needs_a_new_token_does_not_get_the_old_one() {
    let app = TestApp::with("upstream.max_attempts = 1").await;
    app.vend("alice").await;
    app.advance(31);
    app.faults(json!({"errorRate": 1.0})).await;
    app.vend_with("alice", json!({"refresh": true})).await.is_problem(503, "upstream-unavailable");
    assert_eq!(app.vend("alice").await.source(), "hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_background_refresh_of_a_user_over_quota_takes_no_call_permit() {
    // Tokens are advisory from 90 s of age. The user quota recovers one load every 300 s.
    let app = TestApp::with(
        "cache.min_refresh_interval = \"5m\"\npools.main.token_duration = \"8m\"\n\
         upstream.rate_limit.rate = \"1/s\"\nupstream.rate_limit.burst = 100",
    )
    .await;
    for _ in 0..9 {
        app.vend("alice").await.source();
        app.sign_out("alice").await;
    }
    assert_eq!(app.vend("alice").await.source(), "miss", "the tenth, and the last");
    let skipped = "tokenvend_background_refreshes_total{kind=\"token\",outcome=\"skipped\"}";
    app.advance(89);
    assert_eq!(app.vend("alice").await.source(), "hit");
    app.advance(1);
    let calls = app.calls().await;
    for count in [1.0, 2.0, 3.0] {
        assert_eq!(app.vend("alice").await.source(), "hit");
        app.until_metric(skipped, count).await;
    }
    assert_eq!(app.metric("tokenvend_upstream_rate_limit_available").await, 100.0);
    assert_eq!(app.metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"failed\"}").await, 0.0);
    assert_eq!(app.calls().await, calls);
    // A user with quota left is refreshed once, and pays one load.
    app.vend("bob").await.source();
    app.advance(89);
    app.vend("bob").await.source();
    app.advance(1);
    assert_eq!(app.vend("bob").await.source(), "hit");
    app.until_metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}", 1.0).await;
    for _ in 0..8 {
        app.sign_out("bob").await;
        assert_eq!(app.vend("bob").await.source(), "miss");
    }
    app.sign_out("bob").await;
    app.vend("bob").await.is_problem(503, "upstream-unavailable");
}
