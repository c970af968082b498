//! Single flight: one call to Cognito for one token, for any number of callers, even if they disconnect.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::json;

use crate::process::ServiceProcess;
use crate::support::TestApp;

/// Ten thousand connections need half of the process's file descriptors, so one such test runs at a time.
static CROWD: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Many clients on few cores send their requests slowly.
const PATIENT: &str = "http.request_header_timeout = \"60s\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_at_once_for_one_cold_user_cost_one_call_and_get_the_same_token() {
    let _alone = CROWD.lock().await;
    let served = ServiceProcess::start(PATIENT).await;
    served.faults(json!({"latencyMillis": 2000})).await;
    let tokens = served.vend_all(std::iter::repeat_n("alice".to_owned(), 10_000)).await;
    assert_eq!(tokens.len(), 10_000);
    assert_eq!(tokens.into_iter().collect::<HashSet<_>>().len(), 1);
    assert_eq!(served.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_get_one_token_although_the_first_disconnected_at_once() {
    let _alone = CROWD.lock().await;
    let served = ServiceProcess::start(PATIENT).await;
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
    let served = ServiceProcess::start(PATIENT).await;
    let callers = (0..10_000).map(|n| format!("user-{}", n % 1000));
    let tokens = served.vend_all(callers).await;
    assert_eq!(tokens.len(), 10_000);
    assert_eq!(tokens.into_iter().collect::<HashSet<_>>().len(), 1000);
    assert_eq!(served.calls().await, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_disconnects_does_not_cancel_its_followers() {
    let app = Arc::new(TestApp::start().await);
    app.faults(json!({"latencyMillis": 500})).await;
    let first = tokio::spawn({
        let app = app.clone();
        async move { app.vend("alice").await }
    });
    crate::support::until(|| async {
        app.metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}").await == 1.0
    })
    .await;
    let mut others: FuturesUnordered<_> = (0..100).map(|_| app.vend("alice")).collect();
    first.abort();
    let mut tokens = HashSet::new();
    while let Some(answer) = others.next().await {
        assert!(["coalesced", "hit"].contains(&answer.source()), "{answer:?}");
        tokens.insert(answer.token());
    }
    assert_eq!(tokens.len(), 1);
    assert_eq!(app.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_whose_only_caller_disconnects_still_completes_and_serves_the_next_one() {
    let app = Arc::new(TestApp::start().await);
    app.faults(json!({"latencyMillis": 300})).await;
    let only = tokio::spawn({
        let app = app.clone();
        async move { app.vend("alice").await }
    });
    crate::support::until(|| async {
        app.metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}").await == 1.0
    })
    .await;
    only.abort();
    app.until_metric(
        "tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"success\"}",
        1.0,
    )
    .await;
    assert_eq!(app.vend("alice").await.source(), "hit");
    assert_eq!(app.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_began_before_the_sign_out_leaves_no_cache_entry() {
    let app = Arc::new(TestApp::start().await);
    app.faults(json!({"latencyMillis": 500})).await;
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { app.vend("alice").await }
    });
    crate::support::until(|| async {
        app.metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}").await == 1.0
    })
    .await;
    let signed_out = app.sign_out("alice").await;
    assert_eq!(signed_out.status, 204);
    assert_eq!(waiting.await.unwrap().source(), "miss", "who waits is answered");
    assert_eq!(app.vend("alice").await.source(), "miss", "and nothing was kept");
}
