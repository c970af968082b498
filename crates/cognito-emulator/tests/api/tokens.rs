//! Tokens: claims, lifetime, and use as a login.

use std::time::Duration;

use clock::Clock;
use serde_json::json;

use super::{Harness, POOL, PROVIDER, public_login, with_guests};

#[tokio::test]
async fn a_token_verifies_with_the_published_keys_and_names_identity_and_user() {
    let harness = Harness::start().await;
    let (identity, token) = harness.vend("alice").await;
    let claims = harness.verified(&token).await;
    assert_eq!(claims["sub"], identity);
    assert_eq!(claims["amr"], json!(["authenticated", PROVIDER, format!("{PROVIDER}:{POOL}:alice")]));
    let now = harness.clock.now().as_secs();
    assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now), Some(now + 900)));
    assert!(claims.get("https://aws.amazon.com/tags").is_none());
}

#[tokio::test]
async fn the_discovery_document_has_the_url_of_the_keys() {
    let harness = Harness::start().await;
    let discovery = harness.get("/.well-known/openid-configuration").await;
    assert_eq!(discovery["issuer"], "https://cognito-identity.amazonaws.com");
    assert_eq!(discovery["jwks_uri"], format!("{}/.well-known/jwks_uri", harness.emulator.url()));
    let key = &harness.get("/.well-known/jwks_uri").await["keys"][0];
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS512"), &json!("sig")));
}

#[tokio::test]
async fn principal_tags_are_in_the_token() {
    let harness = Harness::start().await;
    let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let output = call.logins(PROVIDER, "alice").principal_tags("team", "red").send().await.unwrap();
    let claims = harness.verified(output.token().unwrap()).await;
    assert_eq!(claims["https://aws.amazon.com/tags"], json!({"principal_tags": {"team": ["red"]}}));
}

#[tokio::test]
async fn a_requested_duration_is_exact_and_must_be_within_its_limits() {
    let harness = Harness::start().await;
    let vend = |seconds: i64| {
        let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
        call.logins(PROVIDER, "alice").token_duration(seconds).send()
    };
    for seconds in [1, 86_400] {
        let claims = harness.verified(vend(seconds).await.unwrap().token().unwrap()).await;
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), seconds);
    }
    for seconds in [0, -1, 86_401] {
        let error = vend(seconds).await.unwrap_err().into_service_error();
        assert!(error.is_invalid_parameter_exception(), "{seconds}: {error:?}");
    }
}

#[tokio::test]
async fn a_guests_token_is_unauthenticated_and_lasts_ten_minutes() {
    let harness = Harness::with(with_guests()).await;
    let identity = harness.call("GetId", json!({"IdentityPoolId": POOL})).await.body["IdentityId"].clone();
    let response = harness.call("GetOpenIdToken", json!({"IdentityId": identity})).await;
    let claims = harness.verified(response.body["Token"].as_str().unwrap()).await;
    assert_eq!(claims["amr"], json!(["unauthenticated"]));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
}

#[tokio::test]
async fn a_token_grants_credentials_of_its_identity_only_and_until_it_expires() {
    let harness = Harness::start().await;
    let (alice, token) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    let credentials = |identity: &str, token: &str| {
        let logins = json!({"cognito-identity.amazonaws.com": token});
        harness.call("GetCredentialsForIdentity", json!({"IdentityId": identity, "Logins": logins}))
    };
    let granted = credentials(&alice, &token).await;
    assert_eq!(granted.status, 200);
    let fields = &granted.body["Credentials"];
    assert!(fields["AccessKeyId"].as_str().unwrap().starts_with("ASIA"));
    assert_eq!(fields["Expiration"].as_f64().unwrap() as i64, harness.clock.now().as_secs() + 3600);

    assert_eq!(credentials(&bob, &token).await.error(), (400, "NotAuthorizedException"));
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    assert_eq!(credentials(&alice, &forged).await.error(), (400, "NotAuthorizedException"));
    harness.clock.advance(Duration::from_secs(900));
    let expired = credentials(&alice, &token).await;
    assert_eq!(expired.error(), (400, "NotAuthorizedException"));
    assert!(expired.body["message"].as_str().unwrap().starts_with("Invalid login token. Token expired"));
}

#[tokio::test]
async fn a_token_in_exchange_for_a_token_has_its_amr_and_get_id_rejects_tokens() {
    let harness = Harness::start().await;
    let (alice, token) = harness.vend("alice").await;
    let logins = json!({"cognito-identity.amazonaws.com": token});
    let response = harness.call("GetOpenIdToken", json!({"IdentityId": alice, "Logins": logins})).await;
    let claims = harness.verified(response.body["Token"].as_str().unwrap()).await;
    assert_eq!(claims["amr"][2], format!("{PROVIDER}:{POOL}:alice"));

    let rejected = harness.call("GetId", json!({"IdentityPoolId": POOL, "Logins": logins})).await;
    assert_eq!(rejected.error(), (400, "NotAuthorizedException"));
    assert_eq!(rejected.body["message"], "Invalid login token. Can't pass in a Cognito token.");
}

#[tokio::test]
async fn the_token_of_a_public_user_names_the_provider_only() {
    let harness = Harness::start().await;
    let identity = json!({"IdentityPoolId": POOL, "Logins": public_login("g1")});
    let identity = harness.call("GetId", identity).await.body["IdentityId"].clone();
    let response = harness.call("GetOpenIdToken", json!({"IdentityId": identity, "Logins": public_login("g1")})).await;
    let claims = harness.verified(response.body["Token"].as_str().unwrap()).await;
    assert_eq!(claims["amr"], json!(["authenticated", "accounts.google.com"]));
}

#[tokio::test]
async fn after_a_rotation_the_new_key_signs_and_the_old_one_stays_published() {
    let harness = Harness::start().await;
    let (_, before) = harness.vend("alice").await;
    let url = format!("{}/_emulator/keys/rotate", harness.emulator.url());
    assert_eq!(harness.http.post(url).send().await.unwrap().status(), 200);
    let (_, after) = harness.vend("alice").await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid;
    assert_ne!(kid(&before), kid(&after));
    harness.verified(&before).await;
    harness.verified(&after).await;
}
