//! Two at once, and what happens between the look before and the call.

use std::collections::BTreeMap;

use serde_json::json;

use super::{ALL, GOOGLE, POOL, PROVIDER, identity};
use crate::support::{Answer, OPERATION, World};

/// Has a user link a guest, while something else happens between the look before and the call itself: what another
/// replica does, which knows nothing of this one's turns, or the guest.
async fn while_linking(
    world: &World,
    user: &str,
    token: &str,
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    world.faults(json!({"latencyMillis": 400, "operations": [OPERATION]})).await;
    let meanwhile = async {
        world.until_calls(1).await;
        world.faults(json!({})).await;
        meanwhile.await;
    };
    let both = async { tokio::join!(world.link_guest(user, token), meanwhile) };
    world.as_time_goes_by(both).await.0
}

/// Registers a user under an identity, as any holder of our rights can.
async fn register(world: &World, user: &str, identity: &str) {
    let call = world.aws().get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    call.identity_id(identity).logins(PROVIDER, user).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_bring_the_same_guest_at_once_one_gets_it() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let users: Vec<String> = (0..5).map(|n| format!("user-{n}")).collect();
    let attempts = users.iter().map(|user| world.link_guest(user, &token));
    let answers = world.as_time_goes_by(futures_util::future::join_all(attempts)).await;
    let mut statuses = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
        if answer.status != 200 {
            answer.is_problem(409, "guest-already-linked");
        }
    }
    assert_eq!(statuses, BTreeMap::from([(200, 1), (409, 4)]));
    assert_eq!(world.users_of(&guest).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_asks_twice_at_once_is_linked_once() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let attempts = (0..3).map(|_| world.link_guest("alice", &token));
    for answer in world.as_time_goes_by(futures_util::future::join_all(attempts)).await {
        assert_eq!(identity(&answer), guest);
    }
    assert_eq!(world.users_of(&guest).await, ["alice"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_linked_beside_somebody_else_is_taken_back() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let answer = while_linking(&world, "mallory", &token, register(&world, "bob", &guest)).await;
    answer.is_problem(409, "guest-already-linked");
    assert_eq!(world.users_of(&guest).await, ["bob"]);
    assert_ne!(identity(&world.vend("mallory").await), guest);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"rolled_back\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_signs_in_elsewhere_at_the_same_moment_shares_the_identity_with_nobody() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let sign_in = async {
        let login = json!({"IdentityId": guest, "Logins": {GOOGLE: "g-somebody"}});
        world.unsigned("GetOpenIdToken", login).await;
    };
    while_linking(&world, "alice", &token, sign_in).await.is_problem(409, "guest-already-linked");
    assert_eq!(world.users_of(&guest).await, [""; 0]);
    assert_eq!(world.identity_by_google("g-somebody").await, guest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_rollback_is_logged_and_no_token_is_vended() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let register_and_break = async {
        world.faults(json!({"errorRate": 1.0, "operations": ["UnlinkDeveloperIdentity"]})).await;
        register(&world, "bob", &guest).await;
    };
    while_linking(&world, "mallory", &token, register_and_break)
        .await
        .is_problem(409, "guest-already-linked");
    assert_eq!(world.calls_of("UnlinkDeveloperIdentity").await, 3);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"rollback_failed\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_looked_at_afterwards_hands_out_no_token_until_it_can() {
    let world = World::with(ALL).await;
    let (guest, token) = world.guest().await;
    let break_it = world.faults(json!({"errorRate": 1.0, "operations": ["DescribeIdentity"]}));
    while_linking(&world, "alice", &token, break_it).await.is_problem(503, "upstream-unavailable");
    world.faults(json!({})).await;
    assert_eq!(identity(&world.as_time_goes_by(world.link_guest("alice", &token)).await), guest);
}
