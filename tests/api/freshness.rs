//! A token's life on a clock that the test moves. Tokens live 900 s; with the default windows they are fresh to
//! 480 s of age, advisory to 600 s, mandatory to 840 s, then spent.

use serde_json::json;

use crate::support::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_the_advisory_window_the_old_token_is_served_and_a_new_one_fetched_behind() {
    let world = World::start().await;
    let first = world.vend("alice").await.token();
    world.advance(479);
    assert_eq!(world.vend("alice").await.source(), "hit");
    assert_eq!(world.calls().await, 1, "not yet");
    world.advance(1);
    let served = world.vend("alice").await;
    assert_eq!((served.source(), served.token()), ("hit", first.clone()));
    world
        .until_metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}", 1.0)
        .await;
    let renewed = world.vend("alice").await;
    assert_eq!(renewed.source(), "hit");
    assert_ne!(renewed.token(), first);
    assert_eq!(world.calls().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_not_seen_lately_is_not_refreshed() {
    let world = World::start().await;
    let first = world.vend("alice").await.token();
    world.advance(500);
    let served = world.vend("alice").await;
    assert_eq!((served.source(), served.token()), ("hit", first.clone()));
    // Bob's token takes a whole call, time enough for a refresh of alice's that must not be.
    world.vend("bob").await.source();
    world.advance(10);
    assert_eq!(world.vend("alice").await.token(), first, "nothing was refreshed, but now she was seen");
    world
        .until_metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}", 1.0)
        .await;
    assert_ne!(world.vend("alice").await.token(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_the_skew_allowance_the_caller_waits_for_a_new_token() {
    let world = World::start().await;
    let first = world.vend("alice").await.token();
    world.advance(600);
    assert_eq!(world.vend("alice").await.source(), "hit", "exactly the allowance is left");
    world.advance(1);
    let served = world.vend("alice").await;
    assert_eq!(served.source(), "miss");
    assert_ne!(served.token(), first);
    assert_eq!(served.json()["expiresIn"], 900);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_cognito_fails_a_token_is_served_stale_down_to_the_floor_and_then_refused_with_retry_after() {
    let world =
        World::with("upstream.max_attempts = 1\nupstream.circuit_breaker.failure_threshold = 1000").await;
    let first = world.vend("alice").await.token();
    world.faults(json!({"errorRate": 1.0})).await;
    world.advance(601);
    let stale = world.vend("alice").await;
    assert_eq!((stale.source(), stale.token()), ("stale", first.clone()));
    assert_eq!(stale.json()["expiresIn"], 299);
    world.advance(239);
    let stale = world.vend("alice").await;
    assert_eq!((stale.source(), stale.token()), ("stale", first), "exactly the floor is left");
    world.advance(1);
    world.vend("alice").await.is_problem(503, "upstream-unavailable");
    world.faults(json!({})).await;
    assert_eq!(world.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_ever_served_past_its_end_or_in_normal_times_inside_the_allowance() {
    let world = World::start().await;
    for step in [0, 100, 379, 50, 71, 250, 60, 899, 901, 3600, 299, 301, 450, 30, 130, 840, 841] {
        world.advance(step);
        let answer = world.vend("alice").await;
        let left = answer.json()["expiresIn"].as_u64().unwrap_or_else(|| panic!("{answer:?}"));
        assert!(left >= 300, "{left} s left of a token served as {}", answer.source());
        let exp = crate::support::claims_of(&answer.token())["exp"].as_i64().unwrap();
        use clock::Clock as _;
        assert!(exp >= world.clock.now().as_secs() + 300);
        if step == 50 {
            // The one refresh behind: a clock that jumped meanwhile would make its signature too old.
            world
                .until_metric(
                    "tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}",
                    1.0,
                )
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_needs_a_new_token_is_not_put_off_with_the_old_one_when_cognito_fails() {
    let world = World::with("upstream.max_attempts = 1").await;
    world.vend("alice").await;
    world.advance(31);
    world.faults(json!({"errorRate": 1.0})).await;
    world.vend_with("alice", json!({"refresh": true})).await.is_problem(503, "upstream-unavailable");
    assert_eq!(world.vend("alice").await.source(), "hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_background_refresh_of_a_user_over_quota_takes_no_call_permit() {
    // Tokens are advisory from 90 s of age; of the ration, something comes back every 300 s.
    let world = World::with(
        "cache.min_refresh_interval = \"5m\"\npools.main.token_duration = \"8m\"\n\
         upstream.rate_limit.rate = \"1/s\"\nupstream.rate_limit.burst = 100",
    )
    .await;
    for _ in 0..9 {
        world.vend("alice").await.source();
        world.request(reqwest::Method::DELETE, "alice").send().await.unwrap();
    }
    assert_eq!(world.vend("alice").await.source(), "miss", "the tenth, and the last");
    let skipped = "tokenvend_background_refreshes_total{kind=\"token\",outcome=\"skipped\"}";
    world.advance(89);
    assert_eq!(world.vend("alice").await.source(), "hit");
    world.advance(1);
    let calls = world.calls().await;
    for count in [1.0, 2.0, 3.0] {
        assert_eq!(world.vend("alice").await.source(), "hit");
        world.until_metric(skipped, count).await;
    }
    assert_eq!(world.metric("tokenvend_upstream_rate_limit_available").await, 100.0);
    assert_eq!(
        world.metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"failed\"}").await,
        0.0
    );
    assert_eq!(world.calls().await, calls);
    // Of those who have something left, one is refreshed, and pays once.
    world.vend("bob").await.source();
    world.advance(89);
    world.vend("bob").await.source();
    world.advance(1);
    assert_eq!(world.vend("bob").await.source(), "hit");
    world
        .until_metric("tokenvend_background_refreshes_total{kind=\"token\",outcome=\"refreshed\"}", 1.0)
        .await;
    for _ in 0..8 {
        world.request(reqwest::Method::DELETE, "bob").send().await.unwrap();
        assert_eq!(world.vend("bob").await.source(), "miss");
    }
    world.request(reqwest::Method::DELETE, "bob").send().await.unwrap();
    world.vend("bob").await.is_problem(503, "upstream-unavailable");
}
