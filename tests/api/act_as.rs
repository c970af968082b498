//! Backends that act for the app's users: who is one, for whom it may, and what is told of it afterwards.

use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use clock::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::audit::Trail;
use crate::support::{Answer, World, claims_of};
use crate::tls::authority::{Authority, Files};

const KEY: &str = "tvk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const OLDER_KEY: &str = "tvk_older_0123456789abcdefghijklmnopqrstuvwxyz";
const SHORT_KEY: &str = "hunter2";

fn hex(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The app's own tokens are its users'; with a scope, a backend's. Another backend has a key.
fn overlay() -> String {
    format!(
        r#"
        auth.app.act_as = {{ scope = ["tokens:vend-for-users"], users = ["app:*", "guest"] }}
        auth.app.user_id = "app:{{sub}}"
        [auth.billing]
        kind = "static_key"
        issuer = "https://app.example"
        key_sha256 = ["{}", "{}", "{}"]
        act_as = {{ users = ["app:tenant-7:*"] }}
        "#,
        hex(KEY),
        hex(OLDER_KEY),
        hex(SHORT_KEY)
    )
}

/// The token of a backend of the app's.
fn service(world: &World) -> String {
    let mut claims = world.demo.claims("backend", world.clock.now());
    claims["scope"] = json!("openid tokens:vend-for-users");
    world.demo.sign(&claims)
}

async fn send(world: &World, method: Method, bearer: &str, body: Value) -> Answer {
    let request = world.client.request(method, world.url("/v1/token")).bearer_auth(bearer);
    let request = request.header("content-type", "application/json").body(body.to_string());
    Answer::of(request.send().await.unwrap()).await
}

async fn vend(world: &World, bearer: &str, user: &str) -> Answer {
    send(world, Method::POST, bearer, json!({"user": user})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_gets_the_very_token_that_its_user_would_get() {
    let world = World::with(&overlay()).await;
    let service = service(&world);
    let theirs = vend(&world, &service, "app:alice").await;
    assert_eq!(theirs.source(), "miss");
    assert!(claims_of(&theirs.token())["amr"][2].as_str().unwrap().ends_with(":app:alice"));
    let own = world.vend("alice").await;
    assert_eq!((own.source(), own.token()), ("hit", theirs.token()));
    // And signs the user out.
    assert_eq!(send(&world, Method::DELETE, &service, json!({"user": "app:alice"})).await.status, 204);
    world.advance(31);
    let anew = world.vend("alice").await;
    assert_eq!(anew.source(), "miss");
    assert_ne!(anew.token(), theirs.token());
    assert_eq!(anew.json()["identityId"], theirs.json()["identityId"]);
    // With a key too, and the one before it.
    for (key, source) in [(KEY, "miss"), (OLDER_KEY, "hit")] {
        assert_eq!(vend(&world, key, "app:tenant-7:bob").await.source(), source);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_acts_for_those_users_alone_whom_its_patterns_name() {
    let world = World::with(&overlay()).await;
    let service = service(&world);
    for (bearer, user) in [
        (&*service, "web:alice"),
        (&service, "alice"),
        (&service, "xapp:alice"),
        (&service, "App:alice"),
        (&service, "app:"),
        (&service, "guest2"),
        (KEY, "app:alice"),
        (KEY, "app:tenant-7"),
        (KEY, "app:tenant-71:bob"),
        (KEY, "app:tenant-7:"),
    ] {
        vend(&world, bearer, user).await.is_problem(403, "user-forbidden");
        send(&world, Method::DELETE, bearer, json!({"user": user})).await.is_problem(403, "user-forbidden");
    }
    for odd in [
        "",
        "app:undefined",
        "app:null",
        "app: alice",
        "app:alice ",
        "app:a\nb",
        "app:a\u{0}",
        &"app:x".repeat(300),
    ] {
        vend(&world, &service, odd).await.is_problem(400, "invalid-request");
    }
    for body in [json!({"user": 7}), json!({"user": ["app:alice"]}), json!({"user": "app:a", "tags": {}})] {
        send(&world, Method::POST, &service, body).await.is_problem(400, "invalid-request");
    }
    let twice = world.client.post(world.url("/v1/token")).bearer_auth(&service);
    let twice = twice.header("content-type", "application/json").body(r#"{"user":"app:a","user":"app:b"}"#);
    Answer::of(twice.send().await.unwrap()).await.is_problem(400, "invalid-request");
    assert_eq!(world.calls().await, 0);
    assert_eq!(
        world.metric("tokenvend_authorization_decisions_total{outcome=\"act_as_denied\"}").await,
        20.0
    );
    assert_eq!(vend(&world, &service, "guest").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_names_nobody_and_a_service_always_somebody() {
    let world = World::with(&format!("{}\n[pools.main.credentials]\nenabled = true", overlay())).await;
    let (user, service) = (world.bearer("alice"), service(&world));
    for named in ["app:alice", "app:bob"] {
        vend(&world, &user, named).await.is_problem(403, "service-caller-required");
    }
    // With another scope, or one that begins alike, it is a user's.
    for scope in ["openid", "tokens:vend-for-users2", "TOKENS:VEND-FOR-USERS"] {
        let mut claims = world.demo.claims("alice", world.clock.now());
        claims["scope"] = json!(scope);
        vend(&world, &world.demo.sign(&claims), "app:bob").await.is_problem(403, "service-caller-required");
    }
    // What a user's sign-out is about stands nowhere in the request.
    send(&world, Method::DELETE, &user, json!({"user": "app:bob"})).await.is_problem(400, "invalid-request");
    for bearer in [&*service, KEY] {
        for body in [json!({}), json!({"user": null}), json!({"pool": "main"})] {
            send(&world, Method::POST, bearer, body).await.is_problem(400, "user-required");
        }
        send(&world, Method::DELETE, bearer, json!({})).await.is_problem(400, "user-required");
        let bare = |method, path| world.client.request(method, world.url(path)).bearer_auth(bearer).send();
        let answer = async |method, path| Answer::of(bare(method, path).await.unwrap()).await;
        answer(Method::POST, "/v1/token").await.is_problem(400, "user-required");
        answer(Method::DELETE, "/v1/token").await.is_problem(400, "user-required");
        answer(Method::GET, "/v1/token").await.is_problem(403, "user-caller-required");
        answer(Method::GET, "/v1/credentials").await.is_problem(403, "user-caller-required");
        answer(Method::POST, "/v1/identity/link").await.is_problem(403, "user-caller-required");
    }
    assert_eq!((world.calls().await, world.credentials_calls().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_counts_whole_long_and_alone() {
    let world = World::with(&overlay()).await;
    let (cut, longer, changed) = (&KEY[..KEY.len() - 1], format!("{KEY}x"), KEY.replace("tvk_0", "tvk_1"));
    // The last: whoever knows the configuration, and whoever set a key that anybody could guess.
    for key in [cut, &longer, &changed, &KEY.to_lowercase(), &hex(KEY), SHORT_KEY] {
        vend(&world, key, "app:tenant-7:bob").await.is_problem(401, "unauthorized");
    }
    let twice = world.client.post(world.url("/v1/token")).bearer_auth(KEY).bearer_auth(KEY);
    Answer::of(twice.send().await.unwrap()).await.is_problem(401, "unauthorized");
    assert_eq!(world.calls().await, 0);
    assert_eq!(vend(&world, KEY, "app:tenant-7:bob").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_has_the_rights_and_tags_of_its_own_claims() {
    let rules = r#"
        [pools.second.allow.backends]
        auth = ["billing"]
        [pools.main.tags]
        team = "{team}"
    "#;
    let world = World::with(&format!("{}{rules}", overlay())).await;
    let second = |user: &str| json!({"user": user, "pool": "second"});
    let refused = send(&world, Method::POST, &service(&world), second("app:alice")).await;
    refused.is_problem(403, "pool-forbidden");
    assert_eq!(send(&world, Method::POST, KEY, second("app:tenant-7:bob")).await.source(), "miss");
    let mut claims = world.demo.claims("backend", world.clock.now());
    claims["scope"] = json!("tokens:vend-for-users");
    claims["team"] = json!("red");
    let tagged = vend(&world, &world.demo.sign(&claims), "app:alice").await;
    let tags = &claims_of(&tagged.token())["https://aws.amazon.com/tags"]["principal_tags"];
    assert_eq!(tags["team"], json!(["red"]));
    // The user's own are the user's own.
    let mut claims = world.demo.claims("alice", world.clock.now());
    claims["team"] = json!("blue");
    let own = world.vend_bearer(&world.demo.sign(&claims)).await;
    assert_eq!(own.source(), "miss");
    let tags = &claims_of(&own.token())["https://aws.amazon.com/tags"]["principal_tags"];
    assert_eq!(tags["team"], json!(["blue"]));
    let again = vend(&world, KEY, "app:tenant-7:bob").await;
    assert_eq!(claims_of(&again.token()).get("https://aws.amazon.com/tags"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_uses_up_the_allowance_of_the_user_for_whom_it_comes_and_has_none_of_its_own() {
    let world =
        World::with(&format!("limits.per_user = {{ rate = \"1/m\", burst = 2 }}\n{}", overlay())).await;
    let service = service(&world);
    assert_eq!(vend(&world, &service, "app:alice").await.source(), "miss");
    assert_eq!(world.vend("alice").await.source(), "hit");
    vend(&world, &service, "app:alice").await.is_problem(429, "rate-limited");
    send(&world, Method::DELETE, &service, json!({"user": "app:alice"}))
        .await
        .is_problem(429, "rate-limited");
    world.vend("alice").await.is_problem(429, "rate-limited");
    for user in 0..5 {
        assert_eq!(vend(&world, &service, &format!("app:{user}")).await.source(), "miss");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_called_by_their_pseudonyms_whoever_comes_for_them() {
    let key = "users.pseudonym_key = \"0123456789abcdef0123456789abcdef\"";
    let world = World::with(&format!("{key}\n{}", overlay())).await;
    let theirs = vend(&world, &service(&world), "app:alice").await;
    assert!(!claims_of(&theirs.token())["amr"].to_string().contains("alice"));
    assert_eq!(world.vend("alice").await.token(), theirs.token());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_trail_tells_which_service_acted_for_which_user() {
    let trail = Trail::new();
    let world = World::with(&format!("{}{}", trail.overlay(), overlay())).await;
    let service = service(&world);
    vend(&world, &service, "app:alice").await;
    vend(&world, KEY, "app:tenant-7:bob").await;
    vend(&world, KEY, "app:mallory").await.is_problem(403, "user-forbidden");
    send(&world, Method::DELETE, &service, json!({"user": "app:alice"})).await;
    world.vend("alice").await;
    let told: Vec<Value> = trail
        .events(5)
        .await
        .iter()
        .map(|event| {
            json!([
                event["action"],
                event["outcome"],
                event["authenticator"],
                event["service"],
                event["user"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["vend-token", "success", "app", "app:backend", "app:alice"]),
            json!(["vend-token", "success", "billing", "billing", "app:tenant-7:bob"]),
            json!(["vend-token", "denied", "billing", "billing", null]),
            json!(["sign-out", "success", "app", "app:backend", "app:alice"]),
            json!(["vend-token", "success", "app", null, "app:alice"]),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_and_a_gateway_may_be_known_by_their_certificates() {
    let (ca, clients) = (Authority::new("ca"), Authority::new("clients"));
    let files = Files::of(&ca.server(90));
    let world = World::with(&format!(
        r#"{}
        auth.app.user_id = "app:{{sub}}"
        [auth.mesh]
        kind = "client_certificate"
        issuer = "https://app.example"
        certificates = ["URI:spiffe://example/billing"]
        act_as = {{ users = ["app:*"] }}
        [auth.edge]
        kind = "gateway"
        issuer = "https://app.example"
        user_id = "app:{{sub}}"
        trusted_peers = ["127.0.0.1"]
        certificates = ["URI:spiffe://example/edge"]
        claims = {{ sub = "x-auth-request-user" }}
        "#,
        files.mutual(&clients)
    ))
    .await;
    let holding = |serial: u64, uris: &[&str]| {
        ca.believer().identity(clients.client_at(uris, serial).identity()).build().unwrap()
    };
    let post = async |client: &reqwest::Client, body: &str, header: (&str, &str)| {
        let request = client.post(format!("https://{}/v1/token", world.app.public_address()));
        let request = request.header("content-type", "application/json").header(header.0, header.1);
        Answer::of(request.body(body.to_owned()).send().await.unwrap()).await
    };
    let nothing = ("x-nothing", "x");
    let billing = holding(1, &["spiffe://example/billing"]);
    let alice = post(&billing, r#"{"user": "app:alice"}"#, nothing).await;
    assert_eq!(alice.source(), "miss");
    post(&billing, r#"{"user": "web:alice"}"#, nothing).await.is_problem(403, "user-forbidden");
    post(&billing, "{}", nothing).await.is_problem(400, "user-required");
    // Another certificate of the same CA is let in, as nobody in particular.
    let other = holding(2, &["spiffe://example/billing2"]);
    post(&other, r#"{"user": "app:alice"}"#, nothing).await.is_problem(401, "unauthorized");
    let user = ("x-auth-request-user", "alice");
    post(&other, "{}", user).await.is_problem(403, "untrusted-peer");
    let edge = holding(3, &["spiffe://example/edge"]);
    let same = post(&edge, "{}", user).await;
    assert_eq!((same.source(), same.token()), ("hit", alice.token()));
    post(&edge, r#"{"user": "app:bob"}"#, user).await.is_problem(403, "service-caller-required");
    post(&edge, r#"{"user": "app:bob"}"#, nothing).await.is_problem(401, "unauthorized");
    // A gateway's that bears a service's name as well: whoever comes through it writes the body.
    let both = holding(4, &["spiffe://example/billing", "spiffe://example/edge"]);
    post(&both, r#"{"user": "app:bob"}"#, nothing).await.is_problem(401, "unauthorized");
    assert_eq!(post(&both, "{}", user).await.source(), "hit");
    assert_eq!(world.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_command_makes_is_one() {
    let made = Command::new(env!("CARGO_BIN_EXE_tokenvend")).arg("generate-key").output().unwrap();
    let (key, line) = (String::from_utf8(made.stdout).unwrap(), String::from_utf8(made.stderr).unwrap());
    let key = key.trim();
    assert!(key.starts_with("tvk_") && key.len() == 47, "{key}");
    assert_eq!(line.trim(), format!("key_sha256 = [\"{}\"]", hex(key)));
    let world = World::with(&format!(
        "auth.app.user_id = \"app:{{sub}}\"\n[auth.billing]\nkind = \"static_key\"\n\
         issuer = \"https://app.example\"\nact_as = {{ users = [\"app:*\"] }}\n{line}"
    ))
    .await;
    assert_eq!(vend(&world, key, "app:alice").await.source(), "miss");
}
