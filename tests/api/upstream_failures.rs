//! Cognito's trouble: throttling, failures, silence, refusals. Whoever has a valid token does not notice.

use serde_json::json;

use crate::support::{Answer, World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_half_of_all_calls_throttled_no_caller_with_a_valid_token_notices() {
    let overlay = "upstream.throttle_backoff = \"1ms\"\nupstream.throttle_backoff_max = \"2ms\"";
    let world = World::with(overlay).await;
    let users: Vec<String> = (0..20).map(|n| format!("user-{n}")).collect();
    for user in &users {
        world.vend(user).await.source();
    }
    let before = world.calls().await;
    world.faults(json!({"throttleRate": 0.5})).await;
    world.advance(610);
    for round in 0..3 {
        for user in &users {
            let answer = vend_while_time_goes_on(&world, user).await;
            assert!(
                ["hit", "miss", "coalesced", "stale"].contains(&answer.source()),
                "round {round}: {answer:?}"
            );
        }
    }
    let calls = world.calls().await - before;
    assert!(calls <= 3 * 3 * 20, "each token may take three attempts at most: {calls}");
    assert!(world.metric("tokenvend_circuit_opened_total{cause=\"throttled\"}").await >= 1.0);
}

/// A pause is slept through on the world's clock, so that clock has to go on.
pub async fn vend_while_time_goes_on(world: &World, user: &str) -> Answer {
    let request = world.vend(user);
    tokio::pin!(request);
    loop {
        tokio::select! {
            answer = &mut request => return answer,
            () = a_moment() => world.clock.advance(std::time::Duration::from_millis(2)),
        }
    }
}

pub async fn a_moment() {
    #[expect(
        clippy::disallowed_methods,
        reason = "so that the world's clock goes on at about the real pace"
    )]
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_stay_within_the_rate_limit_and_excess_requests_get_retry_after() {
    let overlay = "upstream.rate_limit.burst = 3\nupstream.rate_limit.rate = \"1/s\"\nupstream.rate_limit.max_wait = \"0s\"";
    let world = World::with(overlay).await;
    for user in ["a", "b", "c"] {
        assert_eq!(world.vend(user).await.source(), "miss");
    }
    let refused = world.vend("d").await;
    refused.is_problem(503, "upstream-unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(world.vend("a").await.source(), "hit", "the cache needs no budget");
    assert_eq!(world.calls().await, 3);
    assert_eq!(world.metric("tokenvend_upstream_rate_limited_total").await, 1.0);
    world.advance(1);
    assert_eq!(world.vend("d").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_cognito_is_gone_calls_pause_and_go_on_by_themselves_when_it_is_back() {
    let overlay = "upstream.max_attempts = 1\nupstream.circuit_breaker.failure_threshold = 2\nupstream.rate_limit.max_wait = \"0s\"";
    let world = World::with(overlay).await;
    let first = world.vend("alice").await.token();
    world.faults(json!({"dropRate": 1.0})).await;
    world.advance(700);
    assert_eq!(world.vend("alice").await.token(), first);
    assert_eq!(world.vend("alice").await.source(), "stale");
    let calls = world.calls().await;
    for _ in 0..10 {
        let answer = world.vend("alice").await;
        assert_eq!((answer.source(), answer.token()), ("stale", first.clone()));
        world.vend("bob").await.is_problem(503, "upstream-unavailable");
    }
    assert_eq!(world.calls().await, calls, "no call is made during the pause");
    assert_eq!(world.metric("tokenvend_circuits_open").await, 1.0);
    world.faults(json!({})).await;
    world.advance(1);
    assert_eq!(world.vend("bob").await.source(), "miss");
    assert_eq!(world.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_once_is_tried_again() {
    let world = World::start().await;
    world.faults(json!({"dropRate": 1.0, "latencyMillis": 300})).await;
    let request = world.vend("alice");
    tokio::pin!(request);
    // The first call is counted before it is dropped; from then on all goes well.
    let is_counted = async {
        world.until_calls(1).await;
        world.faults(json!({})).await;
    };
    tokio::select! {
        answer = &mut request => panic!("too early: {answer:?}"),
        () = is_counted => {}
    }
    assert_eq!(request.await.source(), "miss");
    assert_eq!(world.calls().await, 2);
    assert_eq!(world.metric("tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"unavailable\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_with_a_valid_token_does_not_wait_long_for_a_slow_cognito() {
    let world = World::start().await;
    let first = world.vend("alice").await.token();
    world.advance(610);
    world.faults(json!({"latencyMillis": 60_000})).await;
    let request = world.vend("alice");
    tokio::pin!(request);
    // The call is on its way before the clock moves, so that the wait for it has begun.
    tokio::select! {
        answer = &mut request => panic!("too early: {answer:?}"),
        () = until(|| async { world.metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}").await >= 1.0 }) => {}
    }
    let answer = loop {
        tokio::select! {
            answer = &mut request => break answer,
            () = a_moment() => world.advance(2),
        }
    };
    assert_eq!((answer.source(), answer.token()), ("stale", first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_missing_are_our_fault_are_remembered_briefly_and_never_cost_a_valid_token() {
    let pool = "us-east-1:00000000-0000-4000-8000-00000000dead";
    let world = World::with(&format!("pools.second.identity_pool_id = \"{pool}\"")).await;
    for _ in 0..5 {
        world.vend_with("alice", json!({"pool": "second"})).await.is_problem(500, "misconfigured");
        world.vend_with("bob", json!({"pool": "second"})).await.is_problem(500, "misconfigured");
    }
    assert_eq!(world.calls().await, 1, "one call tells about the whole pool");
    assert_eq!(world.vend("alice").await.source(), "miss", "other pools are not touched");
    world.advance(5);
    world.vend_with("alice", json!({"pool": "second"})).await.is_problem(500, "misconfigured");
    assert_eq!(world.calls().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_aws_says_reaches_a_caller() {
    let world = World::with("upstream.max_attempts = 1").await;
    world.faults(json!({"throttleRate": 1.0})).await;
    let throttled = world.vend("alice").await;
    throttled.is_problem(503, "upstream-unavailable");
    for word in ["TooManyRequests", "Exception", "us-east-1:", "login.", "127.0.0.1"] {
        assert!(!throttled.text.contains(word), "{word} in {throttled:?}");
    }
}
