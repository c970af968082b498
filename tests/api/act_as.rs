//! Services that act as users: which caller is a service, as which users it may act, and what the audit trail records.

use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use clock::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::audit::AuditFile;
use crate::support::{ApiResponse, TestApp, claims_of};
use crate::tls::authority::{CertificateAuthority, Files};

const KEY: &str = "tvk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const OLDER_KEY: &str = "tvk_older_0123456789abcdefghijklmnopqrstuvwxyz";
const SHORT_KEY: &str = "hunter2";

fn hex(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The issuer's tokens are users', or with a scope a service's. A second service has a static key.
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

/// The JWT of a service.
fn service(app: &TestApp) -> String {
    let mut claims = app.demo.claims("backend", app.clock.now());
    claims["scope"] = json!("openid tokens:vend-for-users");
    app.demo.sign(&claims)
}

async fn send(app: &TestApp, method: Method, bearer: &str, body: Value) -> ApiResponse {
    let request = app.client.request(method, app.url("/v1/token")).bearer_auth(bearer);
    let request = request.header("content-type", "application/json").body(body.to_string());
    ApiResponse::to(request).await
}

async fn vend(app: &TestApp, bearer: &str, user: &str) -> ApiResponse {
    send(app, Method::POST, bearer, json!({"user": user})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_gets_the_same_token_as_its_user() {
    let app = TestApp::with(&overlay()).await;
    let service = service(&app);
    let theirs = vend(&app, &service, "app:alice").await;
    assert_eq!(theirs.source(), "miss");
    assert!(claims_of(&theirs.token())["amr"][2].as_str().unwrap().ends_with(":app:alice"));
    let own = app.vend("alice").await;
    assert_eq!((own.source(), own.token()), ("hit", theirs.token()));
    // A service also signs the user out.
    assert_eq!(send(&app, Method::DELETE, &service, json!({"user": "app:alice"})).await.status, 204);
    app.advance(31);
    let anew = app.vend("alice").await;
    assert_eq!(anew.source(), "miss");
    assert_ne!(anew.token(), theirs.token());
    assert_eq!(anew.json()["identityId"], theirs.json()["identityId"]);
    // By a static key, the current one and the previous one.
    for (key, source) in [(KEY, "miss"), (OLDER_KEY, "hit")] {
        assert_eq!(vend(&app, key, "app:tenant-7:bob").await.source(), source);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_acts_only_as_users_that_match_its_patterns() {
    let app = TestApp::with(&overlay()).await;
    let service = service(&app);
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
        vend(&app, bearer, user).await.is_problem(403, "user-forbidden");
        send(&app, Method::DELETE, bearer, json!({"user": user})).await.is_problem(403, "user-forbidden");
    }
    for odd in
        ["", "app:undefined", "app:null", "app: alice", "app:alice ", "app:a\nb", "app:a\u{0}", &"app:x".repeat(300)]
    {
        vend(&app, &service, odd).await.is_problem(400, "invalid-request");
    }
    for body in [json!({"user": 7}), json!({"user": ["app:alice"]}), json!({"user": "app:a", "tags": {}})] {
        send(&app, Method::POST, &service, body).await.is_problem(400, "invalid-request");
    }
    let twice = app.client.post(app.url("/v1/token")).bearer_auth(&service);
    let twice = twice.header("content-type", "application/json").body(r#"{"user":"app:a","user":"app:b"}"#);
    ApiResponse::to(twice).await.is_problem(400, "invalid-request");
    assert_eq!(app.calls().await, 0);
    assert_eq!(app.metric("tokenvend_authorization_decisions_total{outcome=\"act_as_denied\"}").await, 20.0);
    assert_eq!(vend(&app, &service, "guest").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_may_not_name_a_user_and_a_service_must() {
    let app = TestApp::with(&format!("{}\n[pools.main.credentials]\nenabled = true", overlay())).await;
    let (user, service) = (app.bearer("alice"), service(&app));
    for named in ["app:alice", "app:bob"] {
        vend(&app, &user, named).await.is_problem(403, "service-caller-required");
    }
    // With another scope, or one with the same prefix, the caller is a user.
    for scope in ["openid", "tokens:vend-for-users2", "TOKENS:VEND-FOR-USERS"] {
        let mut claims = app.demo.claims("alice", app.clock.now());
        claims["scope"] = json!(scope);
        vend(&app, &app.demo.sign(&claims), "app:bob").await.is_problem(403, "service-caller-required");
    }
    // A user's sign-out takes nothing from the request.
    send(&app, Method::DELETE, &user, json!({"user": "app:bob"})).await.is_problem(400, "invalid-request");
    for bearer in [&*service, KEY] {
        for body in [json!({}), json!({"user": null}), json!({"pool": "main"})] {
            send(&app, Method::POST, bearer, body).await.is_problem(400, "user-required");
        }
        send(&app, Method::DELETE, bearer, json!({})).await.is_problem(400, "user-required");
        let bare = |method, path| app.client.request(method, app.url(path)).bearer_auth(bearer);
        let answer = async |method, path| ApiResponse::to(bare(method, path)).await;
        answer(Method::POST, "/v1/token").await.is_problem(400, "user-required");
        answer(Method::DELETE, "/v1/token").await.is_problem(400, "user-required");
        answer(Method::GET, "/v1/token").await.is_problem(403, "user-caller-required");
        answer(Method::GET, "/v1/credentials").await.is_problem(403, "user-caller-required");
        answer(Method::POST, "/v1/identity/link").await.is_problem(403, "user-caller-required");
    }
    assert_eq!((app.calls().await, app.credentials_calls().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_key_is_accepted_only_complete_and_long_enough_and_alone() {
    let app = TestApp::with(&overlay()).await;
    let (cut, longer, changed) = (&KEY[..KEY.len() - 1], format!("{KEY}x"), KEY.replace("tvk_0", "tvk_1"));
    // The last two: the hash in the configuration, and a configured key that is too short.
    for key in [cut, &longer, &changed, &KEY.to_lowercase(), &hex(KEY), SHORT_KEY] {
        vend(&app, key, "app:tenant-7:bob").await.is_problem(401, "unauthorized");
    }
    let twice = app.client.post(app.url("/v1/token")).bearer_auth(KEY).bearer_auth(KEY);
    ApiResponse::to(twice).await.is_problem(401, "unauthorized");
    assert_eq!(app.calls().await, 0);
    assert_eq!(vend(&app, KEY, "app:tenant-7:bob").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_has_the_access_and_tags_of_its_own_claims() {
    let rules = r#"
        [pools.second.allow.backends]
        auth = ["billing"]
        [pools.main.tags]
        team = "{team}"
    "#;
    let app = TestApp::with(&format!("{}{rules}", overlay())).await;
    let second = |user: &str| json!({"user": user, "pool": "second"});
    let refused = send(&app, Method::POST, &service(&app), second("app:alice")).await;
    refused.is_problem(403, "pool-forbidden");
    assert_eq!(send(&app, Method::POST, KEY, second("app:tenant-7:bob")).await.source(), "miss");
    let mut claims = app.demo.claims("backend", app.clock.now());
    claims["scope"] = json!("tokens:vend-for-users");
    claims["team"] = json!("red");
    let tagged = vend(&app, &app.demo.sign(&claims), "app:alice").await;
    let tags = &claims_of(&tagged.token())["https://aws.amazon.com/tags"]["principal_tags"];
    assert_eq!(tags["team"], json!(["red"]));
    // A user's own token has the user's own tags.
    let mut claims = app.demo.claims("alice", app.clock.now());
    claims["team"] = json!("blue");
    let own = app.vend_bearer(&app.demo.sign(&claims)).await;
    assert_eq!(own.source(), "miss");
    let tags = &claims_of(&own.token())["https://aws.amazon.com/tags"]["principal_tags"];
    assert_eq!(tags["team"], json!(["blue"]));
    let again = vend(&app, KEY, "app:tenant-7:bob").await;
    assert_eq!(claims_of(&again.token()).get("https://aws.amazon.com/tags"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_uses_the_rate_limit_of_the_user_it_acts_as_and_has_none_of_its_own() {
    let app = TestApp::with(&format!("limits.per_user = {{ rate = \"1/m\", burst = 2 }}\n{}", overlay())).await;
    let service = service(&app);
    assert_eq!(vend(&app, &service, "app:alice").await.source(), "miss");
    assert_eq!(app.vend("alice").await.source(), "hit");
    vend(&app, &service, "app:alice").await.is_problem(429, "rate-limited");
    send(&app, Method::DELETE, &service, json!({"user": "app:alice"})).await.is_problem(429, "rate-limited");
    app.vend("alice").await.is_problem(429, "rate-limited");
    for user in 0..5 {
        assert_eq!(vend(&app, &service, &format!("app:{user}")).await.source(), "miss");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cognito_gets_pseudonyms_from_users_and_from_services() {
    let key = "users.pseudonym_key = \"0123456789abcdef0123456789abcdef\"";
    let app = TestApp::with(&format!("{key}\n{}", overlay())).await;
    let theirs = vend(&app, &service(&app), "app:alice").await;
    assert!(!claims_of(&theirs.token())["amr"].to_string().contains("alice"));
    assert_eq!(app.vend("alice").await.token(), theirs.token());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_trail_tells_which_service_acted_for_which_user() {
    let trail = AuditFile::new();
    let app = TestApp::with(&format!("{}{}", trail.overlay(), overlay())).await;
    let service = service(&app);
    vend(&app, &service, "app:alice").await;
    vend(&app, KEY, "app:tenant-7:bob").await;
    vend(&app, KEY, "app:mallory").await.is_problem(403, "user-forbidden");
    send(&app, Method::DELETE, &service, json!({"user": "app:alice"})).await;
    app.vend("alice").await;
    let found: Vec<Value> = trail
        .events(5)
        .await
        .iter()
        .map(|event| {
            json!([event["action"], event["outcome"], event["authenticator"], event["service"], event["user"]])
        })
        .collect();
    assert_eq!(
        found,
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
async fn a_service_and_a_gateway_may_authenticate_by_certificate() {
    let (ca, clients) = (CertificateAuthority::new("ca"), CertificateAuthority::new("clients"));
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&format!(
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
        ca.trusting_client().identity(clients.client_at(uris, serial).identity()).build().unwrap()
    };
    let post = async |client: &reqwest::Client, body: &str, header: (&str, &str)| {
        let request = client.post(format!("https://{}/v1/token", app.service.public_address()));
        let request = request.header("content-type", "application/json").header(header.0, header.1);
        ApiResponse::to(request.body(body.to_owned())).await
    };
    let nothing = ("x-nothing", "x");
    let billing = holding(1, &["spiffe://example/billing"]);
    let alice = post(&billing, r#"{"user": "app:alice"}"#, nothing).await;
    assert_eq!(alice.source(), "miss");
    post(&billing, r#"{"user": "web:alice"}"#, nothing).await.is_problem(403, "user-forbidden");
    post(&billing, "{}", nothing).await.is_problem(400, "user-required");
    // Another certificate of the same CA completes the handshake and authenticates no caller.
    let other = holding(2, &["spiffe://example/billing2"]);
    post(&other, r#"{"user": "app:alice"}"#, nothing).await.is_problem(401, "unauthorized");
    let user = ("x-auth-request-user", "alice");
    post(&other, "{}", user).await.is_problem(403, "untrusted-peer");
    let edge = holding(3, &["spiffe://example/edge"]);
    let same = post(&edge, "{}", user).await;
    assert_eq!((same.source(), same.token()), ("hit", alice.token()));
    post(&edge, r#"{"user": "app:bob"}"#, user).await.is_problem(403, "service-caller-required");
    post(&edge, r#"{"user": "app:bob"}"#, nothing).await.is_problem(401, "unauthorized");
    // A gateway's certificate that also has a service's name: the gateway's clients write the body.
    let both = holding(4, &["spiffe://example/billing", "spiffe://example/edge"]);
    post(&both, r#"{"user": "app:bob"}"#, nothing).await.is_problem(401, "unauthorized");
    assert_eq!(post(&both, "{}", user).await.source(), "hit");
    assert_eq!(app.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generate_key_makes_a_valid_key() {
    let made = Command::new(env!("CARGO_BIN_EXE_tokenvend")).arg("generate-key").output().unwrap();
    let (key, line) = (String::from_utf8(made.stdout).unwrap(), String::from_utf8(made.stderr).unwrap());
    let key = key.trim();
    assert!(key.starts_with("tvk_") && key.len() == 47, "{key}");
    assert_eq!(line.trim(), format!("key_sha256 = [\"{}\"]", hex(key)));
    let app = TestApp::with(&format!(
        "auth.app.user_id = \"app:{{sub}}\"\n[auth.billing]\nkind = \"static_key\"\n\
         issuer = \"https://app.example\"\nact_as = {{ users = [\"app:*\"] }}\n{line}"
    ))
    .await;
    assert_eq!(vend(&app, key, "app:alice").await.source(), "miss");
}
