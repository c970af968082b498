//! Logins of public providers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::Clock as _;
use serde_json::json;

use super::{ALL, GOOGLE, LINK, POOL, PROVIDER, identity};
use crate::support::TestApp;

/// A token as Google signs it. The emulator reads its `exp` and verifies no signature.
fn google_token(user: &str, ends_at: i64) -> String {
    let claims = json!({"sub": user, "exp": ends_at}).to_string();
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_login_has_the_users_identity_and_the_user_gets_a_new_token() {
    let app = TestApp::with(ALL).await;
    let before = app.vend("alice").await;
    app.advance(1);
    let linked = app.link_google("alice", "g-alice").await;
    assert_eq!(linked.source(), "miss", "what was cached is forgotten");
    assert_ne!(linked.token(), before.token());
    let own = identity(&before);
    assert_eq!(identity(&linked), own);
    assert_eq!(app.identity_by_google("g-alice").await, own);
    let next = app.vend("alice").await;
    assert_eq!((next.source(), next.token()), ("hit", linked.token()), "the answer is a token like any other");
    assert_eq!(linked.json().as_object().unwrap().len(), next.json().as_object().unwrap().len());
    // A repeated link changes nothing, a second provider adds a login.
    assert_eq!(identity(&app.link_google("alice", "g-alice").await), own);
    let more = json!({"logins": {"graph.facebook.com": "f-alice", GOOGLE: "g-alice"}, "pool": "main"});
    assert_eq!(identity(&app.ask_to_link("alice", more).await), own);
    let described = app.aws().describe_identity().identity_id(&own).send().await.unwrap();
    let mut logins = described.logins.unwrap();
    logins.sort();
    assert_eq!(logins, [GOOGLE, "graph.facebook.com", PROVIDER]);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"linked\"}").await, 3.0);
    let counted = format!("tokenvend_http_requests_total{{route=\"{LINK}\",status=\"200\"}}");
    assert_eq!(app.metric(&counted).await, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_of_another_identity_changes_no_identity() {
    let app = TestApp::with(ALL).await;
    let victim = app.identity_by_google("g-victim").await;
    // A user without an identity could be registered under the victim's.
    for attacker in ["new", "old"] {
        if attacker == "old" {
            app.vend(attacker).await;
        }
        app.link_google(attacker, "g-victim").await.is_problem(409, "login-taken");
        assert_ne!(identity(&app.vend(attacker).await), victim);
    }
    assert_eq!(app.users_of(&victim).await, [""; 0]);
    assert_eq!(app.identity_by_google("g-victim").await, victim);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"conflict\"}").await, 2.0);
}

/// The call names the identity that gets the login. Without it, Cognito would choose one or create one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_is_linked_to_the_users_identity_or_to_none() {
    let app = TestApp::with(ALL).await;
    let own = identity(&app.vend("alice").await);
    app.faults(json!({"latencyMillis": 400})).await;
    let delete = async {
        app.until_calls(2).await;
        app.faults(json!({})).await;
        app.aws().delete_identities().identity_ids_to_delete(&own).send().await.unwrap();
    };
    let (answer, ()) = tokio::join!(app.link_google("alice", "g-alice"), delete);
    answer.is_problem(503, "upstream-unavailable");
    let new = identity(&app.link_google("alice", "g-alice").await);
    assert_ne!(new, own, "a repeated request gets a new identity");
    assert_eq!(app.identity_by_google("g-alice").await, new);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_logins_of_listed_providers_are_linked() {
    let app = TestApp::with(ALL).await;
    let own_token = app.vend("mallory").await.token();
    let before = app.changes().await;
    for (provider, token) in [
        // A second user id from the request could be any user.
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
        let answer = app.ask_to_link("mallory", json!({"logins": {provider: token, GOOGLE: "g-mallory"}})).await;
        answer.is_problem(403, "provider-not-allowed");
        assert!(!answer.text.contains("victim"), "{answer:?}");
    }
    assert_eq!(app.changes().await, before);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"not_allowed\"}").await, 9.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_cognito_rejects_affects_no_other_caller() {
    let app = TestApp::with(ALL).await;
    let now = app.clock.now().as_secs();
    app.link_google("alice", &google_token("alice", now - 1)).await.is_problem(422, "invalid-login");
    assert_eq!(
        app.metric(
            "tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"rejected\"}"
        )
        .await,
        1.0
    );
    assert_eq!(
        app.metric(
            "tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"misconfigured\"}"
        )
        .await,
        0.0
    );
    // The negative cache has an entry for neither the pool nor the user.
    assert_eq!(app.vend("bob").await.source(), "miss");
    assert_eq!(app.vend("alice").await.status, 200);
    let good = google_token("alice", now + 100);
    assert_eq!(identity(&app.link_google("alice", &good).await), app.identity_by_google(&good).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_link_attempts_use_up_only_their_own_user_quota() {
    let app = TestApp::with(ALL).await;
    let stale = google_token("alice", app.clock.now().as_secs() - 1);
    let mut held_back = 0;
    for _ in 0..20 {
        let answer = app.link_google("alice", &stale).await;
        if answer.status == 503 {
            answer.is_problem(503, "upstream-unavailable");
            held_back += 1;
        } else {
            answer.is_problem(422, "invalid-login");
        }
    }
    assert!(held_back >= 10, "{held_back}");
    let calls = app.calls().await;
    assert!(calls <= 11, "{calls}");
    assert_eq!(app.link_google("bob", "g-bob").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linking_keeps_the_call_rate_limit_and_the_backoff() {
    let overlay = format!(
        "upstream.rate_limit.burst = 1\nupstream.rate_limit.rate = \"1/s\"\nupstream.rate_limit.max_wait = \"0s\"\n{ALL}"
    );
    let app = TestApp::with(&overlay).await;
    app.vend("alice").await.source();
    app.link_google("alice", "g-alice").await.is_problem(503, "upstream-unavailable");
    assert_eq!(app.calls().await, 1);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"failed\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_with_an_unknown_outcome_leaves_no_token_in_the_cache() {
    let app = TestApp::with(&format!("upstream.max_attempts = 1\n{ALL}")).await;
    app.vend("alice").await.source();
    app.faults(json!({"errorRate": 1.0})).await;
    app.link_google("alice", "g-alice").await.is_problem(503, "upstream-unavailable");
    app.faults(json!({})).await;
    app.advance(1);
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_disconnects_does_not_cancel_the_link() {
    let app = TestApp::with(ALL).await;
    let own = identity(&app.vend("alice").await);
    app.faults(json!({"latencyMillis": 300})).await;
    let asked = app.link_request("alice").body(json!({"logins": {GOOGLE: "g-alice"}}).to_string()).send();
    tokio::select! {
        answer = asked => panic!("too early: {answer:?}"),
        () = app.until_calls(2) => {}
    }
    app.faults(json!({})).await;
    app.until_metric("tokenvend_identity_links_total{outcome=\"linked\"}", 1.0).await;
    assert_eq!(app.identity_by_google("g-alice").await, own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_keeps_linked_logins() {
    let app = TestApp::with(ALL).await;
    let own = identity(&app.link_google("alice", "g-alice").await);
    app.sign_out("alice").await;
    assert_eq!(identity(&app.vend("alice").await), own);
    let call = app.aws().lookup_developer_identity().identity_pool_id(POOL);
    let found = call.developer_user_identifier("alice").send().await.unwrap();
    assert_eq!(found.identity_id.as_deref(), Some(own.as_str()));
}
