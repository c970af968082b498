//! Who gets in, and who does not. Whoever does not costs no call to Cognito.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{Answer, World, jwks_of, new_key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_app_has_just_published_is_fetched_at_once_but_made_up_ones_cost_no_storm() {
    let world = World::start().await;
    assert_eq!(world.vend("alice").await.source(), "miss");
    assert_eq!(world.demo.fetches(), 1);
    world.advance(30);
    *world.demo.kid.lock().unwrap() = "two".to_owned();
    world.demo.publish(jwks_of(&world.demo.key, "two"));
    assert_eq!(world.vend("bob").await.source(), "miss");
    assert_eq!(world.demo.fetches(), 2);

    *world.demo.kid.lock().unwrap() = "made-up".to_owned();
    for n in 0..50 {
        world.vend(&format!("user-{n}")).await.is_problem(401, "unauthorized");
    }
    assert_eq!(world.demo.fetches(), 2, "not within the least interval");
    world.advance(10);
    for n in 0..50 {
        world.vend(&format!("user-{n}")).await.is_problem(401, "unauthorized");
    }
    assert_eq!(world.demo.fetches(), 3);
    // A key that cannot be looked up is no reason to send its user away for good.
    world.demo.set_broken(true);
    world.advance(10);
    world.vend("alice").await.is_problem(503, "auth-unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_stay_in_use_while_the_app_cannot_be_reached() {
    let world = World::start().await;
    world.demo.set_broken(true);
    world.advance(600);
    world.until_metric("tokenvend_jwks_fetches_total{outcome=\"failed\"}", 1.0).await;
    assert_eq!(world.vend("alice").await.source(), "miss");
    assert_eq!(world.metric("tokenvend_jwks_age_seconds").await, 600.0);
    let ready = world.client.get(world.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_from_the_start_nobody_is_refused_for_good_and_the_service_is_not_ready() {
    let world = World::with("auth.app.jwks_url = \"http://127.0.0.1:1/jwks.json\"").await;
    let answer = world.vend("alice").await;
    answer.is_problem(503, "auth-unavailable");
    let ready = Answer::of(world.client.get(world.url("/readyz")).send().await.unwrap()).await;
    ready.is_problem(503, "not-ready");
    assert!(ready.text.contains("signing keys"), "{ready:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_secret_and_a_pem_file_judge_too() {
    let secret = "0123456789abcdef0123456789abcdef";
    let overlay = format!(
        "auth.app.user_id = \"app:{{sub}}\"\n[auth.backend]\nissuer = \"https://backend.example\"\n\
         user_id = \"backend:{{sub}}\"\naudience = [\"tokenvend\"]\n\
         algorithms = [\"HS256\"]\nsecret = \"{secret}\"\n"
    );
    let world = World::with(&overlay).await;
    let mut claims = world.demo.claims("alice", clock::Clock::now(&*world.clock));
    claims["iss"] = json!("https://backend.example");
    let key = EncodingKey::from_secret(secret.as_bytes());
    let bearer = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    let theirs = world.vend_bearer(&bearer).await;
    assert_eq!(theirs.source(), "miss");
    let ours = world.vend("alice").await;
    assert_eq!(ours.source(), "miss", "another issuer's alice is somebody else");
    assert_ne!(ours.json()["identityId"], theirs.json()["identityId"]);
    // The other issuer's key does not open this one's door, nor the other way round.
    let bearer = world.demo.sign(&claims);
    world.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
    claims["iss"] = json!("https://app.example");
    let bearer = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    world.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_bearer_is_remembered_until_its_end_or_its_ways_ceiling_and_then_verified_anew() {
    let world = World::with("auth.app.cache_ttl = \"60s\"").await;
    let bearer = world.bearer("alice");
    assert_eq!(world.vend_bearer(&bearer).await.source(), "miss");
    assert_eq!(world.metric("tokenvend_auth_cache_entries").await, 1.0);
    // The app withdraws the key. What was verified before counts for a while; what was not does not.
    let other = world.bearer("bob");
    world.demo.publish(jwks_of(&new_key(), "two"));
    world.advance(601);
    world.until_metric("tokenvend_jwks_fetches_total{outcome=\"fetched\"}", 2.0).await;
    world.vend_bearer(&other).await.is_problem(401, "unauthorized");
    world.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remembered_bearer_ends_when_it_ends() {
    let world = World::with("auth.app.leeway = \"0s\"").await;
    let mut claims = world.demo.claims("alice", clock::Clock::now(&*world.clock));
    claims["exp"] = json!(claims["iat"].as_i64().unwrap() + 20);
    let bearer = world.demo.sign(&claims);
    assert_eq!(world.vend_bearer(&bearer).await.source(), "miss");
    world.advance(19);
    assert_eq!(world.vend_bearer(&bearer).await.source(), "hit");
    world.advance(1);
    world.vend_bearer(&bearer).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bearer_that_differs_in_one_letter_is_not_the_one_that_is_remembered() {
    let world = World::start().await;
    let bearer = world.bearer("alice");
    assert_eq!(world.vend_bearer(&bearer).await.source(), "miss");
    // Every letter of the signature once: the last one in its unused bits too.
    let start = bearer.rfind('.').unwrap() + 1;
    for at in start..bearer.len() {
        let mut forged = bearer.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        world.vend_bearer(&forged).await.is_problem(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_without_the_scopes_and_claims_that_its_way_demands_is_forbidden() {
    let world = World::with(
        "auth.app.require.scope = [\"tokens:vend\"]\nauth.app.require.claims = { azp = [\"mobile\"] }",
    )
    .await;
    let vend = async |more: Value| {
        let mut claims = world.demo.claims("alice", clock::Clock::now(&*world.clock));
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.vend_bearer(&world.demo.sign(&claims)).await
    };
    for lacking in [
        json!({}),
        json!({"scope": "tokens:vend"}),
        json!({"azp": "mobile"}),
        json!({"scope": "tokens", "azp": "mobile"}),
        json!({"scope": "tokens:vend", "azp": "mobile2"}),
    ] {
        let answer = vend(lacking).await;
        answer.is_problem(403, "insufficient-credential");
        assert!(answer.header("www-authenticate").contains("insufficient_scope"), "{answer:?}");
    }
    assert_eq!(world.calls().await, 0);
    assert_eq!(vend(json!({"scope": "a tokens:vend", "azp": "mobile"})).await.source(), "miss");
}
