//! Linking of public logins and guests, and attempts to link another user's identity.

mod guests;
mod logins;
mod races;
mod smuggling;

use aws_sdk_cognitoidentity::Client;
use cognito_emulator::{self, AccessKey};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ApiResponse, TestApp};

const POOL: &str = cognito_emulator::DEFAULT_POOL;
const PROVIDER: &str = cognito_emulator::DEFAULT_DEVELOPER_PROVIDER;
const GOOGLE: &str = "accounts.google.com";
const LINK: &str = "/v1/identity/link";

/// A pool that links logins and guests, with rate limits above any test's use: the clock stands still.
const ALL: &str = r#"
    admin.rate_limit.burst = 5000
    admin.rate_limit.rate = "5000/s"
    [pools.main.linking]
    providers = ["accounts.google.com", "graph.facebook.com"]
    guests = true
"#;

impl TestApp {
    fn link_request(&self, user: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(Method::POST, self.url(LINK)).bearer_auth(self.bearer(user));
        request.header("content-type", "application/json")
    }

    async fn ask_to_link(&self, user: &str, body: Value) -> ApiResponse {
        ApiResponse::to(self.link_request(user).body(body.to_string())).await
    }

    async fn link_google(&self, user: &str, token: &str) -> ApiResponse {
        self.ask_to_link(user, json!({"logins": {GOOGLE: token}})).await
    }

    async fn link_guest(&self, user: &str, token: &str) -> ApiResponse {
        self.ask_to_link(user, json!({"guestToken": token})).await
    }

    /// A client of Cognito with the service's permissions.
    fn aws(&self) -> Client {
        crate::support::client(&self.emulator.url(), &AccessKey::default())
    }

    /// Calls a public operation of Cognito.
    async fn unsigned(&self, operation: &str, input: Value) -> Value {
        let request = self.client.post(self.emulator.url()).header("content-type", "application/x-amz-json-1.1");
        let request = request.header("x-amz-target", format!("AWSCognitoIdentityService.{operation}"));
        let answer = request.body(input.to_string()).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Creates a guest of a pool: identity and token.
    async fn guest_of(&self, pool: &str) -> (String, String) {
        let guest = self.unsigned("GetId", json!({"IdentityPoolId": pool})).await;
        let id = guest["IdentityId"].as_str().unwrap().to_owned();
        let token = self.unsigned("GetOpenIdToken", json!({"IdentityId": id})).await;
        (id, token["Token"].as_str().unwrap().to_owned())
    }

    async fn guest(&self) -> (String, String) {
        self.guest_of(POOL).await
    }

    /// The identity of this Google login.
    async fn identity_by_google(&self, token: &str) -> String {
        let answer = self.unsigned("GetId", json!({"IdentityPoolId": POOL, "Logins": {GOOGLE: token}})).await;
        answer["IdentityId"].as_str().unwrap().to_owned()
    }

    /// The developer users of an identity in Cognito.
    async fn users_of(&self, identity: &str) -> Vec<String> {
        let call = self.aws().lookup_developer_identity().identity_pool_id(POOL).identity_id(identity);
        call.send().await.unwrap().developer_user_identifier_list.unwrap_or_default()
    }

    /// The number of calls to an operation of Cognito.
    async fn calls_of(&self, operation: &str) -> u64 {
        let url = format!("{}/_emulator/calls", self.emulator.url());
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let counted: Value = serde_json::from_str(&text).unwrap();
        counted["calls"][operation]["total"].as_u64().unwrap_or(0)
    }

    /// The number of calls that change an identity.
    async fn changes(&self) -> u64 {
        let mut changes = 0;
        for operation in [
            "GetOpenIdTokenForDeveloperIdentity",
            "MergeDeveloperIdentities",
            "UnlinkDeveloperIdentity",
            "DeleteIdentities",
        ] {
            changes += self.calls_of(operation).await;
        }
        changes
    }

    /// Runs a future and advances the manual clock while it waits.
    async fn while_time_advances<T>(&self, done: impl Future<Output = T>) -> T {
        tokio::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return done,
                () = crate::upstream_failures::a_moment() => self.clock.advance(std::time::Duration::from_millis(50)),
            }
        }
    }
}

fn identity(answer: &ApiResponse) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["identityId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_linked_unless_the_configuration_allows_it() {
    let logins = json!({"logins": {GOOGLE: "g-alice"}});
    for (overlay, logins_may, guests_may) in [
        ("", false, false),
        ("pools.main.linking.guests = true", false, true),
        ("pools.main.linking.providers = [\"accounts.google.com\"]", true, false),
        // The settings of another pool do not apply.
        (
            "pools.second.linking.providers = [\"accounts.google.com\"]\npools.second.linking.guests = true",
            false,
            false,
        ),
    ] {
        let app = TestApp::with(overlay).await;
        let (_, token) = app.guest().await;
        for (may, body) in [(guests_may, json!({"guestToken": token})), (logins_may, logins.clone())] {
            let before = app.changes().await;
            let answer = app.ask_to_link("alice", body).await;
            if may {
                assert_eq!(answer.status, 200, "{overlay}: {answer:?}");
            } else {
                answer.is_problem(403, "linking-disabled");
                assert_eq!(app.changes().await, before, "{overlay}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_link_request_is_refused_without_a_call_and_without_repeating_a_token() {
    let app = TestApp::with(ALL).await;
    let secret = "eyJ-top-secret";
    for body in [
        json!({}),
        json!({"pool": "main"}),
        json!({"logins": {}}),
        json!({"logins": secret}),
        json!({"logins": [secret]}),
        json!({"logins": {GOOGLE: ""}}),
        json!({"logins": {GOOGLE: {"token": secret}}}),
        json!({"logins": {GOOGLE: "x".repeat(50_001)}}),
        json!({"logins": (0..10).map(|n| (format!("p{n}"), json!(secret))).collect::<serde_json::Map<_, _>>()}),
        json!({"logins": {GOOGLE: secret}, "guestToken": secret}),
        json!({"guestToken": ""}),
        json!({"guestToken": {"token": secret}}),
        json!({"guestToken": secret, "token": secret}),
        json!({secret: secret}),
    ] {
        let answer = app.ask_to_link("alice", body.clone()).await;
        answer.is_problem(400, "invalid-request");
        assert!(!answer.text.contains("top-secret"), "{body}: {answer:?}");
    }
    let send =
        async |request: reqwest::RequestBuilder, body: &str| ApiResponse::to(request.body(body.to_owned())).await;
    let twice = format!("{{\"logins\": {{\"{GOOGLE}\": \"a\", \"{GOOGLE}\": \"b\"}}}}");
    for body in [twice.as_str(), "", "[]", "{\"guestToken\": \"x\"} {}"] {
        send(app.link_request("alice"), body).await.is_problem(400, "invalid-request");
    }
    let plain = app.client.post(app.url(LINK)).bearer_auth(app.bearer("alice"));
    send(plain, "{}").await.is_problem(415, "unsupported-media-type");
    send(app.link_request("alice"), &" ".repeat(65_537)).await.is_problem(413, "body-too-large");
    let anonymous = app.client.post(app.url(LINK)).header("content-type", "application/json");
    send(anonymous, &json!({"guestToken": "x"}).to_string()).await.is_problem(401, "unauthorized");
    app.ask_to_link("alice", json!({"pool": "third", "guestToken": "x"})).await.is_problem(404, "unknown-pool");
    let get = ApiResponse::to(app.client.get(app.url(LINK)).bearer_auth(app.bearer("alice"))).await;
    get.is_problem(405, "method-not-allowed");
    assert_eq!(get.header("allow"), "POST");
    assert_eq!(app.changes().await, 0);
}
