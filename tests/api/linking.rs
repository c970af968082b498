//! Linking: what becomes of a user's identity, and of everybody's who tries to get at another's.

mod guests;
mod logins;
mod races;
mod smuggling;

use aws_sdk_cognitoidentity::Client;
use cognito_emulator::{self, AccessKey};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, World};

const POOL: &str = cognito_emulator::DEFAULT_POOL;
const PROVIDER: &str = cognito_emulator::DEFAULT_DEVELOPER_PROVIDER;
const GOOGLE: &str = "accounts.google.com";
const LINK: &str = "/v1/identity/link";

/// A pool that links what there is to link, and budgets that keep nobody waiting: the clock stands still.
const ALL: &str = r#"
    admin.rate_limit.burst = 5000
    admin.rate_limit.rate = "5000/s"
    [pools.main.linking]
    providers = ["accounts.google.com", "graph.facebook.com"]
    guests = true
"#;

impl World {
    fn link_request(&self, user: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(Method::POST, self.url(LINK)).bearer_auth(self.bearer(user));
        request.header("content-type", "application/json")
    }

    async fn ask_to_link(&self, user: &str, body: Value) -> Answer {
        Answer::of(self.link_request(user).body(body.to_string()).send().await.unwrap()).await
    }

    async fn link_google(&self, user: &str, token: &str) -> Answer {
        self.ask_to_link(user, json!({"logins": {GOOGLE: token}})).await
    }

    async fn link_guest(&self, user: &str, token: &str) -> Answer {
        self.ask_to_link(user, json!({"guestToken": token})).await
    }

    /// Cognito, for those who hold our rights.
    fn aws(&self) -> Client {
        crate::support::client(&self.emulator.url(), &AccessKey::default())
    }

    /// Cognito, for everybody.
    async fn unsigned(&self, operation: &str, input: Value) -> Value {
        let request =
            self.client.post(self.emulator.url()).header("content-type", "application/x-amz-json-1.1");
        let request = request.header("x-amz-target", format!("AWSCognitoIdentityService.{operation}"));
        let answer = request.body(input.to_string()).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// A new guest of a pool: identity and token.
    async fn guest_of(&self, pool: &str) -> (String, String) {
        let guest = self.unsigned("GetId", json!({"IdentityPoolId": pool})).await;
        let id = guest["IdentityId"].as_str().unwrap().to_owned();
        let token = self.unsigned("GetOpenIdToken", json!({"IdentityId": id})).await;
        (id, token["Token"].as_str().unwrap().to_owned())
    }

    async fn guest(&self) -> (String, String) {
        self.guest_of(POOL).await
    }

    /// The identity that somebody who signs in at Google has.
    async fn identity_by_google(&self, token: &str) -> String {
        let answer = self.unsigned("GetId", json!({"IdentityPoolId": POOL, "Logins": {GOOGLE: token}})).await;
        answer["IdentityId"].as_str().unwrap().to_owned()
    }

    /// The developer users of an identity, as Cognito knows them.
    async fn users_of(&self, identity: &str) -> Vec<String> {
        let call = self.aws().lookup_developer_identity().identity_pool_id(POOL).identity_id(identity);
        call.send().await.unwrap().developer_user_identifier_list.unwrap_or_default()
    }

    /// How often each operation of Cognito's was called.
    async fn calls_of(&self, operation: &str) -> u64 {
        let url = format!("{}/_emulator/calls", self.emulator.url());
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let counted: Value = serde_json::from_str(&text).unwrap();
        counted["calls"][operation]["total"].as_u64().unwrap_or(0)
    }

    /// Calls that change an identity.
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

    /// What is done while its waits go by on the world's clock.
    async fn as_time_goes_by<T>(&self, done: impl Future<Output = T>) -> T {
        tokio::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return done,
                () = crate::upstream_failures::a_moment() => self.clock.advance(std::time::Duration::from_millis(50)),
            }
        }
    }
}

fn identity(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["identityId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_linked_where_the_configuration_does_not_say_so() {
    let logins = json!({"logins": {GOOGLE: "g-alice"}});
    for (overlay, logins_may, guests_may) in [
        ("", false, false),
        ("pools.main.linking.guests = true", false, true),
        ("pools.main.linking.providers = [\"accounts.google.com\"]", true, false),
        // Another pool's rules are no rules of this one.
        (
            "pools.second.linking.providers = [\"accounts.google.com\"]\npools.second.linking.guests = true",
            false,
            false,
        ),
    ] {
        let world = World::with(overlay).await;
        let (_, token) = world.guest().await;
        for (may, body) in [(guests_may, json!({"guestToken": token})), (logins_may, logins.clone())] {
            let before = world.changes().await;
            let answer = world.ask_to_link("alice", body).await;
            if may {
                assert_eq!(answer.status, 200, "{overlay}: {answer:?}");
            } else {
                answer.is_problem(403, "linking-disabled");
                assert_eq!(world.changes().await, before, "{overlay}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_to_link_is_refused_without_a_call_and_without_repeating_a_token() {
    let world = World::with(ALL).await;
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
        let answer = world.ask_to_link("alice", body.clone()).await;
        answer.is_problem(400, "invalid-request");
        assert!(!answer.text.contains("top-secret"), "{body}: {answer:?}");
    }
    let send = async |request: reqwest::RequestBuilder, body: &str| {
        Answer::of(request.body(body.to_owned()).send().await.unwrap()).await
    };
    let twice = format!("{{\"logins\": {{\"{GOOGLE}\": \"a\", \"{GOOGLE}\": \"b\"}}}}");
    for body in [twice.as_str(), "", "[]", "{\"guestToken\": \"x\"} {}"] {
        send(world.link_request("alice"), body).await.is_problem(400, "invalid-request");
    }
    let plain = world.client.post(world.url(LINK)).bearer_auth(world.bearer("alice"));
    send(plain, "{}").await.is_problem(415, "unsupported-media-type");
    send(world.link_request("alice"), &" ".repeat(65_537)).await.is_problem(413, "body-too-large");
    let anonymous = world.client.post(world.url(LINK)).header("content-type", "application/json");
    send(anonymous, &json!({"guestToken": "x"}).to_string()).await.is_problem(401, "unauthorized");
    world
        .ask_to_link("alice", json!({"pool": "third", "guestToken": "x"}))
        .await
        .is_problem(404, "unknown-pool");
    let get = world.client.get(world.url(LINK)).bearer_auth(world.bearer("alice")).send().await.unwrap();
    let get = Answer::of(get).await;
    get.is_problem(405, "method-not-allowed");
    assert_eq!(get.header("allow"), "POST");
    assert_eq!(world.changes().await, 0);
}
