//! Whose token a caller gets.

use std::sync::Arc;

use cognito_types::{DeveloperProvider, DeveloperUserId, IdentityPoolId, PrincipalTags, TokenDuration};
use futures_util::future::join_all;
use proptest::prelude::*;
use reqwest::Method;
use serde_json::json;
use tokenvend::pools::access_policy::AccessPolicy;
use tokenvend::pools::link_policy::LinkPolicy;
use tokenvend::pools::principal_tags::TagRules;
use tokenvend::pools::{Pool, PoolIndex};
use tokenvend::vending::TokenRequest;
use tokenvend::vending::cache_key::CacheKey;

use crate::support::{Answer, SECOND_POOL, World, claims_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_user_gets_a_token_of_its_own_and_the_second_time_it_comes_from_the_cache() {
    let world = World::start().await;
    let first = world.vend("alice").await;
    assert_eq!(first.source(), "miss");
    assert_eq!(first.header("cache-control"), "no-store");
    assert_eq!(first.header("vary"), "Authorization, Origin");
    let body = first.json();
    let claims = claims_of(&first.token());
    assert_eq!(claims["sub"], body["identityId"]);
    assert_eq!(claims["aud"], body["identityPoolId"]);
    assert!(claims["amr"].as_array().unwrap().iter().any(|m| m.as_str().unwrap().ends_with(":alice")));
    assert_eq!(body["provider"], "cognito-identity.amazonaws.com");
    assert_eq!(body["region"], "us-east-1");
    assert_eq!(body["expiresIn"], 900);

    world.advance(10);
    let second = world.vend("alice").await;
    assert_eq!(second.source(), "hit");
    assert_eq!(second.token(), first.token());
    assert_eq!(second.json()["expiresIn"], 890);
    assert_eq!(second.json()["expiresAt"], body["expiresAt"]);
    assert_eq!(world.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn get_and_post_serve_the_same_token() {
    let world = World::start().await;
    let posted = world.vend("alice").await;
    let got = Answer::of(world.request(Method::GET, "alice").send().await.unwrap()).await;
    assert_eq!((got.source(), got.token()), ("hit", posted.token()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_users_never_share_a_token() {
    let world = World::start().await;
    let (alice, bob) = (world.vend("alice").await, world.vend("bob").await);
    assert_ne!(alice.token(), bob.token());
    assert_ne!(alice.json()["identityId"], bob.json()["identityId"]);
    assert_eq!(world.vend("alice").await.token(), alice.token());
    assert_eq!(world.vend("bob").await.token(), bob.token());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_pool_has_tokens_of_its_own_with_its_own_duration() {
    let world = World::start().await;
    let main = world.vend("alice").await;
    let second = world.vend_with("alice", json!({"pool": "second"})).await;
    assert_eq!(second.source(), "miss");
    assert_eq!(second.json()["identityPoolId"], SECOND_POOL);
    assert_eq!(second.json()["expiresIn"], 1800);
    assert_ne!(second.token(), main.token());
    assert_eq!(world.vend_with("alice", json!({"pool": "second"})).await.source(), "hit");
    assert_eq!(world.vend_with("alice", json!({"pool": "main"})).await.token(), main.token());
    world.vend_with("alice", json!({"pool": "third"})).await.is_problem(404, "unknown-pool");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_formats_are_what_cognitos_clients_take() {
    let world = World::start().await;
    let plain = world.vend("alice").await.json();
    let in_format = async |format: &str| {
        let url = world.url(&format!("/v1/token?format={format}"));
        let answer = world.client.get(url).bearer_auth(world.bearer("alice")).send().await.unwrap();
        Answer::of(answer).await
    };
    let aws = in_format("aws").await;
    assert_eq!(aws.json(), json!({"IdentityId": plain["identityId"], "Token": plain["token"]}));
    let amplify = in_format("amplify").await.json();
    assert_eq!(amplify["identity_id"], plain["identityId"]);
    assert_eq!(amplify["token"], plain["token"]);
    let exp = claims_of(plain["token"].as_str().unwrap())["exp"].as_i64().unwrap();
    assert_eq!(amplify["expires_at"], exp * 1000);
    assert_eq!(amplify.as_object().unwrap().len(), 3);
    in_format("xml").await.is_problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_forgets_the_users_tokens_in_every_pool_and_nobody_elses() {
    let world = World::start().await;
    let before = world.vend("alice").await.token();
    world.vend_with("alice", json!({"pool": "second"})).await;
    let bob = world.vend("bob").await.token();
    // A token's times have whole seconds: in the same one, Cognito would make the same token again.
    world.advance(1);
    let answer = Answer::of(world.request(Method::DELETE, "alice").send().await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let after = world.vend("alice").await;
    assert_eq!(after.source(), "miss");
    assert_ne!(after.token(), before);
    assert_eq!(world.vend_with("alice", json!({"pool": "second"})).await.source(), "miss");
    assert_eq!((world.vend("bob").await.source(), world.vend("bob").await.token()), ("hit", bob));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_min_ttl_above_the_cached_lifetime_is_loaded_and_an_impossible_one_is_rejected() {
    let world = World::start().await;
    world.vend("alice").await;
    world.advance(100);
    assert_eq!(world.vend_with("alice", json!({"minTtl": 800})).await.source(), "hit");
    let longer = world.vend_with("alice", json!({"minTtl": 801})).await;
    assert_eq!(longer.source(), "miss");
    assert!(longer.json()["expiresIn"].as_u64().unwrap() >= 801);
    let answer = world.vend_with("alice", json!({"minTtl": 871})).await;
    answer.is_problem(422, "min-ttl-too-long");
    assert!(answer.json()["detail"].as_str().unwrap().contains("870"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_whose_token_was_refused_downstream_gets_a_new_one_but_not_again_and_again() {
    let world = World::start().await;
    let first = world.vend("alice").await.token();
    let refresh = || world.vend_with("alice", json!({"refresh": true}));
    world.advance(29);
    assert_eq!(refresh().await.token(), first, "it is younger than the renewal interval");
    world.advance(1);
    let second = refresh().await;
    assert_eq!(second.source(), "miss");
    assert_ne!(second.token(), first);
    for _ in 0..10 {
        assert_eq!(refresh().await.token(), second.token());
    }
    assert_eq!(world.calls().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_signs_out_and_in_without_end_is_limited_to_the_user_quota() {
    let world = World::start().await;
    let mut held_back = 0;
    for _ in 0..30 {
        world.request(Method::DELETE, "alice").send().await.unwrap();
        let answer = world.vend("alice").await;
        if answer.status != 200 {
            answer.is_problem(503, "upstream-unavailable");
            held_back += 1;
        }
    }
    assert_eq!((held_back, world.calls().await), (20, 10));
    assert_eq!(world.vend("bob").await.source(), "miss", "it is nobody else's ration");
    world.advance(30);
    assert_eq!(world.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_many_credentials_stay_within_the_user_quota() {
    let world = World::with("pools.main.bind_to_session = true").await;
    // Long enough that none has ended before the last has begun.
    world.faults(json!({"latencyMillis": 2000})).await;
    let now = world.clock_now();
    let bearers: Vec<String> = (0..30)
        .map(|n| {
            let mut claims = world.demo.claims("alice", now);
            // Each credential has an end of its own, and so each token a key of its own.
            claims["exp"] = json!(now.as_secs() + 500 + n);
            world.demo.sign(&claims)
        })
        .collect();
    let answers = join_all(bearers.iter().map(|bearer| world.vend_bearer(bearer))).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((served, world.calls().await), (10, 10));
    for held_back in answers.iter().filter(|answer| answer.status != 200) {
        held_back.is_problem(503, "upstream-unavailable");
        assert!(!held_back.header("retry-after").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minted_token_whose_aud_sub_or_amr_is_not_what_was_asked_for_is_never_served() {
    let world = World::with("cache.negative_ttl_pool = \"0s\"").await;
    for claim in ["aud", "sub", "amr"] {
        world.faults(json!({"tamper": claim})).await;
        world.vend("alice").await.is_problem(500, "misconfigured");
    }
    assert_eq!(world.metric("tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"mismatched\"}").await, 3.0);
    world.faults(json!({})).await;
    assert_eq!(world.vend("alice").await.source(), "miss", "and what was refused was not kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_no_jwt_is_served_only_where_the_operator_allows_it() {
    let world = World::with("upstream.accept_opaque_tokens = false").await;
    world.faults(json!({"tamper": "opaque"})).await;
    world.vend("alice").await.is_problem(500, "misconfigured");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_no_jwt_is_vended_and_cached_for_as_long_as_was_asked() {
    let world = World::start().await;
    world.faults(json!({"tamper": "opaque"})).await;
    let first = world.vend("alice").await;
    assert_eq!((first.source(), first.json()["expiresIn"].as_u64()), ("miss", Some(900)));
    assert_eq!(
        (world.vend("alice").await.source(), world.vend("alice").await.token()),
        ("hit", first.token())
    );
    assert_eq!(world.metric("tokenvend_opaque_tokens_total").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skew_between_cognitos_clock_and_ours_is_measured() {
    let world = World::start().await;
    world.faults(json!({"clockSkewSeconds": 120})).await;
    let answer = world.vend("alice").await;
    assert_eq!(
        answer.json()["expiresIn"],
        900,
        "our clock is behind: the token's exp is further than its life"
    );
    let skew = world.metric("tokenvend_clock_skew_seconds").await;
    assert!((skew - 120.0).abs() < 2.0, "{skew}");
}

proptest! {
    /// What shapes a token, taken apart: no two that differ in anything share a key.
    #[test]
    fn keys_are_equal_only_where_everything_that_shapes_the_token_is(
        one in shaping(), other in shaping()
    ) {
        use std::hash::{BuildHasher as _, RandomState};
        let same = one == other;
        let (one, other) = (key_of(&one), key_of(&other));
        prop_assert_eq!(one == other, same);
        if same {
            let state = RandomState::new();
            prop_assert_eq!(state.hash_one(&one), state.hash_one(&other));
        }
    }
}

type Shaping = (u16, String, u64, Vec<(String, String)>);

/// From few values, so that two of them are often alike in part or in whole.
fn shaping() -> impl Strategy<Value = Shaping> {
    let tag = ("[ab:]{1,2}", "[ab:]{1,2}");
    let tags =
        proptest::collection::btree_map(tag.0, tag.1, 0..3).prop_map(|tags| tags.into_iter().collect());
    (0..2_u16, "[ab:]{1,2}", prop_oneof![Just(900_u64), Just(901)], tags)
}

/// The key of a whole request, as the vendor makes it.
fn key_of((pool, user, seconds, tags): &Shaping) -> CacheKey {
    let pool = Pool {
        index: PoolIndex(*pool),
        name: "main".into(),
        id: IdentityPoolId::parse("us-east-1:1").unwrap(),
        provider: DeveloperProvider::parse("login.example").unwrap(),
        token_duration: TokenDuration::parse(*seconds).unwrap(),
        bind_to_session: false,
        tags: TagRules::default(),
        access: AccessPolicy::default(),
        linking: LinkPolicy::default(),
        credentials: None,
    };
    let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let request = TokenRequest {
        pool: Arc::new(pool),
        user: DeveloperUserId::parse(user).unwrap(),
        tags: PrincipalTags::parse(tags).unwrap(),
        not_after: None,
        min_ttl: None,
        refresh: false,
    };
    request.key()
}
