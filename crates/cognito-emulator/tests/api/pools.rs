//! Pools: creation, update, description, listing, deletion and tags.

use serde_json::json;

use super::{Harness, POOL, PROVIDER};

#[tokio::test]
async fn a_pool_is_described_as_it_was_created() {
    let harness = Harness::start().await;
    let made = harness
        .aws
        .create_identity_pool()
        .identity_pool_name("mobile app")
        .allow_unauthenticated_identities(true)
        .developer_provider_name("login.mobile.example")
        .supported_login_providers("graph.facebook.com", "4711")
        .identity_pool_tags("stage", "test")
        .send()
        .await
        .unwrap();
    let id = made.identity_pool_id();
    assert!(id.starts_with("us-east-1:"), "{id}");
    let described = harness.aws.describe_identity_pool().identity_pool_id(id).send().await.unwrap();
    assert_eq!(described.identity_pool_name(), "mobile app");
    assert!(described.allow_unauthenticated_identities());
    assert_eq!(described.developer_provider_name(), Some("login.mobile.example"));
    assert_eq!(described.supported_login_providers().unwrap()["graph.facebook.com"], "4711");
    assert_eq!(described.identity_pool_tags().unwrap()["stage"], "test");

    let user = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(id);
    assert!(user.logins("login.mobile.example", "alice").send().await.is_ok());
    let user = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(id);
    assert!(user.logins(PROVIDER, "alice").send().await.is_err(), "another pool's provider");
}

#[tokio::test]
async fn an_unknown_pool_is_not_found() {
    let harness = Harness::start().await;
    let missing = "us-east-1:00000000-0000-4000-8000-00000000dead";
    let error = harness.aws.describe_identity_pool().identity_pool_id(missing).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(missing);
    let error = call.logins(PROVIDER, "alice").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn the_list_of_pools_is_paginated() {
    let harness = Harness::start().await;
    for n in 0..4 {
        let pool = harness.aws.create_identity_pool().identity_pool_name(format!("pool {n}"));
        pool.allow_unauthenticated_identities(false).send().await.unwrap();
    }
    let pages = harness.aws.list_identity_pools().max_results(2).into_paginator().send();
    let pages = pages.try_collect().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.identity_pools().len()).collect::<Vec<_>>(), [2, 2, 1]);
    let ids: Vec<_> =
        pages.iter().flat_map(|page| page.identity_pools()).filter_map(|pool| pool.identity_pool_id()).collect();
    assert!(ids.is_sorted() && ids.contains(&POOL), "{ids:?}");
}

#[tokio::test]
async fn an_update_replaces_the_settings_but_neither_developer_provider_nor_tags() {
    let harness = Harness::start().await;
    let made = harness.aws.create_identity_pool().identity_pool_name("before");
    let made = made.allow_unauthenticated_identities(false).developer_provider_name("login.before");
    let made = made.supported_login_providers("accounts.google.com", "app").identity_pool_tags("team", "red");
    let id = made.send().await.unwrap().identity_pool_id;
    let update = |provider: Option<&str>| {
        let call = harness.aws.update_identity_pool().identity_pool_id(&id).identity_pool_name("after");
        let call = call.allow_unauthenticated_identities(true);
        call.set_developer_provider_name(provider.map(str::to_owned)).send()
    };
    let error = update(Some("login.after")).await.unwrap_err().into_service_error();
    assert!(error.is_invalid_parameter_exception(), "{error:?}");

    update(None).await.unwrap();
    let pool = harness.aws.describe_identity_pool().identity_pool_id(&id).send().await.unwrap();
    assert_eq!((pool.identity_pool_name(), pool.allow_unauthenticated_identities()), ("after", true));
    assert_eq!(pool.developer_provider_name(), Some("login.before"));
    assert!(pool.supported_login_providers().is_none(), "left out, and so taken back");
    assert_eq!(pool.identity_pool_tags().unwrap()["team"], "red");
    assert_eq!(harness.call("GetId", json!({"IdentityPoolId": id})).await.status, 200, "guests now");
}

#[tokio::test]
async fn a_pool_is_deleted_with_its_identities() {
    let harness = Harness::start().await;
    let (alice, token) = harness.vend("alice").await;
    harness.aws.delete_identity_pool().identity_pool_id(POOL).send().await.unwrap();

    let error = harness.aws.describe_identity_pool().identity_pool_id(POOL).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let error = harness.aws.describe_identity().identity_id(&alice).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let logins = json!({"cognito-identity.amazonaws.com": token});
    let rejected = harness.call("GetOpenIdToken", json!({"IdentityId": alice, "Logins": logins})).await;
    assert_eq!(rejected.error(), (400, "ResourceNotFoundException"));
    let error = harness.aws.delete_identity_pool().identity_pool_id(POOL).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn tags_are_added_to_a_pool_and_removed() {
    let harness = Harness::start().await;
    let arn = format!("arn:aws:cognito-identity:us-east-1:123456789012:identitypool/{POOL}");
    let tag = |key: &str| harness.aws.tag_resource().resource_arn(&arn).tags(key, "x").send();
    tag("team").await.unwrap();
    tag("cost").await.unwrap();
    harness.aws.untag_resource().resource_arn(&arn).tag_keys("team").tag_keys("absent").send().await.unwrap();
    let listed = harness.aws.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(listed.tags().unwrap().keys().collect::<Vec<_>>(), ["cost"]);

    for number in 2..=50 {
        tag(&format!("tag-{number}")).await.unwrap();
    }
    let error = tag("one-too-many").await.unwrap_err().into_service_error();
    assert!(error.is_invalid_parameter_exception(), "{error:?}");
    for (bad, is_missing) in [
        (format!("arn:aws:cognito-identity:us-east-1:210987654321:identitypool/{POOL}"), true),
        (format!("arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/{POOL}"), true),
        ("arn:aws:iam::123456789012:role/App".to_owned(), false),
    ] {
        let error = harness.aws.list_tags_for_resource().resource_arn(&bad).send().await.unwrap_err();
        let error = error.into_service_error();
        assert_eq!(error.is_resource_not_found_exception(), is_missing, "{bad}: {error:?}");
    }
}

#[tokio::test]
async fn each_provider_of_a_pool_has_a_principal_tag_map() {
    let harness = Harness::start().await;
    let get = |provider: &str| {
        let call = harness.aws.get_principal_tag_attribute_map().identity_pool_id(POOL);
        call.identity_provider_name(provider).send()
    };
    let error = get("accounts.google.com").await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let set = |provider: &str| {
        let call = harness.aws.set_principal_tag_attribute_map().identity_pool_id(POOL);
        call.identity_provider_name(provider).principal_tags("team", "custom:team").send()
    };
    set("accounts.google.com").await.unwrap();
    let map = get("accounts.google.com").await.unwrap();
    assert_eq!((map.use_defaults(), map.principal_tags().unwrap()["team"].as_str()), (Some(false), "custom:team"));
    let error = set("login.unknown.example").await.unwrap_err().into_service_error();
    assert!(error.is_invalid_parameter_exception(), "{error:?}");
}
