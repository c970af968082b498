//! The attack that linking must prevent: a user names another user's identity and gets it.

use clock::Clock as _;
use serde_json::{Value, json};

use super::{ALL, LINK, POOL, PROVIDER, identity};
use crate::support::{ApiResponse, SECOND_POOL, TestApp, claims_of};
use crate::token_verification::TokenSigner;

/// With the service's permissions, Cognito requires no proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cognito_itself_links_any_identity_that_the_call_names() {
    let app = TestApp::with(ALL).await;
    let victim = identity(&app.vend("victim").await);
    let call = app.aws().get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let given = call.identity_id(&victim).logins(PROVIDER, "mallory").send().await.unwrap();
    assert_eq!(given.identity_id.as_deref(), Some(victim.as_str()));
    assert_eq!(claims_of(&given.token.unwrap())["sub"], victim);
    assert_eq!(identity(&app.vend("mallory").await), victim, "and from then on it is hers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_of_a_request_sets_the_identity_id() {
    let app = TestApp::with(ALL).await;
    let victim = identity(&app.vend("victim").await);
    let (guest, token) = app.guest().await;
    let changes = app.changes().await;
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
            app.ask_to_link("mallory", body).await.is_problem(400, "invalid-request");
        }
        app.link_guest("mallory", id).await.is_problem(422, "invalid-guest-token");
        let by_login = json!({"logins": {"cognito-identity.amazonaws.com": id}});
        app.ask_to_link("mallory", by_login).await.is_problem(403, "provider-not-allowed");
        let url = app.url(&format!("{LINK}?identityId={id}"));
        let request = app.client.post(url).bearer_auth(app.bearer("mallory"));
        let request = request.header("content-type", "application/json");
        let answer = request.body(json!({"guestToken": token}).to_string());
        ApiResponse::to(answer).await.is_problem(400, "invalid-request");
    }
    assert_eq!(app.changes().await, changes);
    // Headers are not read: only a proven identity is linked.
    let mut request = app.link_request("mallory");
    for header in ["x-identity-id", "identityid", "x-amz-identity-id", "x-amzn-cognito-identity-id"] {
        request = request.header(header, &victim);
    }
    let body = json!({"logins": {"accounts.google.com": "g-mallory"}}).to_string();
    let own = identity(&ApiResponse::to(request.body(body)).await);
    assert!(own != victim && own != guest);
    assert_eq!(app.users_of(&victim).await, ["victim"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_another_pool_or_of_a_user_is_no_guest_token() {
    let app = TestApp::with(&format!("pools.second.linking.guests = true\n{ALL}")).await;
    let victims = app.vend("victim").await;
    let own = app.vend("mallory").await;
    let (elsewhere, of_another_pool) = app.guest_of(SECOND_POOL).await;
    let login = json!({"IdentityPoolId": POOL, "Logins": {"accounts.google.com": "g"}});
    let google = app.unsigned("GetId", login).await["IdentityId"].clone();
    let entered = json!({"IdentityId": google, "Logins": {"accounts.google.com": "g"}});
    let of_google = app.unsigned("GetOpenIdToken", entered).await["Token"].as_str().unwrap().to_owned();
    let changes = app.changes().await;
    for (what, token) in [
        ("another user's", victims.token()),
        ("one's own", own.token()),
        ("another pool's guest", of_another_pool.clone()),
        ("of a user who signed in at google", of_google),
        ("the app's", app.bearer("mallory")),
    ] {
        let answer = app.link_guest("new", &token).await;
        assert_eq!(answer.status, 422, "{what}: {answer:?}");
        answer.is_problem(422, "invalid-guest-token");
        assert!(!answer.text.contains(&token), "{what}");
    }
    let (_, late) = app.guest().await;
    app.advance(600 + 31);
    let expired = app.link_guest("new", &late).await;
    expired.is_problem(422, "invalid-guest-token");
    assert!(expired.text.contains("expired"), "{expired:?}");
    assert_eq!(app.changes().await, changes);
    assert_eq!(app.metric("tokenvend_identity_links_total{outcome=\"invalid_proof\"}").await, 6.0);
    // The token is valid for its own pool.
    let (_, again) = app.guest_of(SECOND_POOL).await;
    assert_ne!(again, of_another_pool);
    let answer = app.ask_to_link("new", json!({"guestToken": again, "pool": "second"})).await;
    assert_ne!(identity(&answer), elsewhere);
}

/// Tokens with a valid signature of Cognito, and wrong claims.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_and_ambiguous_guest_tokens_are_rejected() {
    let signer = TokenSigner::start();
    let app = TestApp::with(&format!("upstream.openid_keys_url = \"{}\"\n{ALL}", signer.keys_url())).await;
    let victim = identity(&app.vend("victim").await);
    let (guest, real) = app.guest().await;
    let changes = app.changes().await;
    let now = app.clock.now();
    let claims = |sub: &str, amr: Value| {
        json!({
            "iss": "https://cognito-identity.amazonaws.com", "aud": POOL, "sub": sub, "amr": amr,
            "iat": now.as_secs(), "exp": now.as_secs() + 600,
        })
    };
    for (forgery, why) in signer.forgeries(now) {
        let answer = app.link_guest("mallory", &forgery).await;
        assert_eq!(answer.status, 422, "{why}: {answer:?}");
        answer.is_problem(422, "invalid-guest-token");
    }
    app.link_guest("mallory", &real).await.is_problem(422, "invalid-guest-token");
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
        let token = signer.sign(&claims(&guest, amr.clone()));
        let answer = app.link_guest("mallory", &token).await;
        assert_eq!(answer.status, 422, "{amr}: {answer:?}");
        answer.is_problem(422, "invalid-guest-token");
    }
    for sub in ["", "victim", POOL, "eu-west-1:00000000-0000-4000-8000-000000000001"] {
        let token = signer.sign(&claims(sub, json!(["unauthenticated"])));
        let answer = app.link_guest("mallory", &token).await;
        // The pool's own id has the format of an identity id, but no such identity exists.
        assert!([422, 404].contains(&answer.status.as_u16()), "{sub}: {answer:?}");
    }
    // A guest's token outlives the guest: the current state of the identity decides.
    let outlived = signer.sign(&claims(&victim, json!(["unauthenticated"])));
    app.link_guest("mallory", &outlived).await.is_problem(409, "guest-already-linked");
    assert_eq!(app.changes().await, changes);
    assert_eq!(app.users_of(&victim).await, ["victim"]);
    let honest = signer.sign(&claims(&guest, json!(["unauthenticated"])));
    assert_eq!(identity(&app.link_guest("alice", &honest).await), guest);
}
