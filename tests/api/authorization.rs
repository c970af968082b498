//! What a verified caller may have: which pool, which tags, until when, and under which name.

use clock::Clock as _;
use serde_json::{Value, json};

use crate::support::{Answer, World, claims_of};

/// A token for a caller whose credential says this as well.
async fn vend(world: &World, more: Value, body: Value) -> Answer {
    let mut claims = world.demo.claims("alice", world.clock.now());
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let request = world.client.post(world.url("/v1/token")).bearer_auth(world.demo.sign(&claims));
    let request = request.header("content-type", "application/json").body(body.to_string());
    Answer::of(request.send().await.unwrap()).await
}

fn tags_of(answer: &Answer) -> Value {
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
async fn principal_tags_come_from_the_callers_claims_and_stand_in_the_token() {
    let world = World::with(TAGS).await;
    let claims = json!({
        "team": "red", "org": "acme", "profile": {"department": 7}, "groups": ["ops", "dev"], "tenant": "t1",
    });
    let answer = vend(&world, claims.clone(), json!({})).await;
    assert_eq!(answer.source(), "miss");
    let tags = json!({
        "team": ["red"], "stage": ["prod"], "path": ["acme/7"], "groups": [":dev:ops:"], "tenant": ["t1"],
    });
    assert_eq!(tags_of(&answer), tags);
    assert_eq!(vend(&world, claims, json!({})).await.source(), "hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_with_other_tags_is_another_token() {
    let world = World::with(TAGS).await;
    let red = vend(&world, json!({"tenant": "t1", "team": "red"}), json!({})).await;
    let blue = vend(&world, json!({"tenant": "t1", "team": "blue"}), json!({})).await;
    assert_eq!((red.source(), blue.source()), ("miss", "miss"));
    assert_eq!(red.json()["identityId"], blue.json()["identityId"]);
    let again = vend(&world, json!({"tenant": "t1", "team": "red"}), json!({})).await;
    assert_eq!((again.source(), again.token()), ("hit", red.token()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_whose_claims_do_not_make_the_tags_is_refused_without_a_call() {
    let world = World::with(TAGS).await;
    for (claims, tag) in [
        (json!({}), "tenant"),
        (json!({"tenant": null}), "tenant"),
        (json!({"tenant": "t1", "team": "red,blue"}), "team"),
        (json!({"tenant": "t1", "team": {"name": "red"}}), "team"),
        (json!({"tenant": "t1", "team": "x".repeat(257)}), "team"),
        (json!({"tenant": "t1", "groups": ["ops:admin"]}), "groups"),
        (json!({"tenant": "t1", "org": "acme/admin", "profile": {"department": "x"}}), "path"),
    ] {
        let answer = vend(&world, claims.clone(), json!({})).await;
        answer.is_problem(403, "invalid-principal-tags");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(tag) && !detail.contains("blue"), "{claims}: {detail}");
    }
    assert_eq!(world.calls().await, 0);
    assert_eq!(world.metric("tokenvend_authorization_decisions_total{outcome=\"invalid_tags\"}").await, 7.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_a_request_can_set_a_tag() {
    let world = World::with(TAGS).await;
    for body in [json!({"tags": {"team": "admin"}}), json!({"team": "admin"}), json!({"principalTags": {}})] {
        vend(&world, json!({"tenant": "t1"}), body).await.is_problem(400, "invalid-request");
    }
    let query = world.client.post(world.url("/v1/token?team=admin")).bearer_auth(world.bearer("alice"));
    Answer::of(query.send().await.unwrap()).await.is_problem(400, "invalid-request");
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
async fn a_pool_with_rules_is_open_to_those_whom_one_describes_and_to_nobody_else() {
    let world = World::with(ACCESS).await;
    let second = || json!({"pool": "second"});
    let staff = json!({"scope": "openid tokens:vend", "org": {"groups": ["dev", "ops"]}});
    assert_eq!(vend(&world, staff, second()).await.source(), "miss");
    let machine = json!({"aud": ["tokenvend", "machines"]});
    assert_eq!(vend(&world, machine, second()).await.source(), "hit");
    let calls = world.calls().await;
    for stranger in [
        json!({}),
        json!({"scope": "openid", "org": {"groups": ["ops"]}}),
        json!({"scope": "tokens:vend", "org": {"groups": ["operators"]}}),
        json!({"scope": "tokens:vend", "groups": ["ops"]}),
        json!({"scope": "tokens:vendor", "org": {"groups": ["ops"]}}),
    ] {
        // Although the user's token for that pool is in the cache.
        vend(&world, stranger, second()).await.is_problem(403, "pool-forbidden");
    }
    assert_eq!(world.calls().await, calls);
    assert_eq!(vend(&world, json!({}), json!({})).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_in_audit_mode_let_through_and_count_whom_they_would_refuse() {
    let world = World::with(&format!("pools.second.access.mode = \"audit\"\n{ACCESS}")).await;
    assert_eq!(vend(&world, json!({}), json!({"pool": "second"})).await.source(), "miss");
    assert_eq!(world.metric("tokenvend_authorization_decisions_total{outcome=\"would_deny\"}").await, 1.0);
    assert_eq!(world.metric("tokenvend_authorization_decisions_total{outcome=\"denied\"}").await, 0.0);
}

const WITH_SESSION: &str = "pools.main.bind_to_session = true";

/// Claims of a session with so many seconds left.
fn session(world: &World, seconds: i64) -> Value {
    json!({"exp": world.clock.now().as_secs() + seconds})
}

fn ends_at(answer: &Answer) -> i64 {
    claims_of(&answer.token())["exp"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_ends_with_the_session_that_it_was_vended_for() {
    let world = World::with(WITH_SESSION).await;
    let short = session(&world, 700);
    let end = short["exp"].as_i64().unwrap();
    let first = vend(&world, short.clone(), json!({})).await;
    assert_eq!((first.source(), ends_at(&first)), ("miss", end));
    assert_eq!(first.json()["expiresIn"], 700);
    // The same session finds it again as time goes by, and nothing is refreshed behind it.
    for _ in 0..7 {
        world.advance(50);
        let again = vend(&world, short.clone(), json!({})).await;
        assert_eq!((again.source(), again.token()), ("hit", first.token()));
    }
    assert_eq!(world.calls().await, 1);
    // 350 seconds are left, soon less than the skew allowance: no token of this session could be of use.
    world.advance(60);
    let refused = vend(&world, short, json!({})).await;
    refused.is_problem(401, "session-expiring");
    assert!(refused.header("www-authenticate").contains("invalid_token"), "{refused:?}");
    assert_eq!(world.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_longer_session_of_the_same_user_does_not_lengthen_a_short_one() {
    let world = World::with(WITH_SESSION).await;
    let (long, short) = (session(&world, 36_000), session(&world, 600));
    let whole = vend(&world, long.clone(), json!({})).await;
    assert_eq!((whole.source(), whole.json()["expiresIn"].clone()), ("miss", json!(900)));
    let cut = vend(&world, short.clone(), json!({})).await;
    assert_eq!((cut.source(), cut.json()["expiresIn"].clone()), ("miss", json!(600)));
    assert_eq!(cut.json()["identityId"], whole.json()["identityId"]);
    assert_eq!(vend(&world, long, json!({})).await.token(), whole.token());
    assert_eq!(vend(&world, short, json!({})).await.token(), cut.token());
    // A session that ends after the whole token can have it, though a new one would outlive it.
    world.advance(100);
    let in_time = vend(&world, session(&world, 850), json!({})).await;
    assert_eq!((in_time.source(), in_time.token()), ("hit", whole.token()));
    assert_eq!(world.calls().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_cannot_be_asked_for_more_life_than_it_has() {
    let world = World::with(WITH_SESSION).await;
    let short = session(&world, 600);
    let refused = vend(&world, short.clone(), json!({"minTtl": 601})).await;
    refused.is_problem(422, "min-ttl-too-long");
    assert!(refused.json()["detail"].as_str().unwrap().contains("600"), "{refused:?}");
    assert_eq!(vend(&world, short.clone(), json!({"minTtl": 600})).await.source(), "miss");
    // A new one on demand, bounded as ever; it ends no later.
    assert_eq!(vend(&world, short.clone(), json!({"refresh": true})).await.source(), "hit");
    world.advance(31);
    let renewed = vend(&world, short, json!({"refresh": true})).await;
    assert_eq!((renewed.source(), renewed.json()["expiresIn"].clone()), ("miss", json!(569)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_cognito_is_gone_an_earlier_token_that_ends_in_time_stands_in_for_a_cut_one() {
    let world = World::with(WITH_SESSION).await;
    let whole = vend(&world, session(&world, 36_000), json!({})).await;
    world.advance(700);
    world.faults(json!({"dropRate": 1.0})).await;
    let stale = vend(&world, session(&world, 500), json!({})).await;
    assert_eq!((stale.source(), stale.token()), ("stale", whole.token()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_two_issuers_are_kept_apart_by_the_template() {
    let world = World::with(
        r#"
        auth.app.user_id = "{iss}|{sub}"
        [auth.web]
        issuer = "https://web.example"
        user_id = "{iss}|{sub}"
        audience = ["tokenvend"]
        algorithms = ["ES256"]
        jwks_url = "DEMO_APP/jwks.json"
        "#,
    )
    .await;
    let app = vend(&world, json!({}), json!({})).await;
    let web = vend(&world, json!({"iss": "https://web.example"}), json!({})).await;
    assert_ne!(app.json()["identityId"], web.json()["identityId"]);
    let names = |answer: &Answer| claims_of(&answer.token())["amr"][2].as_str().unwrap().to_owned();
    assert!(names(&app).ends_with(":https://app.example|alice"), "{}", names(&app));
    assert!(names(&web).ends_with(":https://web.example|alice"), "{}", names(&web));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_pseudonym_key_no_name_stands_in_the_token_and_the_identity_is_stable() {
    let world = World::with(
        "auth.app.user_id = \"{email}\"\nusers.pseudonym_key = \"0123456789abcdef0123456789abcdef\"",
    )
    .await;
    let email = || json!({"email": "alice@example.com"});
    let first = vend(&world, email(), json!({})).await;
    let amr = claims_of(&first.token())["amr"].to_string();
    assert!(amr.contains(":hBJA0qW2ZUs64h_ESZ23t4Zwd83WfD4WzvH5hD4n0fo") && !amr.contains("alice"), "{amr}");
    world.advance(31);
    let second = vend(&world, email(), json!({"refresh": true})).await;
    assert_eq!(second.json()["identityId"], first.json()["identityId"]);
    let other = vend(&world, json!({"email": "bob@example.com"}), json!({})).await;
    assert_ne!(other.json()["identityId"], first.json()["identityId"]);
}
