//! Making, describing and listing pools.

use super::{Harness, POOL, PROVIDER};

#[tokio::test]
async fn a_pool_is_described_as_it_was_made() {
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
async fn a_pool_that_nobody_made_is_not_found() {
    let harness = Harness::start().await;
    let missing = "us-east-1:00000000-0000-4000-8000-00000000dead";
    let fault = harness.aws.describe_identity_pool().identity_pool_id(missing).send().await.unwrap_err();
    assert!(fault.into_service_error().is_resource_not_found_exception());
    let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(missing);
    let fault = call.logins(PROVIDER, "alice").send().await.unwrap_err();
    assert!(fault.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn pools_are_listed_page_by_page() {
    let harness = Harness::start().await;
    for n in 0..4 {
        let pool = harness.aws.create_identity_pool().identity_pool_name(format!("pool {n}"));
        pool.allow_unauthenticated_identities(false).send().await.unwrap();
    }
    let pages = harness.aws.list_identity_pools().max_results(2).into_paginator().send();
    let pages = pages.try_collect().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.identity_pools().len()).collect::<Vec<_>>(), [2, 2, 1]);
    let ids: Vec<_> = pages
        .iter()
        .flat_map(|page| page.identity_pools())
        .filter_map(|pool| pool.identity_pool_id())
        .collect();
    assert!(ids.is_sorted() && ids.contains(&POOL), "{ids:?}");
}
