//! Guests who become users.

use serde_json::json;

use super::{ALL, GOOGLE, POOL, PROVIDER, identity};
use crate::support::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_signs_up_keeps_the_identity() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let linked = world.link_guest("alice", &token).await;
    assert_eq!((linked.source(), identity(&linked)), ("miss", guest.clone()));
    assert_eq!(identity(&world.vend("alice").await), guest);
    assert_eq!(world.users_of(&guest).await, ["alice"]);
    let described = world.aws().describe_identity().identity_id(&guest).send().await.unwrap();
    assert_eq!(described.logins.unwrap(), [PROVIDER]);
    // Whoever knew the guest's id had its token for the asking. No longer.
    let entered = world.unsigned("GetOpenIdToken", json!({"IdentityId": guest})).await;
    assert_eq!(entered["__type"], "NotAuthorizedException");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lost_the_answer_may_ask_again() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    world.link_guest("alice", &token).await;
    let calls = world.calls().await;
    let again = world.link_guest("alice", &token).await;
    assert_eq!((again.source(), identity(&again)), ("hit", guest));
    assert_eq!(world.calls().await, calls, "nothing is linked twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_becomes_one_user_and_no_second() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    world.link_guest("alice", &token).await;
    let changes = world.changes().await;
    world.link_guest("mallory", &token).await.is_problem(409, "guest-already-linked");
    assert_eq!(world.changes().await, changes);
    assert_eq!(world.users_of(&guest).await, ["alice"]);
    assert_ne!(identity(&world.vend("mallory").await), guest);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"conflict\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_has_a_public_login_by_now_is_no_guest() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let login = json!({"IdentityId": guest, "Logins": {GOOGLE: "g-somebody"}});
    world.unsigned("GetOpenIdToken", login).await;
    world.link_guest("alice", &token).await.is_problem(409, "guest-already-linked");
    assert_eq!(world.changes().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_has_an_identity_keeps_it_and_the_guest_stays_a_guest() {
    let world = World::with(ALL).await;
    let own = identity(&world.vend("alice").await);
    let (guest, token) = world.guest().await;
    let changes = world.changes().await;
    let answer = world.link_guest("alice", &token).await;
    answer.is_problem(409, "already-registered");
    assert!(answer.json()["detail"].as_str().unwrap().contains("must copy"), "{answer:?}");
    assert_eq!(world.changes().await, changes);
    assert_eq!(identity(&world.vend("alice").await), own);
    assert_eq!(identity(&world.link_guest("bob", &token).await), guest, "and may still become another user");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_was_deleted_becomes_nobody() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    world.aws().delete_identities().identity_ids_to_delete(&guest).send().await.unwrap();
    world.link_guest("alice", &token).await.is_problem(404, "unknown-identity");
    assert_eq!(world.calls().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_cognito_cannot_be_asked_nothing_is_linked_and_asking_again_helps() {
    let world = World::with(&format!("upstream.max_attempts = 1\n{ALL}")).await;
    let (guest, token) = world.guest().await;
    for operation in ["LookupDeveloperIdentity", "DescribeIdentity"] {
        for fault in ["throttleRate", "errorRate", "dropRate"] {
            world.faults(json!({fault: 1.0, "operations": [operation]})).await;
            world.link_guest("alice", &token).await.is_problem(503, "upstream-unavailable");
        }
    }
    assert_eq!(world.changes().await, 0);
    world.advance(300);
    world.faults(json!({"errorRate": 1.0, "operations": ["GetOpenIdTokenForDeveloperIdentity"]})).await;
    world.as_time_goes_by(world.link_guest("alice", &token)).await.is_problem(503, "upstream-unavailable");
    world.faults(json!({})).await;
    world.advance(30);
    assert_eq!(identity(&world.as_time_goes_by(world.link_guest("alice", &token)).await), guest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_cognitos_keys_nobody_can_say_who_is_a_guest() {
    let overlay = format!("upstream.openid_keys_url = \"http://127.0.0.1:1/keys\"\n{ALL}");
    let world = World::with(&overlay).await;
    let (_, token) = world.guest().await;
    world.link_guest("alice", &token).await.is_problem(503, "auth-unavailable");
    assert_eq!(world.changes().await, 0);
    assert_eq!(world.link_google("alice", "g-alice").await.status, 200, "logins need no keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_pseudonym_and_pool_hold_for_linking_as_for_tokens() {
    let overlay = format!(
        "{}\n{}",
        "users.pseudonym_key = \"0123456789abcdef0123456789abcdef\"\n\
         pools.main.allow.staff.claims = { groups = [\"staff\"] }",
        ALL
    );
    let world = World::with(&overlay).await;
    let (guest, token) = world.guest().await;
    world.link_guest("alice", &token).await.is_problem(403, "pool-forbidden");
    let mut claims = world.demo.claims("alice", clock::Clock::now(&*world.clock));
    claims["groups"] = json!(["staff"]);
    let request = world.client.post(world.url(super::LINK)).bearer_auth(world.demo.sign(&claims));
    let request = request.header("content-type", "application/json");
    let answer = request.body(json!({"guestToken": token}).to_string()).send().await.unwrap();
    assert_eq!(identity(&crate::support::Answer::of(answer).await), guest);
    let users = world.users_of(&guest).await;
    assert!(users.len() == 1 && !users[0].contains("alice"), "{users:?}");
    let call = world.aws().lookup_developer_identity().identity_pool_id(POOL);
    assert!(call.developer_user_identifier("alice").send().await.is_err());
}
