//! Authorization of a verified caller: pools, principal tags, the end of the session, and the user id.

use clock::Clock as _;
use serde_json::{Value, json};

use crate::support::{ApiResponse, TestApp, claims_of};

/// Vends for a caller whose credential has these claims in addition.
async fn vend(app: &TestApp, more: Value, body: Value) -> ApiResponse {
    let mut claims = app.demo.claims("alice", app.clock.now());
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let request = app.client.post(app.url("/v1/token")).bearer_auth(app.demo.sign(&claims));
    let request = request.header("content-type", "application/json").body(body.to_string());
    ApiResponse::to(request).await
}

fn tags_of(answer: &ApiResponse) -> Value {
    claims_of(&answer.token())["https://aws.amazon.com/tags"]["principal_tags"].clone()
}

const TAGS: &str = r#"
    [pools.main.tags]
    team = "{team}"
    stage = "prod"
    path = "{org}/{/profile/department}"
    groups = "{groups}"
    tenant = { value = "{tenant}", required = true }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn principal_tags_come_from_the_callers_claims_and_are_in_the_token() {
    let app = TestApp::with(TAGS).await;
    let claims = json!({
        "team": "red", "org": "acme", "profile": {"department": 7}, "groups": ["ops", "dev"], "tenant": "t1",
    });
    let answer = vend(&app, claims.clone(), json!({})).await;
    assert_eq!(answer.source(), "miss");
    let tags = json!({
        "team": ["red"], "stage": ["prod"], "path": ["acme/7"], "groups": [":dev:ops:"], "tenant": ["t1"],
    });
    assert_eq!(tags_of(&answer), tags);
    assert_eq!(vend(&app, claims, json!({})).await.source(), "hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_with_other_tags_is_another_token() {
    let app = TestApp::with(TAGS).await;
    let red = vend(&app, json!({"tenant": "t1", "team": "red"}), json!({})).await;
    let blue = vend(&app, json!({"tenant": "t1", "team": "blue"}), json!({})).await;
    assert_eq!((red.source(), blue.source()), ("miss", "miss"));
    assert_eq!(red.json()["identityId"], blue.json()["identityId"]);
    let again = vend(&app, json!({"tenant": "t1", "team": "red"}), json!({})).await;
    assert_eq!((again.source(), again.token()), ("hit", red.token()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_without_the_claims_for_the_tags_is_refused_without_a_call() {
    let app = TestApp::with(TAGS).await;
    for (claims, tag) in [
        (json!({}), "tenant"),
        (json!({"tenant": null}), "tenant"),
        (json!({"tenant": "t1", "team": "red,blue"}), "team"),
        (json!({"tenant": "t1", "team": {"name": "red"}}), "team"),
        (json!({"tenant": "t1", "team": "x".repeat(257)}), "team"),
        (json!({"tenant": "t1", "groups": ["ops:admin"]}), "groups"),
        (json!({"tenant": "t1", "org": "acme/admin", "profile": {"department": "x"}}), "path"),
    ] {
        let answer = vend(&app, claims.clone(), json!({})).await;
        answer.is_problem(403, "invalid-principal-tags");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(tag) && !detail.contains("blue"), "{claims}: {detail}");
    }
    assert_eq!(app.calls().await, 0);
    assert_eq!(app.metric("tokenvend_authorization_decisions_total{outcome=\"invalid_tags\"}").await, 7.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_a_request_can_set_a_tag() {
    let app = TestApp::with(TAGS).await;
    for body in [json!({"tags": {"team": "admin"}}), json!({"team": "admin"}), json!({"principalTags": {}})] {
        vend(&app, json!({"tenant": "t1"}), body).await.is_problem(400, "invalid-request");
    }
    let query = app.client.post(app.url("/v1/token?team=admin")).bearer_auth(app.bearer("alice"));
    ApiResponse::to(query).await.is_problem(400, "invalid-request");
}

const ACCESS: &str = r#"
    [pools.second.allow.staff]
    auth = ["app"]
    scope = ["tokens:vend"]
    claims = { "/org/groups" = ["staff", "ops"] }
    [pools.second.allow.machines]
    audience = ["machines"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_with_an_access_policy_is_open_only_to_callers_that_match_a_rule() {
    let app = TestApp::with(ACCESS).await;
    let second = || json!({"pool": "second"});
    let staff = json!({"scope": "openid tokens:vend", "org": {"groups": ["dev", "ops"]}});
    assert_eq!(vend(&app, staff, second()).await.source(), "miss");
    let machine = json!({"aud": ["tokenvend", "machines"]});
    assert_eq!(vend(&app, machine, second()).await.source(), "hit");
    let calls = app.calls().await;
    for denied in [
        json!({}),
        json!({"scope": "openid", "org": {"groups": ["ops"]}}),
        json!({"scope": "tokens:vend", "org": {"groups": ["operators"]}}),
        json!({"scope": "tokens:vend", "groups": ["ops"]}),
        json!({"scope": "tokens:vendor", "org": {"groups": ["ops"]}}),
    ] {
        // Although the cache has the user's token for that pool.
        vend(&app, denied, second()).await.is_problem(403, "pool-forbidden");
    }
    assert_eq!(app.calls().await, calls);
    assert_eq!(vend(&app, json!({}), json!({})).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_mode_allows_and_counts_callers_that_enforce_mode_would_deny() {
    let app = TestApp::with(&format!("pools.second.access.mode = \"audit\"\n{ACCESS}")).await;
    assert_eq!(vend(&app, json!({}), json!({"pool": "second"})).await.source(), "miss");
    assert_eq!(app.metric("tokenvend_authorization_decisions_total{outcome=\"would_deny\"}").await, 1.0);
    assert_eq!(app.metric("tokenvend_authorization_decisions_total{outcome=\"denied\"}").await, 0.0);
}

const WITH_SESSION: &str = "pools.main.bind_to_session = true";

/// The claims of a session that ends in this many seconds.
fn session(app: &TestApp, seconds: i64) -> Value {
    json!({"exp": app.clock.now().as_secs() + seconds})
}

fn ends_at(answer: &ApiResponse) -> i64 {
    claims_of(&answer.token())["exp"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_ends_with_the_session_that_it_was_vended_for() {
    let app = TestApp::with(WITH_SESSION).await;
    let short = session(&app, 700);
    let end = short["exp"].as_i64().unwrap();
    let first = vend(&app, short.clone(), json!({})).await;
    assert_eq!((first.source(), ends_at(&first)), ("miss", end));
    assert_eq!(first.json()["expiresIn"], 700);
    // The same session hits the entry later on, without a background refresh.
    for _ in 0..7 {
        app.advance(50);
        let again = vend(&app, short.clone(), json!({})).await;
        assert_eq!((again.source(), again.token()), ("hit", first.token()));
    }
    assert_eq!(app.calls().await, 1);
    // 350 seconds are left, soon less than the skew allowance: no token of this session would last long enough.
    app.advance(60);
    let refused = vend(&app, short, json!({})).await;
    refused.is_problem(401, "session-expiring");
    assert!(refused.header("www-authenticate").contains("invalid_token"), "{refused:?}");
    assert_eq!(app.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_longer_session_of_the_same_user_does_not_lengthen_a_short_one() {
    let app = TestApp::with(WITH_SESSION).await;
    let (long, short) = (session(&app, 36_000), session(&app, 600));
    let whole = vend(&app, long.clone(), json!({})).await;
    assert_eq!((whole.source(), whole.json()["expiresIn"].clone()), ("miss", json!(900)));
    let cut = vend(&app, short.clone(), json!({})).await;
    assert_eq!((cut.source(), cut.json()["expiresIn"].clone()), ("miss", json!(600)));
    assert_eq!(cut.json()["identityId"], whole.json()["identityId"]);
    assert_eq!(vend(&app, long, json!({})).await.token(), whole.token());
    assert_eq!(vend(&app, short, json!({})).await.token(), cut.token());
    // A session that ends after the cached token gets it, although a new one would outlive the session.
    app.advance(100);
    let in_time = vend(&app, session(&app, 850), json!({})).await;
    assert_eq!((in_time.source(), in_time.token()), ("hit", whole.token()));
    assert_eq!(app.calls().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_min_ttl_above_the_remaining_session_is_rejected() {
    let app = TestApp::with(WITH_SESSION).await;
    let short = session(&app, 600);
    let refused = vend(&app, short.clone(), json!({"minTtl": 601})).await;
    refused.is_problem(422, "min-ttl-too-long");
    assert!(refused.json()["detail"].as_str().unwrap().contains("600"), "{refused:?}");
    assert_eq!(vend(&app, short.clone(), json!({"minTtl": 600})).await.source(), "miss");
    // A new token on demand is bound to the session as well, and ends no later.
    assert_eq!(vend(&app, short.clone(), json!({"refresh": true})).await.source(), "hit");
    app.advance(31);
    let renewed = vend(&app, short, json!({"refresh": true})).await;
    assert_eq!((renewed.source(), renewed.json()["expiresIn"].clone()), ("miss", json!(569)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_cognito_fails_an_earlier_token_that_ends_in_time_is_served_for_a_bound_session() {
    let app = TestApp::with(WITH_SESSION).await;
    let whole = vend(&app, session(&app, 36_000), json!({})).await;
    app.advance(700);
    app.faults(json!({"dropRate": 1.0})).await;
    let stale = vend(&app, session(&app, 500), json!({})).await;
    assert_eq!((stale.source(), stale.token()), ("stale", whole.token()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_two_issuers_differ_by_the_user_id_template() {
    let app = TestApp::with(
        r#"
        auth.app.user_id = "{iss}|{sub}"
        [auth.web]
        issuer = "https://web.example"
        user_id = "{iss}|{sub}"
        audience = ["tokenvend"]
        algorithms = ["ES256"]
        jwks_url = "DEMO_IDP/jwks.json"
        "#,
    )
    .await;
    let by_app = vend(&app, json!({}), json!({})).await;
    let web = vend(&app, json!({"iss": "https://web.example"}), json!({})).await;
    assert_ne!(by_app.json()["identityId"], web.json()["identityId"]);
    let names = |answer: &ApiResponse| claims_of(&answer.token())["amr"][2].as_str().unwrap().to_owned();
    assert!(names(&by_app).ends_with(":https://app.example|alice"), "{}", names(&by_app));
    assert!(names(&web).ends_with(":https://web.example|alice"), "{}", names(&web));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_pseudonym_key_the_token_has_no_user_id_and_the_identity_is_stable() {
    let app =
        TestApp::with("auth.app.user_id = \"{email}\"\nusers.pseudonym_key = \"0123456789abcdef0123456789abcdef\"")
            .await;
    let email = || json!({"email": "alice@example.com"});
    let first = vend(&app, email(), json!({})).await;
    let amr = claims_of(&first.token())["amr"].to_string();
    assert!(amr.contains(":hBJA0qW2ZUs64h_ESZ23t4Zwd83WfD4WzvH5hD4n0fo") && !amr.contains("alice"), "{amr}");
    app.advance(31);
    let second = vend(&app, email(), json!({"refresh": true})).await;
    assert_eq!(second.json()["identityId"], first.json()["identityId"]);
    let other = vend(&app, json!({"email": "bob@example.com"}), json!({})).await;
    assert_ne!(other.json()["identityId"], first.json()["identityId"]);
}
