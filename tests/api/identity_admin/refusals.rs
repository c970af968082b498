//! Refusals of identity administration: the problem, and no effect.

use std::path::Path;

use actix_web::{App, HttpResponse, HttpServer, web};
use cognito_emulator::{DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CREDENTIAL, SWITCHED_ON};
use crate::audit::{AuditFile, to_file};
use crate::support::{ApiResponse, TestApp};

const MISSING: &str = "us-east-1:00000000-0000-4000-8000-00000000dead";

/// Each operation: method, path, body, action in the audit trail.
fn resources() -> [(Method, String, Option<Value>, &'static str); 8] {
    let pool = "/admin/v1/pools/main";
    let identity = format!("{pool}/identities/{MISSING}");
    [
        (Method::GET, format!("{pool}/users/alice"), None, "lookup"),
        (Method::DELETE, format!("{pool}/users/alice/cache"), None, "purge"),
        (Method::POST, format!("{pool}/users/alice/merge"), Some(json!({"into": "bob"})), "merge"),
        (Method::GET, format!("{pool}/identities"), None, "list"),
        (Method::POST, format!("{pool}/identities/delete"), Some(json!({"identityIds": [MISSING]})), "delete"),
        (Method::GET, identity.clone(), None, "describe"),
        (Method::DELETE, identity.clone(), None, "delete"),
        (Method::DELETE, format!("{identity}/users/alice"), None, "unlink"),
    ]
}

impl TestApp {
    async fn try_all(&self, authorization: &str, expected: impl Fn(&ApiResponse, &str)) {
        for (method, path, body, act) in resources() {
            let request = self.client.request(method, self.admin_url(&path));
            let request = match authorization {
                "" => request,
                authorization => request.header("authorization", authorization),
            };
            let request = match body {
                Some(body) => request.header("content-type", "application/json").body(body.to_string()),
                None => request,
            };
            expected(&ApiResponse::to(request).await, act);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_configured_credential_no_operation_is_allowed() {
    let app = TestApp::start().await;
    app.try_all("", |answer, _| {
        answer.is_problem(404, "admin-disabled");
        assert!(answer.json()["detail"].as_str().unwrap().contains("admin.credential"));
    })
    .await;
    assert_eq!(ApiResponse::to(app.client.get(app.admin_url("/metrics"))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_admin_credential_no_operation_is_allowed_and_each_attempt_is_recorded() {
    let trail = AuditFile::new();
    let app = TestApp::switched_on(&trail.overlay()).await;
    let identity = app.identity_of("alice").await;
    app.try_all("Bearer guess", |answer, _| answer.is_problem(401, "unauthorized")).await;
    app.try_all("", |answer, _| answer.is_problem(401, "unauthorized")).await;
    assert_eq!(app.next("alice").await, ("hit".to_owned(), identity));
    assert_eq!(app.metric("tokenvend_admin_authentications_total{outcome=\"wrong\"}").await, 8.0);
    assert_eq!(app.metric("tokenvend_admin_authentications_total{outcome=\"missing\"}").await, 8.0);
    assert_eq!(app.admin_calls("success").await, 0.0);
    let events = trail.events(18).await;
    let found: Vec<_> = events.iter().filter(|event| event["status"] == 401).collect();
    let acts: Vec<_> = found[..8].iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(acts, resources().map(|(.., act)| act));
    for event in found {
        assert_eq!((&event["outcome"], &event["problem"]), (&json!("denied"), &json!("unauthorized")));
        assert!(event.get("authenticator").is_none() && event.get("user").is_none() && event.get("pool").is_none());
        assert!(["wrong", "missing"].contains(&event["reason"].as_str().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_and_mismatched_targets_are_reported_and_recorded() {
    let trail = AuditFile::new();
    let app = TestApp::switched_on(&trail.overlay()).await;
    let alice = app.identity_of("alice").await;
    app.identity_of("bob").await;
    app.administer(Method::GET, "/users/nobody").await.is_problem(404, "unknown-user");
    app.administer(Method::GET, &format!("/identities/{MISSING}")).await.is_problem(404, "unknown-identity");
    app.administer(Method::DELETE, &format!("/identities/{MISSING}")).await.is_problem(404, "unknown-identity");
    app.post("/users/nobody/merge", json!({"into": "bob"})).await.is_problem(404, "unknown-user");
    app.post("/users/alice/merge", json!({"into": "nobody"})).await.is_problem(404, "unknown-user");
    let unlink = |identity: &str, user: &str| format!("/identities/{identity}/users/{user}");
    app.administer(Method::DELETE, &unlink(&alice, "bob")).await.is_problem(409, "identity-mismatch");
    app.administer(Method::DELETE, &unlink(&alice, "nobody")).await.is_problem(404, "unknown-user");
    app.administer(Method::DELETE, &unlink(MISSING, "alice")).await.is_problem(404, "unknown-user");
    let elsewhere = app.admin_url("/admin/v1/pools/nowhere/users/alice");
    let elsewhere = app.client.get(elsewhere).bearer_auth(CREDENTIAL);
    ApiResponse::to(elsewhere).await.is_problem(404, "unknown-pool");
    let refused = trail.events(17).await.iter().filter(|event| event["outcome"] == "denied").count();
    assert_eq!(refused, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reason_against_a_merge_has_its_own_problem() {
    let app = TestApp::switched_on("").await;
    let (alice, bob) = (app.identity_of("alice").await, app.identity_of("bob").await);
    for (user, public) in [("alice", "g-alice"), ("bob", "g-bob")] {
        let call = app.cognito().get_open_id_token_for_developer_identity().identity_pool_id(DEFAULT_POOL);
        let call = call.logins(DEFAULT_DEVELOPER_PROVIDER, user).logins("accounts.google.com", public);
        call.send().await.unwrap();
    }
    app.post("/users/alice/merge", json!({"into": "bob"})).await.is_problem(409, "login-conflict");
    for number in 0..20 {
        app.link(&alice, &format!("alice-{number}")).await;
    }
    app.identity_of("carol").await;
    let too_many = app.post("/users/carol/merge", json!({"into": "alice"})).await;
    too_many.is_problem(422, "merge-rejected");
    assert!(too_many.json()["detail"].as_str().unwrap().contains("20"));
    assert_eq!(app.identity_of("alice").await, alice);
    assert_eq!(app.identity_of("bob").await, bob);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_request_is_refused_before_a_call_to_cognito() {
    let app = TestApp::switched_on("").await;
    let many: Vec<_> = (0..61).map(|n| format!("us-east-1:{n:08x}-0000-4000-8000-000000000000")).collect();
    for (path, body) in [
        ("/users/alice/merge", json!({"into": "alice"})),
        ("/users/alice/merge", json!({"into": ""})),
        ("/users/alice/merge", json!({"into": "a\nb"})),
        ("/users/alice/merge", json!({})),
        ("/users/alice/merge", json!({"into": "bob", "force": true})),
        ("/users/alice/merge?as=me", json!({"into": "bob"})),
        ("/identities/delete", json!({"identityIds": []})),
        ("/identities/delete", json!({"identityIds": many})),
        ("/identities/delete", json!({"identityIds": ["alice"]})),
    ] {
        app.post(path, body.clone()).await.is_problem(400, "invalid-request");
    }
    for path in [
        "/users/alice?maxResults=0",
        "/users/alice?maxResults=61",
        "/users/alice?page=2",
        "/users/a%0Ab",
        "/identities/alice",
        "/identities?maxResults=many",
    ] {
        app.administer(Method::GET, path).await.is_problem(400, "invalid-request");
    }
    let url = app.admin_url("/admin/v1/pools/main/users/alice/merge");
    let untyped = app.client.post(&url).bearer_auth(CREDENTIAL).body("{}");
    ApiResponse::to(untyped).await.is_problem(415, "unsupported-media-type");
    let put = ApiResponse::to(app.client.put(&url).bearer_auth(CREDENTIAL)).await;
    put.is_problem(405, "method-not-allowed");
    assert_eq!(put.header("allow"), "POST");
    for outcome in ["success", "conflict", "rejected"] {
        assert_eq!(app.admin_calls(outcome).await, 0.0, "{outcome}");
    }
    let token = app.administer(Method::GET, "/identities?nextToken=nonsense!").await;
    token.is_problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identity_administration_has_a_rate_limit_of_its_own_that_costs_no_user_a_token() {
    let overlay = "admin.rate_limit.rate = \"1/s\"\nadmin.rate_limit.burst = 2\nadmin.rate_limit.max_wait = \"0s\"\n";
    let app = TestApp::switched_on(overlay).await;
    app.vend("alice").await.source();
    for _ in 0..2 {
        assert_eq!(app.administer(Method::GET, "/users/alice").await.status, 200);
    }
    let refused = app.administer(Method::GET, "/users/alice").await;
    refused.is_problem(429, "rate-limited");
    assert_eq!(refused.header("retry-after"), "1");
    let merge = app.post("/users/alice/merge", json!({"into": "bob"})).await;
    merge.is_problem(429, "rate-limited");
    app.administer(Method::GET, "/identities").await.is_problem(429, "rate-limited");
    assert_eq!(app.administer(Method::DELETE, "/users/alice/cache").await.status, 200, "needs no call");
    for n in 0..20 {
        assert_eq!(app.vend(&format!("user-{n}")).await.source(), "miss");
    }
    for (operation, count) in [
        // A merge looks up both users first.
        ("LookupDeveloperIdentity", 2.0),
        ("ListIdentities", 1.0),
        ("MergeDeveloperIdentities", 0.0),
        ("GetOpenIdTokenForDeveloperIdentity", 0.0),
    ] {
        let series = format!("tokenvend_upstream_rate_limited_total{{operation=\"{operation}\"}}");
        assert_eq!(app.metric(&series).await, count, "{operation}");
    }
    app.advance(1);
    assert_eq!(app.administer(Method::GET, "/users/alice").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_cognito_fails_the_response_says_that_the_outcome_is_unknown_and_the_tokens_are_purged() {
    let app = TestApp::switched_on("").await;
    let identity = app.identity_of("alice").await;
    app.faults(json!({"errorRate": 1.0})).await;
    let unlink = app.administer(Method::DELETE, &format!("/identities/{identity}/users/alice")).await;
    unlink.is_problem(503, "upstream-unavailable");
    assert!(unlink.json()["detail"].as_str().unwrap().contains("may have been done or not"));
    app.faults(json!({"throttleRate": 1.0})).await;
    let throttled = app.administer(Method::GET, "/users/alice").await;
    throttled.is_problem(503, "upstream-unavailable");
    for word in ["Exception", "127.0.0.1", "HTTP"] {
        assert!(!unlink.text.contains(word) && !throttled.text.contains(word), "{word}");
    }
    app.faults(json!({})).await;
    assert_eq!(app.next("alice").await, ("miss".to_owned(), identity));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_named_without_a_text_of_aws() {
    let denied = || async {
        let body = json!({"__type": "AccessDeniedException", "message": "arn:aws:iam::1:role/hush is not authorized"});
        HttpResponse::BadRequest().insert_header(("x-amzn-requestid", "r-1")).body(body.to_string())
    };
    let server = HttpServer::new(move || App::new().default_service(web::to(denied)));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let overlay = format!("upstream.endpoint_url = \"http://{}\"\n", server.addrs()[0]);
    tokio::spawn(server.run());
    let app = TestApp::switched_on(&overlay).await;
    let actions = [
        "LookupDeveloperIdentity",
        "",
        "LookupDeveloperIdentity",
        "ListIdentities",
        "LookupDeveloperIdentity",
        "DescribeIdentity",
        "LookupDeveloperIdentity",
        "UnlinkDeveloperIdentity",
    ];
    let found = std::cell::RefCell::new(Vec::new());
    app.try_all(&format!("Bearer {CREDENTIAL}"), |answer, _| {
        assert!(!answer.text.contains("hush") && !answer.text.contains("AccessDenied"), "{answer:?}");
        let detail = if answer.status == StatusCode::OK {
            String::new()
        } else {
            answer.is_problem(500, "misconfigured");
            answer.json()["detail"].as_str().unwrap().to_owned()
        };
        found.borrow_mut().push(detail);
    })
    .await;
    let policy = include_str!("../../../deploy/iam/policy-identity-administration.json");
    for (detail, action) in found.borrow().iter().zip(actions) {
        assert!(policy.contains(&format!("cognito-identity:{action}")), "{action} is not in the policy to copy");
        assert!(action.is_empty() || detail.contains(&format!("cognito-identity:{action}")), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fail_closed_audit_starts_no_action_that_it_cannot_record() {
    let reject = "audit.on_failure = \"reject\"\n";
    let app = TestApp::switched_on(&format!("{}{reject}", to_file(Path::new("/dev/full")))).await;
    let register = async |user: &str| {
        let call = app.cognito().get_open_id_token_for_developer_identity().identity_pool_id(DEFAULT_POOL);
        let answer = call.logins(DEFAULT_DEVELOPER_PROVIDER, user).send().await.unwrap();
        answer.identity_id.unwrap()
    };
    let (alice, bob) = (register("alice").await, register("bob").await);
    for answer in [
        app.post("/users/alice/merge", json!({"into": "bob"})).await,
        app.administer(Method::DELETE, &format!("/identities/{alice}/users/alice")).await,
        app.administer(Method::DELETE, &format!("/identities/{alice}")).await,
        app.post("/identities/delete", json!({"identityIds": [alice, bob]})).await,
        app.administer(Method::GET, "/users/alice").await,
    ] {
        answer.is_problem(503, "audit-unavailable");
    }
    assert_eq!((register("alice").await, register("bob").await), (alice, bob), "all is as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openapi_document_of_the_admin_listener_lists_every_operation_and_every_problem() {
    let app = TestApp::with(SWITCHED_ON).await;
    let document = app.client.get(app.admin_url("/admin/v1/openapi.json"));
    let document = ApiResponse::to(document).await.json();
    for (method, path, ..) in resources() {
        let pattern = path
            .replace("/pools/main", "/pools/{pool}")
            .replace("/users/alice", "/users/{user}")
            .replace(MISSING, "{identity}");
        let operation = &document["paths"][&pattern][method.as_str().to_lowercase()];
        assert!(operation["operationId"].is_string(), "{method} {pattern}");
        let all = operation["responses"].to_string();
        for name in ["admin-disabled", "unauthorized", "unknown-pool", "audit-unavailable"] {
            assert!(all.contains(&format!("`{name}`")), "{name} of {method} {pattern}");
        }
    }
    let text = document.to_string();
    for name in
        ["unknown-user", "unknown-identity", "identity-mismatch", "login-conflict", "merge-rejected", "rate-limited"]
    {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
    let identity = app.identity_of("alice").await;
    for (schema, answer) in [
        ("User", app.administer(Method::GET, "/users/alice").await),
        ("Identity", app.administer(Method::GET, &format!("/identities/{identity}")).await),
        ("Identities", app.administer(Method::GET, "/identities").await),
        ("Purged", app.administer(Method::DELETE, "/users/alice/cache").await),
        ("Unlinked", app.administer(Method::DELETE, &format!("/identities/{identity}/users/alice")).await),
        ("Deleted", app.post("/identities/delete", json!({"identityIds": [MISSING]})).await),
    ] {
        let required = document["components"]["schemas"][schema]["required"].as_array().unwrap().clone();
        let mut required: Vec<_> = required.iter().map(|name| name.as_str().unwrap()).collect();
        required.sort_unstable();
        let found = answer.json();
        let found: Vec<_> = found.as_object().unwrap().keys().collect();
        assert_eq!(found, required, "{schema}: {answer:?}");
    }
}
