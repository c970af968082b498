//! Guests that become users.

use serde_json::json;

use super::{ALL, GOOGLE, POOL, PROVIDER, identity};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_signs_up_keeps_the_identity() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let linked = app.link_guest("alice", &token).await;
    assert_eq!((linked.source(), identity(&linked)), ("miss", guest.clone()));
    assert_eq!(identity(&app.vend("alice").await), guest);
    assert_eq!(app.users_of(&guest).await, ["alice"]);
    let described = app.aws().describe_identity().identity_id(&guest).send().await.unwrap();
    assert_eq!(described.logins.unwrap(), [PROVIDER]);
    // Before the link, the guest's id was enough to get its token. Now it is not.
    let entered = app.unsigned("GetOpenIdToken", json!({"IdentityId": guest})).await;
    assert_eq!(entered["__type"], "NotAuthorizedException");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_request_may_be_repeated() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    app.link_guest("alice", &token).await;
    let calls = app.calls().await;
    let again = app.link_guest("alice", &token).await;
    assert_eq!((again.source(), identity(&again)), ("hit", guest));
    assert_eq!(app.calls().await, calls, "nothing is linked twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_becomes_only_one_user() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    app.link_guest("alice", &token).await;
    let changes = app.changes().await;
    app.link_guest("mallory", &token).await.is_problem(409, "guest-already-linked");
    assert_eq!(app.changes().await, changes);
    assert_eq!(app.users_of(&guest).await, ["alice"]);
    assert_ne!(identity(&app.vend("mallory").await), guest);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"conflict\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_with_a_public_login_is_no_guest() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    let login = json!({"IdentityId": guest, "Logins": {GOOGLE: "g-other"}});
    app.unsigned("GetOpenIdToken", login).await;
    app.link_guest("alice", &token).await.is_problem(409, "guest-already-linked");
    assert_eq!(app.changes().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_has_an_identity_keeps_it_and_the_guest_stays_a_guest() {
    let app = TestApp::with(ALL).await;
    let own = identity(&app.vend("alice").await);
    let (guest, token) = app.guest().await;
    let changes = app.changes().await;
    let answer = app.link_guest("alice", &token).await;
    answer.is_problem(409, "already-registered");
    assert!(answer.json()["detail"].as_str().unwrap().contains("must copy"), "{answer:?}");
    assert_eq!(app.changes().await, changes);
    assert_eq!(identity(&app.vend("alice").await), own);
    assert_eq!(identity(&app.link_guest("bob", &token).await), guest, "and may still become another user");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_guest_cannot_be_linked() {
    let app = TestApp::with(ALL).await;
    let (guest, token) = app.guest().await;
    app.aws().delete_identities().identity_ids_to_delete(&guest).send().await.unwrap();
    app.link_guest("alice", &token).await.is_problem(404, "unknown-identity");
    assert_eq!(app.calls().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_cognito_is_unavailable_nothing_is_linked_and_a_retry_succeeds() {
    let app = TestApp::with(&format!("upstream.max_attempts = 1\n{ALL}")).await;
    let (guest, token) = app.guest().await;
    for operation in ["LookupDeveloperIdentity", "DescribeIdentity"] {
        for fault in ["throttleRate", "errorRate", "dropRate"] {
            app.faults(json!({fault: 1.0, "operations": [operation]})).await;
            app.link_guest("alice", &token).await.is_problem(503, "upstream-unavailable");
        }
    }
    assert_eq!(app.changes().await, 0);
    app.advance(300);
    app.faults(json!({"errorRate": 1.0, "operations": ["GetOpenIdTokenForDeveloperIdentity"]})).await;
    app.while_time_advances(app.link_guest("alice", &token)).await.is_problem(503, "upstream-unavailable");
    app.faults(json!({})).await;
    app.advance(30);
    assert_eq!(identity(&app.while_time_advances(app.link_guest("alice", &token)).await), guest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_cognitos_keys_no_guest_token_is_verified_and_the_answer_is_503() {
    let overlay = format!("upstream.openid_keys_url = \"http://127.0.0.1:1/keys\"\n{ALL}");
    let app = TestApp::with(&overlay).await;
    let (_, token) = app.guest().await;
    app.link_guest("alice", &token).await.is_problem(503, "auth-unavailable");
    assert_eq!(app.changes().await, 0);
    assert_eq!(app.link_google("alice", "g-alice").await.status, 200, "logins need no keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_pseudonym_and_pool_hold_for_linking_as_for_tokens() {
    let overlay = format!(
        "{}\n{}",
        "users.pseudonym_key = \"0123456789abcdef0123456789abcdef\"\n\
         pools.main.allow.staff.claims = { groups = [\"staff\"] }",
        ALL
    );
    let app = TestApp::with(&overlay).await;
    let (guest, token) = app.guest().await;
    app.link_guest("alice", &token).await.is_problem(403, "pool-forbidden");
    let mut claims = app.demo.claims("alice", clock::Clock::now(&*app.clock));
    claims["groups"] = json!(["staff"]);
    let request = app.client.post(app.url(super::LINK)).bearer_auth(app.demo.sign(&claims));
    let request = request.header("content-type", "application/json");
    let answer = request.body(json!({"guestToken": token}).to_string());
    assert_eq!(identity(&crate::support::ApiResponse::to(answer).await), guest);
    let users = app.users_of(&guest).await;
    assert!(users.len() == 1 && !users[0].contains("alice"), "{users:?}");
    let call = app.aws().lookup_developer_identity().identity_pool_id(POOL);
    assert!(call.developer_user_identifier("alice").send().await.is_err());
}
