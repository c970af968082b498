//! The attack that linking must not open: a user names another's identity, and gets it.

use clock::Clock as _;
use serde_json::{Value, json};

use super::{ALL, LINK, POOL, PROVIDER, identity};
use crate::support::{Answer, SECOND_POOL, World, claims_of};
use crate::token_verification::Forge;

/// What whoever holds our rights could do: Cognito asks for no proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cognito_itself_would_give_anybodys_identity_to_whoever_names_it() {
    let world = World::with(ALL).await;
    let victim = identity(&world.vend("victim").await);
    let call = world.aws().get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let given = call.identity_id(&victim).logins(PROVIDER, "mallory").send().await.unwrap();
    assert_eq!(given.identity_id.as_deref(), Some(victim.as_str()));
    assert_eq!(claims_of(&given.token.unwrap())["sub"], victim);
    assert_eq!(identity(&world.vend("mallory").await), victim, "and from then on it is hers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_id_is_taken_from_nowhere_in_a_request() {
    let world = World::with(ALL).await;
    let victim = identity(&world.vend("victim").await);
    let (guest, token) = world.guest().await;
    let changes = world.changes().await;
    for id in [&victim, &guest] {
        for body in [
            json!({"identityId": id}),
            json!({"identityId": id, "guestToken": token}),
            json!({"IdentityId": id, "guestToken": token}),
            json!({"identityId": id, "logins": {"accounts.google.com": "g-mallory"}}),
            json!({"identity": {"id": id}, "guestToken": token}),
            json!({"user": "victim", "logins": {"accounts.google.com": "g-mallory"}}),
            json!({"guestToken": {"identityId": id}}),
        ] {
            world.ask_to_link("mallory", body).await.is_problem(400, "invalid-request");
        }
        world.link_guest("mallory", id).await.is_problem(422, "invalid-guest-token");
        let by_login = json!({"logins": {"cognito-identity.amazonaws.com": id}});
        world.ask_to_link("mallory", by_login).await.is_problem(403, "provider-not-allowed");
        let url = world.url(&format!("{LINK}?identityId={id}"));
        let request = world.client.post(url).bearer_auth(world.bearer("mallory"));
        let request = request.header("content-type", "application/json");
        let answer = request.body(json!({"guestToken": token}).to_string()).send().await.unwrap();
        Answer::of(answer).await.is_problem(400, "invalid-request");
    }
    assert_eq!(world.changes().await, changes);
    // Headers are read by nobody: what is linked is what was proved.
    let mut request = world.link_request("mallory");
    for header in ["x-identity-id", "identityid", "x-amz-identity-id", "x-amzn-cognito-identity-id"] {
        request = request.header(header, &victim);
    }
    let body = json!({"logins": {"accounts.google.com": "g-mallory"}}).to_string();
    let own = identity(&Answer::of(request.body(body).send().await.unwrap()).await);
    assert!(own != victim && own != guest);
    assert_eq!(world.users_of(&victim).await, ["victim"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_cognito_gave_to_others_than_a_guest_of_this_pool_prove_nothing() {
    let world = World::with(&format!("pools.second.linking.guests = true\n{ALL}")).await;
    let victims = world.vend("victim").await;
    let own = world.vend("mallory").await;
    let (elsewhere, of_another_pool) = world.guest_of(SECOND_POOL).await;
    let login = json!({"IdentityPoolId": POOL, "Logins": {"accounts.google.com": "g"}});
    let google = world.unsigned("GetId", login).await["IdentityId"].clone();
    let entered = json!({"IdentityId": google, "Logins": {"accounts.google.com": "g"}});
    let of_google = world.unsigned("GetOpenIdToken", entered).await["Token"].as_str().unwrap().to_owned();
    let changes = world.changes().await;
    for (what, token) in [
        ("another user's", victims.token()),
        ("one's own", own.token()),
        ("another pool's guest", of_another_pool.clone()),
        ("somebody's who signed in at google", of_google),
        ("the app's", world.bearer("mallory")),
    ] {
        let answer = world.link_guest("new", &token).await;
        assert_eq!(answer.status, 422, "{what}: {answer:?}");
        answer.is_problem(422, "invalid-guest-token");
        assert!(!answer.text.contains(&token), "{what}");
    }
    let (_, late) = world.guest().await;
    world.advance(600 + 31);
    let expired = world.link_guest("new", &late).await;
    expired.is_problem(422, "invalid-guest-token");
    assert!(expired.text.contains("expired"), "{expired:?}");
    assert_eq!(world.changes().await, changes);
    assert_eq!(world.metric("tokenvend_identity_links_total{outcome=\"invalid_proof\"}").await, 6.0);
    // Where it belongs it is good.
    let (_, again) = world.guest_of(SECOND_POOL).await;
    assert_ne!(again, of_another_pool);
    let answer = world.ask_to_link("new", json!({"guestToken": again, "pool": "second"})).await;
    assert_ne!(identity(&answer), elsewhere);
}

/// Signed by whoever the service takes for Cognito: what is left is what stands in them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_tokens_and_those_that_say_two_things_at_once_prove_nothing() {
    let forge = Forge::start();
    let world = World::with(&format!("upstream.openid_keys_url = \"{}\"\n{ALL}", forge.keys_url())).await;
    let victim = identity(&world.vend("victim").await);
    let (guest, real) = world.guest().await;
    let changes = world.changes().await;
    let now = world.clock.now();
    let claims = |sub: &str, amr: Value| {
        json!({
            "iss": "https://cognito-identity.amazonaws.com", "aud": POOL, "sub": sub, "amr": amr,
            "iat": now.as_secs(), "exp": now.as_secs() + 600,
        })
    };
    for (forgery, why) in forge.forgeries(now) {
        let answer = world.link_guest("mallory", &forgery).await;
        assert_eq!(answer.status, 422, "{why}: {answer:?}");
        answer.is_problem(422, "invalid-guest-token");
    }
    world.link_guest("mallory", &real).await.is_problem(422, "invalid-guest-token");
    for amr in [
        json!(["authenticated"]),
        json!(["unauthenticated", "authenticated"]),
        json!(["authenticated", "unauthenticated"]),
        json!(["unauthenticated", "unauthenticated"]),
        json!(["unauthenticated", PROVIDER, format!("{PROVIDER}:{POOL}:victim")]),
        json!(["Unauthenticated"]),
        json!([]),
        json!("unauthenticated"),
        json!(null),
    ] {
        let token = forge.sign(&claims(&guest, amr.clone()));
        let answer = world.link_guest("mallory", &token).await;
        assert_eq!(answer.status, 422, "{amr}: {answer:?}");
        answer.is_problem(422, "invalid-guest-token");
    }
    for sub in ["", "victim", POOL, "eu-west-1:00000000-0000-4000-8000-000000000001"] {
        let token = forge.sign(&claims(sub, json!(["unauthenticated"])));
        let answer = world.link_guest("mallory", &token).await;
        // The pool's own id has the shape of an identity's, but there is no such identity.
        assert!([422, 404].contains(&answer.status.as_u16()), "{sub}: {answer:?}");
    }
    // A guest's token outlives the guest: what counts is what the identity is now.
    let outlived = forge.sign(&claims(&victim, json!(["unauthenticated"])));
    world.link_guest("mallory", &outlived).await.is_problem(409, "guest-already-linked");
    assert_eq!(world.changes().await, changes);
    assert_eq!(world.users_of(&victim).await, ["victim"]);
    let honest = forge.sign(&claims(&guest, json!(["unauthenticated"])));
    assert_eq!(identity(&world.link_guest("alice", &honest).await), guest);
}
