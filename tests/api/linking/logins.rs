//! Logins of public providers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::Clock as _;
use reqwest::Method;
use serde_json::json;

use super::{ALL, GOOGLE, LINK, POOL, PROVIDER, identity};
use crate::support::World;

/// What Google would sign: the emulator does not check that it did, but it does read when it ends.
fn google_token(user: &str, ends_at: i64) -> String {
    let claims = json!({"sub": user, "exp": ends_at}).to_string();
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_in_by_a_linked_login_has_the_users_identity_and_the_user_a_new_token() {
    let world = World::with(ALL).await;
    let before = world.vend("alice").await;
    world.advance(1);
    let linked = world.link_google("alice", "g-alice").await;
    assert_eq!(linked.source(), "miss", "what was cached is forgotten");
    assert_ne!(linked.token(), before.token());
    let own = identity(&before);
    assert_eq!(identity(&linked), own);
    assert_eq!(world.identity_by_google("g-alice").await, own);
    let next = world.vend("alice").await;
    assert_eq!(
        (next.source(), next.token()),
        ("hit", linked.token()),
        "the answer is a token like any other"
    );
    assert_eq!(linked.json().as_object().unwrap().len(), next.json().as_object().unwrap().len());
    // A second time, and a second provider, change nothing and add one.
    assert_eq!(identity(&world.link_google("alice", "g-alice").await), own);
    let more = json!({"logins": {"graph.facebook.com": "f-alice", GOOGLE: "g-alice"}, "pool": "main"});
    assert_eq!(identity(&world.ask_to_link("alice", more).await), own);
    let described = world.aws().describe_identity().identity_id(&own).send().await.unwrap();
    let mut logins = described.logins.unwrap();
    logins.sort();
    assert_eq!(logins, [GOOGLE, "graph.facebook.com", PROVIDER]);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"linked\"}").await, 3.0);
    let counted = format!("tokenvend_http_requests_total{{route=\"{LINK}\",status=\"200\"}}");
    assert_eq!(world.metric(&counted).await, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_belongs_to_somebody_moves_nobody() {
    let world = World::with(ALL).await;
    let victim = world.identity_by_google("g-victim").await;
    // One who has no identity yet would be registered under the victim's, if Cognito chose to read it so.
    for attacker in ["new", "old"] {
        if attacker == "old" {
            world.vend(attacker).await;
        }
        world.link_google(attacker, "g-victim").await.is_problem(409, "login-taken");
        assert_ne!(identity(&world.vend(attacker).await), victim);
    }
    assert_eq!(world.users_of(&victim).await, [""; 0]);
    assert_eq!(world.identity_by_google("g-victim").await, victim);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"conflict\"}").await, 2.0);
}

/// The call names the identity that the login is to come to; without that, Cognito would choose, or make a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_comes_to_the_identity_that_the_user_has_or_to_none() {
    let world = World::with(ALL).await;
    let own = identity(&world.vend("alice").await);
    world.faults(json!({"latencyMillis": 400})).await;
    let delete = async {
        world.until_calls(2).await;
        world.faults(json!({})).await;
        world.aws().delete_identities().identity_ids_to_delete(&own).send().await.unwrap();
    };
    let (answer, ()) = tokio::join!(world.link_google("alice", "g-alice"), delete);
    answer.is_problem(503, "upstream-unavailable");
    let new = identity(&world.link_google("alice", "g-alice").await);
    assert_ne!(new, own, "whoever asks again has what there is by then");
    assert_eq!(world.identity_by_google("g-alice").await, new);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_logins_of_listed_providers_are_linked() {
    let world = World::with(ALL).await;
    let own_token = world.vend("mallory").await.token();
    let before = world.changes().await;
    for (provider, token) in [
        // A second user id, out of the request, would be any user at all.
        (PROVIDER, "victim"),
        ("login.second.example", "victim"),
        ("cognito-identity.amazonaws.com", own_token.as_str()),
        ("cognito-identity.cn-north-1.amazonaws.com.cn", "x"),
        ("www.amazon.com", "x"),
        ("Accounts.Google.com", "x"),
        ("accounts.google.com ", "x"),
        ("https://accounts.google.com", "x"),
        ("", "x"),
    ] {
        let answer =
            world.ask_to_link("mallory", json!({"logins": {provider: token, GOOGLE: "g-mallory"}})).await;
        answer.is_problem(403, "provider-not-allowed");
        assert!(!answer.text.contains("victim"), "{answer:?}");
    }
    assert_eq!(world.changes().await, before);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"not_allowed\"}").await, 9.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_cognito_does_not_accept_is_the_callers_fault_and_nobody_elses() {
    let world = World::with(ALL).await;
    let now = world.clock.now().as_secs();
    world.link_google("alice", &google_token("alice", now - 1)).await.is_problem(422, "invalid-login");
    assert_eq!(world.metric("tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"rejected\"}").await, 1.0);
    assert_eq!(world.metric("tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"misconfigured\"}").await, 0.0);
    // Neither the pool nor the user is remembered as one that Cognito refuses.
    assert_eq!(world.vend("bob").await.source(), "miss");
    assert_eq!(world.vend("alice").await.status, 200);
    let good = google_token("alice", now + 100);
    assert_eq!(identity(&world.link_google("alice", &good).await), world.identity_by_google(&good).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_link_attempts_use_up_only_their_own_user_quota() {
    let world = World::with(ALL).await;
    let stale = google_token("alice", world.clock.now().as_secs() - 1);
    let mut held_back = 0;
    for _ in 0..20 {
        let answer = world.link_google("alice", &stale).await;
        if answer.status == 503 {
            answer.is_problem(503, "upstream-unavailable");
            held_back += 1;
        } else {
            answer.is_problem(422, "invalid-login");
        }
    }
    assert!(held_back >= 10, "{held_back}");
    let calls = world.calls().await;
    assert!(calls <= 11, "{calls}");
    assert_eq!(world.link_google("bob", "g-bob").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linking_keeps_the_budget_and_the_pauses_of_all_calls() {
    let overlay = format!(
        "upstream.rate_limit.burst = 1\nupstream.rate_limit.rate = \"1/s\"\nupstream.rate_limit.max_wait = \"0s\"\n{ALL}"
    );
    let world = World::with(&overlay).await;
    world.vend("alice").await.source();
    world.link_google("alice", "g-alice").await.is_problem(503, "upstream-unavailable");
    assert_eq!(world.calls().await, 1);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"failed\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_end_is_unclear_leaves_no_token_in_the_cache() {
    let world = World::with(&format!("upstream.max_attempts = 1\n{ALL}")).await;
    world.vend("alice").await.source();
    world.faults(json!({"errorRate": 1.0})).await;
    world.link_google("alice", "g-alice").await.is_problem(503, "upstream-unavailable");
    world.faults(json!({})).await;
    world.advance(1);
    assert_eq!(world.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_hangs_up_cancels_nothing() {
    let world = World::with(ALL).await;
    let own = identity(&world.vend("alice").await);
    world.faults(json!({"latencyMillis": 300})).await;
    let asked = world.link_request("alice").body(json!({"logins": {GOOGLE: "g-alice"}}).to_string()).send();
    tokio::select! {
        answer = asked => panic!("too early: {answer:?}"),
        () = world.until_calls(2) => {}
    }
    world.faults(json!({})).await;
    world.until_metric("tokenvend_identity_links_total{outcome=\"linked\"}", 1.0).await;
    assert_eq!(world.identity_by_google("g-alice").await, own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_is_no_reason_to_lose_a_linked_login() {
    let world = World::with(ALL).await;
    let own = identity(&world.link_google("alice", "g-alice").await);
    world.request(Method::DELETE, "alice").send().await.unwrap();
    assert_eq!(identity(&world.vend("alice").await), own);
    let call = world.aws().lookup_developer_identity().identity_pool_id(POOL);
    let found = call.developer_user_identifier("alice").send().await.unwrap();
    assert_eq!(found.identity_id.as_deref(), Some(own.as_str()));
}
