//! A remembered caller's token is found without a search: it is the one that the store has, and no other.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, SECOND_POOL, World, claims_of};

/// Asks with this bearer, whose caller is remembered from the first time on.
async fn ask(world: &World, method: Method, bearer: &str, body: Option<Value>) -> Answer {
    let mut request = world.client.request(method, world.url("/v1/token")).bearer_auth(bearer);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    Answer::of(request.send().await.unwrap()).await
}

/// A world with a caller who has asked three times: to be cached, to set the hint, and to use it.
async fn with_hint() -> (World, String, String) {
    let world = World::start().await;
    let bearer = world.bearer("alice");
    let first = ask(&world, Method::POST, &bearer, None).await;
    assert_eq!(first.source(), "miss");
    for _ in 0..2 {
        assert_eq!(ask(&world, Method::POST, &bearer, None).await.source(), "hit");
    }
    assert_eq!(world.metric("tokenvend_auth_cache_entries").await, 1.0);
    let token = first.token();
    (world, bearer, token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_credential_of_the_user_had_renewed_is_what_this_one_gets() {
    let (world, bearer, first) = with_hint().await;
    world.advance(60);
    let other = world.bearer("alice");
    assert_ne!(other, bearer);
    let renewed = ask(&world, Method::POST, &other, Some(json!({"refresh": true}))).await;
    assert_eq!(renewed.source(), "miss");
    assert_ne!(renewed.token(), first);
    for _ in 0..3 {
        let now = ask(&world, Method::POST, &bearer, None).await;
        assert_eq!((now.source(), now.token()), ("hit", renewed.token()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_credential_of_the_user_had_forgotten_is_handed_to_nobody() {
    let (world, bearer, first) = with_hint().await;
    world.advance(60);
    let other = world.bearer("alice");
    assert_eq!(ask(&world, Method::DELETE, &other, None).await.status, 204);
    let anew = ask(&world, Method::POST, &bearer, None).await;
    assert_eq!(anew.source(), "miss");
    assert_ne!(anew.token(), first);
    assert_eq!(ask(&world, Method::POST, &bearer, None).await.token(), anew.token());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_asks_for_one_pool_and_then_for_another_gets_each_time_that_pool_s_token() {
    let (world, bearer, first) = with_hint().await;
    for turn in 0..3 {
        let second = ask(&world, Method::POST, &bearer, Some(json!({"pool": "second"}))).await;
        assert_eq!(second.source(), if turn == 0 { "miss" } else { "hit" });
        assert_eq!(claims_of(&second.token())["aud"], SECOND_POOL);
        assert_eq!(ask(&world, Method::POST, &bearer, None).await.token(), first);
    }
}
