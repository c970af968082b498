//! Identity administration: the operation, its response, its audit events, and the purge of cached tokens.

mod command;
mod refusals;

use aws_sdk_cognitoidentity::Client;
use cognito_emulator::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL};
use reqwest::Method;
use serde_json::{Value, json};

use crate::audit::AuditFile;
use crate::support::client;
use crate::support::{ADMIN_CREDENTIAL as CREDENTIAL, ApiResponse, SECOND_POOL, TestApp, claims_of};

const SWITCHED_ON: &str = "admin.credential = \"0123456789abcdef0123456789abcdef\"\n";

impl TestApp {
    async fn switched_on(overlay: &str) -> Self {
        Self::with(&format!("{SWITCHED_ON}{overlay}")).await
    }

    /// Calls a path under `/admin/v1/pools/main` with the admin credential.
    async fn administer(&self, method: Method, path: &str) -> ApiResponse {
        let url = self.admin_url(&format!("/admin/v1/pools/main{path}"));
        let request = self.client.request(method, url).bearer_auth(CREDENTIAL);
        ApiResponse::to(request).await
    }

    /// The number of identity administration calls to Cognito with this outcome.
    async fn admin_calls(&self, outcome: &str) -> f64 {
        let metrics = self.metrics().await;
        let calls = metrics.lines().filter_map(|line| line.strip_prefix("tokenvend_upstream_calls_total{"));
        let calls = calls.filter(|line| !line.starts_with("operation=\"Get"));
        let counts = calls.filter_map(|line| {
            line.split_once(&format!("outcome=\"{outcome}\"}} ")).map(|(_, count)| count.parse::<f64>().unwrap())
        });
        let counts: Vec<f64> = counts.collect();
        assert_eq!(counts.len(), 6, "{metrics}");
        counts.iter().sum()
    }

    async fn post(&self, path: &str, body: Value) -> ApiResponse {
        let url = self.admin_url(&format!("/admin/v1/pools/main{path}"));
        let request = self.client.post(url).bearer_auth(CREDENTIAL).header("content-type", "application/json");
        ApiResponse::to(request.body(body.to_string())).await
    }

    /// A client of Cognito that bypasses the service.
    fn cognito(&self) -> Client {
        client(&self.emulator.url(), &AccessKey::default())
    }

    /// Links a user to an identity that already has users.
    async fn link(&self, identity: &str, user: &str) {
        let call = self.cognito().get_open_id_token_for_developer_identity().identity_pool_id(DEFAULT_POOL);
        let call = call.identity_id(identity).logins(DEFAULT_DEVELOPER_PROVIDER, user);
        call.send().await.unwrap();
    }

    /// The cache status and the identity of the user's next token.
    async fn next(&self, user: &str) -> (String, String) {
        let answer = self.vend(user).await;
        let source = answer.source().to_owned();
        let identity = answer.json()["identityId"].as_str().unwrap().to_owned();
        assert_eq!(claims_of(&answer.token())["sub"], identity);
        (source, identity)
    }

    async fn identity_of(&self, user: &str) -> String {
        self.next(user).await.1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_looked_up_with_all_users_of_the_identity_page_by_page() {
    let app = TestApp::switched_on("").await;
    let identity = app.identity_of("user-00").await;
    for number in 1..65 {
        app.link(&identity, &format!("user-{number:02}")).await;
    }
    let answer = app.administer(Method::GET, "/users/user-00").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let first = answer.json();
    assert_eq!((&first["pool"], &first["user"]), (&json!("main"), &json!("user-00")));
    assert_eq!((&first["identityId"], &first["identityPoolId"]), (&json!(identity), &json!(DEFAULT_POOL)));
    assert_eq!(first["cachedTokens"], 1);
    assert_eq!(first["cachedUntil"], app.vend("user-00").await.json()["expiresAt"]);
    assert!(!answer.text.contains("eyJ"), "never a token: {answer:?}");
    assert_eq!(first["users"].as_array().unwrap().len(), 60);
    let next = first["nextToken"].as_str().unwrap();
    let second = app.administer(Method::GET, &format!("/users/user-00?nextToken={next}")).await.json();
    assert_eq!(second["users"], json!(["user-60", "user-61", "user-62", "user-63", "user-64"]));
    assert_eq!(second["nextToken"], Value::Null);

    let few = app.administer(Method::GET, &format!("/identities/{identity}?maxResults=2")).await.json();
    assert_eq!(few["users"], json!(["user-00", "user-01"]));
    assert_eq!(few["logins"], json!([DEFAULT_DEVELOPER_PROVIDER]));
    assert!(few["createdAt"].as_str().unwrap().starts_with("20") && few["nextToken"].is_string());
    let other = app.administer(Method::GET, "/users/user-64").await.json();
    assert_eq!((&other["identityId"], &other["cachedTokens"]), (&json!(identity), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_s_identities_are_listed_page_by_page() {
    let app = TestApp::switched_on("").await;
    let mut identities = Vec::new();
    for user in ["a", "b", "c"] {
        identities.push(app.identity_of(user).await);
    }
    let first = app.administer(Method::GET, "/identities?maxResults=2").await.json();
    let next = first["nextToken"].as_str().unwrap();
    let path = format!("/identities?maxResults=2&nextToken={next}");
    let second = app.administer(Method::GET, &path).await.json();
    assert_eq!(second["nextToken"], Value::Null);
    let pages = [&first, &second].map(|page| page["identities"].as_array().unwrap().clone()).concat();
    let mut listed: Vec<_> = pages.iter().map(|found| found["identityId"].as_str().unwrap()).collect();
    listed.sort_unstable();
    identities.sort_unstable();
    assert_eq!(listed, identities);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_whose_tokens_were_purged_gets_a_new_one_of_the_same_identity() {
    let app = TestApp::switched_on("").await;
    let identity = app.identity_of("alice").await;
    let bob = app.identity_of("bob").await;
    let purged = app.administer(Method::DELETE, "/users/alice/cache").await;
    assert_eq!(purged.json(), json!({"pool": "main", "user": "alice", "purgedTokens": 1}));
    assert_eq!(app.next("bob").await, ("hit".to_owned(), bob), "no other user is affected");
    assert_eq!(app.next("alice").await, ("miss".to_owned(), identity));
    let unknown = app.administer(Method::DELETE, "/users/nobody/cache").await;
    assert_eq!(unknown.json()["purgedTokens"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_merge_both_have_one_identity_and_no_token_of_the_removed_one_is_served() {
    let trail = AuditFile::new();
    let app = TestApp::switched_on(&trail.overlay()).await;
    let given_up = app.identity_of("alice").await;
    app.link(&given_up, "alice-too").await;
    assert_eq!(app.identity_of("alice-too").await, given_up);
    let stays = app.identity_of("bob").await;
    let merged = app.post("/users/alice/merge", json!({"into": "bob"})).await;
    assert_eq!(
        merged.json(),
        json!({
            "pool": "main", "user": "alice", "into": "bob", "identityId": stays, "removedIdentityId": given_up,
        })
    );
    for user in ["alice", "bob", "alice-too"] {
        assert_eq!(app.next(user).await, ("miss".to_owned(), stays.clone()), "{user}");
    }
    let again = app.post("/users/alice/merge", json!({"into": "bob"})).await.json();
    assert_eq!((&again["identityId"], &again["removedIdentityId"]), (&json!(stays), &Value::Null));

    let events = trail.events(10).await;
    let merges: Vec<_> = events.iter().filter(|event| event["action"] == "merge").collect();
    assert_eq!(merges.len(), 4);
    let (begun, done) = (merges[0], merges[1]);
    assert_eq!((&begun["outcome"], &done["outcome"]), (&json!("started"), &json!("success")));
    assert_eq!(begun["requestId"], done["requestId"]);
    assert!(begun.get("status").is_none() && begun.get("durationMs").is_none());
    for event in [begun, done] {
        let reported = |name: &str| event[name].as_str().unwrap_or_default();
        assert_eq!([reported("user"), reported("targetUser"), reported("pool")], ["alice", "bob", "main"]);
        assert_eq!([reported("authenticator"), reported("client")], ["admin", "127.0.0.1"]);
    }
    assert_eq!((&done["identityId"], &done["targetIdentityId"]), (&json!(given_up), &json!(stays)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlinked_user_gets_a_new_identity() {
    let trail = AuditFile::new();
    let app = TestApp::switched_on(&trail.overlay()).await;
    let identity = app.identity_of("alice").await;
    app.link(&identity, "other").await;
    app.identity_of("other").await;
    let unlinked = app.administer(Method::DELETE, &format!("/identities/{identity}/users/alice")).await;
    assert_eq!(unlinked.status, 200, "{unlinked:?}");
    assert!(unlinked.json()["consequence"].as_str().unwrap().contains("new identity"));
    let (source, new) = app.next("alice").await;
    assert_eq!(source, "miss");
    assert_ne!(new, identity);
    assert_eq!(app.next("other").await, ("hit".to_owned(), identity.clone()));
    let reported: Vec<_> = trail.events(6).await;
    let reported: Vec<_> = reported.iter().filter(|event| event["action"] == "unlink").collect();
    assert_eq!([&reported[0]["outcome"], &reported[1]["outcome"]], ["started", "success"]);
    assert_eq!((&reported[1]["user"], &reported[1]["identityId"]), (&json!("alice"), &json!(identity)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_identity_was_deleted_none_of_its_users_is_served_its_tokens() {
    let app = TestApp::switched_on("").await;
    let identity = app.identity_of("alice").await;
    app.link(&identity, "alice-too").await;
    app.identity_of("alice-too").await;
    let deleted = app.administer(Method::DELETE, &format!("/identities/{identity}")).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    for user in ["alice", "alice-too"] {
        let (source, new) = app.next(user).await;
        assert_eq!(source, "miss");
        assert_ne!(new, identity);
    }
    let gone = app.administer(Method::DELETE, &format!("/identities/{identity}")).await;
    gone.is_problem(404, "unknown-identity");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_identities_are_deleted_at_once_and_none_of_another_pool() {
    let trail = AuditFile::new();
    let app = TestApp::switched_on(&trail.overlay()).await;
    let mut identities = Vec::new();
    for number in 0..20 {
        identities.push(app.identity_of(&format!("user-{number}")).await);
    }
    let foreign = app.vend_with("alice", json!({"pool": "second"})).await.json();
    let unknown = "us-east-1:00000000-0000-4000-8000-00000000dead";
    let mut all = identities.clone();
    all.extend([unknown.to_owned(), foreign["identityId"].as_str().unwrap().to_owned()]);
    let answer = app.post("/identities/delete", json!({"identityIds": all})).await.json();
    identities.sort_unstable();
    assert_eq!(answer["deleted"], json!(identities));
    let mut left: Vec<_> = answer["undeleted"].as_array().unwrap().clone();
    left.sort_by_key(|left| left["identityId"] == unknown);
    assert_eq!(left[0], json!({"identityId": foreign["identityId"], "reason": "unknown"}));
    assert_eq!(left[1], json!({"identityId": unknown, "reason": "unknown"}));
    let still = app.vend_with("alice", json!({"pool": "second"})).await;
    assert_eq!(still.source(), "hit");
    let described = app.cognito().describe_identity().identity_id(foreign["identityId"].as_str().unwrap());
    assert!(described.send().await.is_ok(), "the identity in {SECOND_POOL} is still there");
    for number in 0..20 {
        assert_eq!(app.vend(&format!("user-{number}")).await.source(), "miss");
    }
    let events = trail.events(44).await;
    let reported: Vec<_> = events.iter().filter(|event| event["action"] == "delete").collect();
    assert_eq!(reported[1]["identityIds"].as_array().unwrap().len(), 22);
    assert_eq!(reported[1]["failedIdentityIds"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_began_before_the_deletion_of_its_identity_leaves_no_cache_entry() {
    let app = TestApp::switched_on("").await;
    let identity = app.identity_of("alice").await;
    app.administer(Method::DELETE, "/users/alice/cache").await;
    app.faults(json!({"latencyMillis": 1000})).await;
    let late = app.vend("alice");
    tokio::pin!(late);
    let is_aloft = crate::support::until(|| async {
        app.metric("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}").await >= 1.0
    });
    tokio::select! {
        answer = &mut late => panic!("too early: {answer:?}"),
        () = is_aloft => {}
    }
    app.faults(json!({})).await;
    let deleted = app.administer(Method::DELETE, &format!("/identities/{identity}")).await;
    assert_eq!(deleted.status, 204);
    late.await;
    let (source, _) = app.next("alice").await;
    assert_eq!(source, "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_disconnects_during_a_merge_leaves_no_stale_token() {
    let app = TestApp::switched_on("").await;
    app.identity_of("alice").await;
    let stays = app.identity_of("bob").await;
    app.faults(json!({"latencyMillis": 300})).await;
    let merge = app.post("/users/alice/merge", json!({"into": "bob"}));
    let hung_up = tokio::time::timeout(std::time::Duration::from_millis(100), merge).await;
    assert!(hung_up.is_err());
    crate::support::until(|| async { app.admin_calls("success").await >= 2.0 }).await;
    crate::support::until(|| async { app.next("alice").await.1 == stays }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_id_may_be_any_text_that_cognito_accepts() {
    let app = TestApp::switched_on("").await;
    for (user, encoded) in [
        ("a/b c+d?e#f", "a%2Fb%20c%2Bd%3Fe%23f"),
        ("100%2F", "100%252F"),
        ("zoë@example.com", "zo%C3%AB%40example.com"),
        ("plain+plus", "plain+plus"),
    ] {
        app.vend(user).await.source();
        let found = app.administer(Method::GET, &format!("/users/{encoded}")).await;
        assert_eq!(found.json()["user"], user, "{found:?}");
        let purged = app.administer(Method::DELETE, &format!("/users/{encoded}/cache")).await;
        assert_eq!(purged.json()["purgedTokens"], 1, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_pseudonyms_users_are_also_found_by_their_user_id_of_the_app() {
    let trail = AuditFile::new();
    let key = "users.pseudonym_key = \"pseudonym-key-pseudonym-key-0123\"\n";
    let app = TestApp::switched_on(&format!("{key}{}", trail.overlay())).await;
    let alice = app.identity_of("alice").await;
    let bob = app.identity_of("bob").await;
    app.administer(Method::GET, "/users/alice").await.is_problem(404, "unknown-user");
    let found = app.administer(Method::GET, "/users/alice?userIdKind=app").await.json();
    assert_eq!(found["identityId"], alice);
    let pseudonym = found["user"].as_str().unwrap();
    assert_eq!((pseudonym.len(), &found["cachedTokens"]), (43, &json!(1)));
    let by_pseudonym = app.administer(Method::GET, &format!("/users/{pseudonym}")).await.json();
    assert_eq!(by_pseudonym["identityId"], alice);
    let merged = app.post("/users/alice/merge?userIdKind=app", json!({"into": "bob"})).await.json();
    assert_eq!(merged["identityId"], bob);
    let path = format!("/identities/{bob}/users/alice?userIdKind=app");
    assert_eq!(app.administer(Method::DELETE, &path).await.status, 200);
    let purged = app.administer(Method::DELETE, "/users/bob/cache?userIdKind=app").await;
    assert_eq!(purged.status, 200);
    let reported: Vec<_> =
        trail.events(10).await.iter().filter(|event| event["authenticator"] == "admin").cloned().collect();
    assert!(
        reported.iter().skip(1).all(|event| event["user"] != "alice" && event["targetUser"] != "bob"),
        "{reported:?}"
    );
}
