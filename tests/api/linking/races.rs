//! Races: concurrent links, and changes between the lookup and the call that links.

use std::collections::BTreeMap;

use serde_json::json;

use super::{ALL, GOOGLE, POOL, PROVIDER, identity};
use crate::support::{ApiResponse, OPERATION, TestApp};

/// Links a guest while another future runs between the lookup and the call: a change by the guest, or by another
/// replica, which does not share this one's lock.
async fn while_linking(app: &TestApp, user: &str, token: &str, meanwhile: impl Future<Output = ()>) -> ApiResponse {
    app.faults(json!({"latencyMillis": 400, "operations": [OPERATION]})).await;
    let meanwhile = async {
        app.until_calls(1).await;
        app.faults(json!({})).await;
        meanwhile.await;
    };
    let both = async { tokio::join!(app.link_guest(user, token), meanwhile) };
    app.while_time_advances(both).await.0
}

/// Registers a user under an identity, as any client with the service's permissions can.
async fn register(app: &TestApp, user: &str, identity: &str) {
    let call = app.aws().get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    call.identity_id(identity).logins(PROVIDER, user).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_links_of_one_guest_one_succeeds() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let users: Vec<String> = (0..5).map(|n| format!("user-{n}")).collect();
    let attempts = users.iter().map(|user| app.link_guest(user, &token));
    let answers = app.while_time_advances(futures_util::future::join_all(attempts)).await;
    let mut statuses = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
        if answer.status != 200 {
            answer.is_problem(409, "guest-already-linked");
        }
    }
    assert_eq!(statuses, BTreeMap::from([(200, 1), (409, 4)]));
    assert_eq!(app.users_of(&guest).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_two_concurrent_requests_is_linked_once() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let attempts = (0..3).map(|_| app.link_guest("alice", &token));
    for answer in app.while_time_advances(futures_util::future::join_all(attempts)).await {
        assert_eq!(identity(&answer), guest);
    }
    assert_eq!(app.users_of(&guest).await, ["alice"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_an_identity_that_got_another_user_is_rolled_back() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let answer = while_linking(&app, "mallory", &token, register(&app, "bob", &guest)).await;
    answer.is_problem(409, "guest-already-linked");
    assert_eq!(app.users_of(&guest).await, ["bob"]);
    assert_ne!(identity(&app.vend("mallory").await), guest);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"rolled_back\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_signs_in_elsewhere_during_the_link_shares_the_identity_with_no_user() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let sign_in = async {
        let login = json!({"IdentityId": guest, "Logins": {GOOGLE: "g-other"}});
        app.unsigned("GetOpenIdToken", login).await;
    };
    while_linking(&app, "alice", &token, sign_in).await.is_problem(409, "guest-already-linked");
    assert_eq!(app.users_of(&guest).await, [""; 0]);
    assert_eq!(app.identity_by_google("g-other").await, guest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_rollback_is_logged_and_no_token_is_vended() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let register_and_break = async {
        app.faults(json!({"errorRate": 1.0, "operations": ["UnlinkDeveloperIdentity"]})).await;
        register(&app, "bob", &guest).await;
    };
    while_linking(&app, "mallory", &token, register_and_break).await.is_problem(409, "guest-already-linked");
    assert_eq!(app.calls_of("UnlinkDeveloperIdentity").await, 3);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"rollback_failed\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_cannot_be_checked_afterwards_vends_no_token_until_it_can() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let break_it = app.faults(json!({"errorRate": 1.0, "operations": ["DescribeIdentity"]}));
    while_linking(&app, "alice", &token, break_it).await.is_problem(503, "upstream-unavailable");
    app.faults(json!({})).await;
    assert_eq!(identity(&app.while_time_advances(app.link_guest("alice", &token)).await), guest);
}
