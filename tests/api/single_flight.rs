//! One call to Cognito for one token, however many wait for it, and even when they hang up.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reqwest::Method;
use serde_json::json;

use crate::process::Served;
use crate::support::World;

/// Ten thousand connections are half of what this process may hold open, so one such test runs at a time.
static CROWD: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// So many clients on so few cores take their time to say what they want.
const PATIENT: &str = "http.request_header_timeout = \"60s\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_at_once_for_one_cold_user_cost_one_call_and_get_the_same_token() {
    let _alone = CROWD.lock().await;
    let served = Served::start(PATIENT).await;
    served.faults(json!({"latencyMillis": 2000})).await;
    let tokens = served.vend_all(std::iter::repeat_n("alice".to_owned(), 10_000)).await;
    assert_eq!(tokens.len(), 10_000);
    assert_eq!(tokens.into_iter().collect::<HashSet<_>>().len(), 1);
    assert_eq!(served.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_get_the_one_token_although_the_first_of_them_hung_up_at_once() {
    let _alone = CROWD.lock().await;
    let served = Served::start(PATIENT).await;
    served.faults(json!({"latencyMillis": 2000})).await;
    let first = tokio::spawn(served.request("alice").send());
    crate::support::until(|| async { served.calls().await == 1 }).await;
    first.abort();
    let tokens = served.vend_all(std::iter::repeat_n("alice".to_owned(), 10_000)).await;
    assert_eq!(tokens.len(), 10_000);
    assert_eq!(tokens.into_iter().collect::<HashSet<_>>().len(), 1);
    assert_eq!(served.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cold_users_with_ten_callers_each_cost_exactly_a_thousand_calls() {
    let _alone = CROWD.lock().await;
    let served = Served::start(PATIENT).await;
    let callers = (0..10_000).map(|n| format!("user-{}", n % 1000));
    let tokens = served.vend_all(callers).await;
    assert_eq!(tokens.len(), 10_000);
    assert_eq!(tokens.into_iter().collect::<HashSet<_>>().len(), 1000);
    assert_eq!(served.calls().await, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_hangs_up_cancels_nothing_for_those_who_wait_with_it() {
    let world = Arc::new(World::start().await);
    world.faults(json!({"latencyMillis": 500})).await;
    let first = tokio::spawn({
        let world = world.clone();
        async move { world.vend("alice").await }
    });
    crate::support::until(|| async {
        world
            .metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}")
            .await
            == 1.0
    })
    .await;
    let mut others: FuturesUnordered<_> = (0..100).map(|_| world.vend("alice")).collect();
    first.abort();
    let mut tokens = HashSet::new();
    while let Some(answer) = others.next().await {
        assert!(["coalesced", "hit"].contains(&answer.source()), "{answer:?}");
        tokens.insert(answer.token());
    }
    assert_eq!(tokens.len(), 1);
    assert_eq!(world.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_whose_only_caller_hangs_up_still_lands_and_serves_the_next_one() {
    let world = Arc::new(World::start().await);
    world.faults(json!({"latencyMillis": 300})).await;
    let only = tokio::spawn({
        let world = world.clone();
        async move { world.vend("alice").await }
    });
    crate::support::until(|| async {
        world
            .metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}")
            .await
            == 1.0
    })
    .await;
    only.abort();
    world.until_metric("tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"success\"}", 1.0).await;
    assert_eq!(world.vend("alice").await.source(), "hit");
    assert_eq!(world.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_that_began_before_its_user_signed_out_leaves_nothing_behind() {
    let world = Arc::new(World::start().await);
    world.faults(json!({"latencyMillis": 500})).await;
    let waiting = tokio::spawn({
        let world = world.clone();
        async move { world.vend("alice").await }
    });
    crate::support::until(|| async {
        world
            .metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}")
            .await
            == 1.0
    })
    .await;
    let signed_out = world.request(Method::DELETE, "alice").send().await.unwrap();
    assert_eq!(signed_out.status(), 204);
    assert_eq!(waiting.await.unwrap().source(), "miss", "who waits is answered");
    assert_eq!(world.vend("alice").await.source(), "miss", "and nothing was kept");
}
