//! Identities: creation, linked logins, and lookup.

use aws_sdk_cognitoidentity::error::ProvideErrorMetadata;
use serde_json::json;

use super::{Harness, POOL, PROVIDER, public_login, with_guests};

#[tokio::test]
async fn a_user_always_has_the_same_identity_and_another_user_another_one() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    assert_ne!(alice, bob);
    assert!(alice.starts_with("us-east-1:"), "{alice}");
    assert_eq!(harness.vend("alice").await.0, alice);
}

#[tokio::test]
async fn an_unknown_identity_is_not_found() {
    let harness = Harness::start().await;
    let error = harness
        .aws
        .get_open_id_token_for_developer_identity()
        .identity_pool_id(POOL)
        .identity_id("us-east-1:00000000-0000-4000-8000-00000000dead")
        .logins(PROVIDER, "alice")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn a_user_can_be_linked_to_one_identity_only() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    let link = |user: &str, identity: &str| {
        harness
            .aws
            .get_open_id_token_for_developer_identity()
            .identity_pool_id(POOL)
            .identity_id(identity)
            .logins(PROVIDER, user)
            .send()
    };
    assert_eq!(link("alice-at-work", &alice).await.unwrap().identity_id.unwrap(), alice);
    assert_eq!(harness.vend("alice-at-work").await.0, alice);
    let error = link("alice-at-work", &bob).await.unwrap_err().into_service_error();
    assert!(error.is_developer_user_already_registered_exception(), "{error:?}");
}

#[tokio::test]
async fn a_public_login_is_linked_too_and_belongs_to_one_identity_only() {
    let harness = Harness::start().await;
    let vend = |user: &str, google: &str| {
        harness
            .aws
            .get_open_id_token_for_developer_identity()
            .identity_pool_id(POOL)
            .logins(PROVIDER, user)
            .logins("accounts.google.com", google)
            .send()
    };
    let alice = vend("alice", "google-alice").await.unwrap().identity_id.unwrap();
    let by_google =
        harness.call("GetId", json!({"IdentityPoolId": POOL, "Logins": public_login("google-alice")})).await;
    assert_eq!(by_google.body["IdentityId"], alice);

    let error = vend("bob", "google-alice").await.unwrap_err().into_service_error();
    assert!(error.is_resource_conflict_exception(), "{error:?}");
    let described = harness.aws.describe_identity().identity_id(&alice).send().await.unwrap();
    assert_eq!(described.logins(), ["accounts.google.com", PROVIDER]);
    assert!(described.creation_date().is_some());
}

#[tokio::test]
async fn logins_without_exactly_one_developer_login_are_rejected() {
    let harness = Harness::start().await;
    for logins in [
        vec![],
        vec![("accounts.google.com", "g")],
        vec![(PROVIDER, "a"), ("login.unknown.example", "b")],
        vec![(PROVIDER, "a"), ("cognito-identity.amazonaws.com", "token")],
        vec![(PROVIDER, "")],
    ] {
        let logins = logins.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
        let error = call.set_logins(Some(logins)).send().await.unwrap_err().into_service_error();
        assert!(error.is_invalid_parameter_exception(), "{error:?}");
    }
}

#[tokio::test]
async fn guests_are_allowed_only_if_the_pool_allows_them() {
    let without = Harness::start().await;
    let rejected = without.call("GetId", json!({"IdentityPoolId": POOL})).await;
    assert_eq!(rejected.error(), (400, "NotAuthorizedException"));

    let with = Harness::with(with_guests()).await;
    let one = with.call("GetId", json!({"IdentityPoolId": POOL})).await;
    let other = with.call("GetId", json!({"IdentityPoolId": POOL})).await;
    assert_ne!(one.body["IdentityId"], other.body["IdentityId"]);
}

#[tokio::test]
async fn an_identity_with_a_login_cannot_be_accessed_as_a_guest() {
    let harness = Harness::with(with_guests()).await;
    let (alice, _) = harness.vend("alice").await;
    for operation in ["GetOpenIdToken", "GetCredentialsForIdentity"] {
        let rejected = harness.call(operation, json!({"IdentityId": alice})).await;
        assert_eq!(rejected.error(), (400, "NotAuthorizedException"), "{operation}");
        let unlinked = harness.call(operation, json!({"IdentityId": alice, "Logins": public_login("x")})).await;
        assert_eq!(unlinked.error(), (400, "NotAuthorizedException"), "{operation}");
    }
}

#[tokio::test]
async fn an_account_or_a_provider_other_than_the_pools_is_rejected() {
    let harness = Harness::with(with_guests()).await;
    let foreign = harness.call("GetId", json!({"IdentityPoolId": POOL, "AccountId": "999999999999"})).await;
    assert_eq!(foreign.error(), (400, "NotAuthorizedException"));
    let unknown = json!({"IdentityPoolId": POOL, "Logins": {"login.unknown.example": "x"}});
    assert_eq!(harness.call("GetId", unknown).await.error(), (400, "InvalidParameterException"));
    let developer = json!({"IdentityPoolId": POOL, "Logins": {PROVIDER: "alice"}});
    assert_eq!(harness.call("GetId", developer).await.error(), (400, "InvalidParameterException"));
}

#[tokio::test]
async fn a_lookup_returns_the_identity_of_a_user_and_the_users_of_an_identity() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    let lookup = || harness.aws.lookup_developer_identity().identity_pool_id(POOL);

    let by_user = lookup().developer_user_identifier("alice").send().await.unwrap();
    assert_eq!(by_user.identity_id(), Some(&*alice));
    let both = lookup().developer_user_identifier("alice").identity_id(&alice).send().await.unwrap();
    assert_eq!(both.developer_user_identifier_list(), ["alice"]);

    let mismatch = lookup().developer_user_identifier("alice").identity_id(&bob).send().await;
    assert!(mismatch.unwrap_err().into_service_error().is_resource_conflict_exception());
    let unknown = lookup().developer_user_identifier("unknown").send().await;
    assert!(unknown.unwrap_err().into_service_error().is_resource_not_found_exception());
    let neither = lookup().send().await;
    assert!(neither.unwrap_err().into_service_error().is_invalid_parameter_exception());
}

#[tokio::test]
async fn the_users_of_an_identity_are_paginated() {
    let harness = Harness::start().await;
    let (identity, _) = harness.vend("user-0").await;
    for n in 1..5 {
        let link = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
        link.identity_id(&identity).logins(PROVIDER, format!("user-{n}")).send().await.unwrap();
    }
    let mut users = Vec::new();
    let mut next = None;
    loop {
        let page = harness.aws.lookup_developer_identity().identity_pool_id(POOL).identity_id(&identity);
        let page = page.max_results(2).set_next_token(next).send().await.unwrap();
        assert!(page.developer_user_identifier_list().len() <= 2);
        users.extend_from_slice(page.developer_user_identifier_list());
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(users, ["user-0", "user-1", "user-2", "user-3", "user-4"]);
    let call = harness.aws.lookup_developer_identity().identity_pool_id(POOL).identity_id(&identity);
    let error = call.max_results(61).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterException"));
}
