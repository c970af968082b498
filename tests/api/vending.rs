//! Vending: each caller gets its own token, in each format, and with its own parameters.

use std::sync::Arc;

use cognito_types::{DeveloperProvider, DeveloperUserId, IdentityPoolId, PrincipalTags, TokenDuration};
use futures_util::future::join_all;
use proptest::prelude::*;
use reqwest::Method;
use serde_json::json;
use tokenvend::pools::access_policy::AccessPolicy;
use tokenvend::pools::principal_tags::TagRules;
use tokenvend::pools::{LinkPolicy, Pool, PoolIndex};
use tokenvend::vending::TokenRequest;
use tokenvend::vending::cache_key::CacheKey;

use crate::support::{ApiResponse, SECOND_POOL, TestApp, claims_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_user_gets_its_own_token_and_the_second_request_is_a_hit() {
    let app = TestApp::start().await;
    let first = app.vend("alice").await;
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

    app.advance(10);
    let second = app.vend("alice").await;
    assert_eq!(second.source(), "hit");
    assert_eq!(second.token(), first.token());
    assert_eq!(second.json()["expiresIn"], 890);
    assert_eq!(second.json()["expiresAt"], body["expiresAt"]);
    assert_eq!(app.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn get_and_post_serve_the_same_token() {
    let app = TestApp::start().await;
    let posted = app.vend("alice").await;
    let got = ApiResponse::to(app.request(Method::GET, "alice")).await;
    assert_eq!((got.source(), got.token()), ("hit", posted.token()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_users_never_share_a_token() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.vend("alice").await, app.vend("bob").await);
    assert_ne!(alice.token(), bob.token());
    assert_ne!(alice.json()["identityId"], bob.json()["identityId"]);
    assert_eq!(app.vend("alice").await.token(), alice.token());
    assert_eq!(app.vend("bob").await.token(), bob.token());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_pool_has_tokens_of_its_own_with_its_own_duration() {
    let app = TestApp::start().await;
    let main = app.vend("alice").await;
    let second = app.vend_with("alice", json!({"pool": "second"})).await;
    assert_eq!(second.source(), "miss");
    assert_eq!(second.json()["identityPoolId"], SECOND_POOL);
    assert_eq!(second.json()["expiresIn"], 1800);
    assert_ne!(second.token(), main.token());
    assert_eq!(app.vend_with("alice", json!({"pool": "second"})).await.source(), "hit");
    assert_eq!(app.vend_with("alice", json!({"pool": "main"})).await.token(), main.token());
    app.vend_with("alice", json!({"pool": "third"})).await.is_problem(404, "unknown-pool");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_formats_are_what_cognitos_clients_take() {
    let app = TestApp::start().await;
    let plain = app.vend("alice").await.json();
    let in_format = async |format: &str| {
        let url = app.url(&format!("/v1/token?format={format}"));
        let answer = app.client.get(url).bearer_auth(app.bearer("alice"));
        ApiResponse::to(answer).await
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
async fn a_sign_out_removes_only_the_users_tokens_in_every_pool() {
    let app = TestApp::start().await;
    let before = app.vend("alice").await.token();
    app.vend_with("alice", json!({"pool": "second"})).await;
    let bob = app.vend("bob").await.token();
    // A token's times are whole seconds: within one second, Cognito would mint the same token again.
    app.advance(1);
    let answer = app.sign_out("alice").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let after = app.vend("alice").await;
    assert_eq!(after.source(), "miss");
    assert_ne!(after.token(), before);
    assert_eq!(app.vend_with("alice", json!({"pool": "second"})).await.source(), "miss");
    assert_eq!((app.vend("bob").await.source(), app.vend("bob").await.token()), ("hit", bob));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_min_ttl_above_the_cached_lifetime_is_loaded_and_an_impossible_one_is_rejected() {
    let app = TestApp::start().await;
    app.vend("alice").await;
    app.advance(100);
    assert_eq!(app.vend_with("alice", json!({"minTtl": 800})).await.source(), "hit");
    let longer = app.vend_with("alice", json!({"minTtl": 801})).await;
    assert_eq!(longer.source(), "miss");
    assert!(longer.json()["expiresIn"].as_u64().unwrap() >= 801);
    let answer = app.vend_with("alice", json!({"minTtl": 871})).await;
    answer.is_problem(422, "min-ttl-too-long");
    assert!(answer.json()["detail"].as_str().unwrap().contains("870"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_whose_token_was_refused_downstream_gets_a_new_one_once_in_a_refresh_interval() {
    let app = TestApp::start().await;
    let first = app.vend("alice").await.token();
    let refresh = || app.vend_with("alice", json!({"refresh": true}));
    app.advance(29);
    assert_eq!(refresh().await.token(), first, "it is younger than the refresh interval");
    app.advance(1);
    let second = refresh().await;
    assert_eq!(second.source(), "miss");
    assert_ne!(second.token(), first);
    for _ in 0..10 {
        assert_eq!(refresh().await.token(), second.token());
    }
    assert_eq!(app.calls().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_signs_out_and_in_without_end_is_limited_to_the_user_quota() {
    let app = TestApp::start().await;
    let mut held_back = 0;
    for _ in 0..30 {
        app.sign_out("alice").await;
        let answer = app.vend("alice").await;
        if answer.status != 200 {
            answer.is_problem(503, "upstream-unavailable");
            held_back += 1;
        }
    }
    assert_eq!((held_back, app.calls().await), (20, 10));
    assert_eq!(app.vend("bob").await.source(), "miss", "the quota is bob's own");
    app.advance(30);
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_many_credentials_stay_within_the_user_quota() {
    let app = TestApp::with("pools.main.bind_to_session = true").await;
    // Long enough for the last one to begin before the first one ends.
    app.faults(json!({"latencyMillis": 2000})).await;
    let now = app.clock_now();
    let bearers: Vec<String> = (0..30)
        .map(|n| {
            let mut claims = app.demo.claims("alice", now);
            // Each credential ends at another time, and so each token has its own cache key.
            claims["exp"] = json!(now.as_secs() + 500 + n);
            app.demo.sign(&claims)
        })
        .collect();
    let answers = join_all(bearers.iter().map(|bearer| app.vend_bearer(bearer))).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((served, app.calls().await), (10, 10));
    for held_back in answers.iter().filter(|answer| answer.status != 200) {
        held_back.is_problem(503, "upstream-unavailable");
        assert!(!held_back.header("retry-after").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minted_token_whose_aud_sub_or_amr_is_not_what_was_asked_for_is_never_served() {
    let app = TestApp::with("cache.negative_ttl_pool = \"0s\"").await;
    for claim in ["aud", "sub", "amr"] {
        app.faults(json!({"tamper": claim})).await;
        app.vend("alice").await.is_problem(500, "misconfigured");
    }
    assert_eq!(
        app.metric(
            "tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"mismatched\"}"
        )
        .await,
        3.0
    );
    app.faults(json!({})).await;
    assert_eq!(app.vend("alice").await.source(), "miss", "and what was refused was not kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_no_jwt_is_served_only_where_the_operator_allows_it() {
    let app = TestApp::with("upstream.accept_opaque_tokens = false").await;
    app.faults(json!({"tamper": "opaque"})).await;
    app.vend("alice").await.is_problem(500, "misconfigured");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_no_jwt_is_vended_and_cached_for_as_long_as_was_asked() {
    let app = TestApp::start().await;
    app.faults(json!({"tamper": "opaque"})).await;
    let first = app.vend("alice").await;
    assert_eq!((first.source(), first.json()["expiresIn"].as_u64()), ("miss", Some(900)));
    assert_eq!((app.vend("alice").await.source(), app.vend("alice").await.token()), ("hit", first.token()));
    assert_eq!(app.metric("tokenvend_opaque_tokens_total").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_skew_to_cognito_is_measured() {
    let app = TestApp::start().await;
    app.faults(json!({"clockSkewSeconds": 120})).await;
    let answer = app.vend("alice").await;
    assert_eq!(answer.json()["expiresIn"], 900, "our clock is behind: the token's exp is further than its life");
    let skew = app.metric("tokenvend_clock_skew_seconds").await;
    assert!((skew - 120.0).abs() < 2.0, "{skew}");
}

proptest! {
    /// The parameters of a token: two that differ in any of them have different cache keys.
    #[test]
    fn cache_keys_are_equal_only_if_all_parameters_of_the_token_are(
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

/// From few values, so that two of them are often equal in part or in whole.
fn shaping() -> impl Strategy<Value = Shaping> {
    let tag = ("[ab:]{1,2}", "[ab:]{1,2}");
    let tags = proptest::collection::btree_map(tag.0, tag.1, 0..3).prop_map(|tags| tags.into_iter().collect());
    (0..2_u16, "[ab:]{1,2}", prop_oneof![Just(900_u64), Just(901)], tags)
}

/// The cache key of a request, as the vendor makes it.
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
