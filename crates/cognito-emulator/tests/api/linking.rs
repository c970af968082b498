//! Merging, unlinking and deleting: owners of logins and access afterwards.

use serde_json::json;

use super::{Harness, POOL, PROVIDER, public_login, with_guests};

const MISSING: &str = "us-east-1:00000000-0000-4000-8000-00000000dead";

impl Harness {
    async fn merge(&self, source: &str, destination: &str) -> Result<String, String> {
        let call = self.aws.merge_developer_identities().identity_pool_id(POOL);
        let call = call.developer_provider_name(PROVIDER);
        let call = call.source_user_identifier(source).destination_user_identifier(destination);
        call.send().await.map(|output| output.identity_id.unwrap()).map_err(|error| error_name(&error))
    }

    async fn unlink(&self, identity: &str, user: &str) -> Result<(), String> {
        let call = self.aws.unlink_developer_identity().identity_pool_id(POOL).identity_id(identity);
        let call = call.developer_provider_name(PROVIDER).developer_user_identifier(user);
        call.send().await.map(drop).map_err(|error| error_name(&error))
    }

    async fn link_public(&self, user: &str, provider: &str, public: &str) {
        let call = self.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
        call.logins(PROVIDER, user).logins(provider, public).send().await.unwrap();
    }

    /// Deletes identities, and returns the unprocessed ids.
    async fn delete(&self, identities: &[&str]) -> Vec<(String, String)> {
        let ids = identities.iter().map(|id| (*id).to_owned()).collect();
        let output = self.aws.delete_identities().set_identity_ids_to_delete(Some(ids)).send().await.unwrap();
        let unprocessed = output.unprocessed_identity_ids.unwrap_or_default().into_iter();
        unprocessed.map(|left| (left.identity_id.unwrap(), left.error_code.unwrap().as_str().to_owned())).collect()
    }
}

fn error_name(error: &impl aws_sdk_cognitoidentity::error::ProvideErrorMetadata) -> String {
    error.code().unwrap().to_owned()
}

#[tokio::test]
async fn a_merged_user_has_the_other_identity_and_its_own_is_disabled() {
    let harness = Harness::with(with_guests()).await;
    let (source, token) = harness.vend("source").await;
    let (destination, _) = harness.vend("destination").await;
    harness.link_public("source", "accounts.google.com", "g-source").await;

    assert_eq!(harness.merge("source", "destination").await, Ok(destination.clone()));
    assert_eq!(harness.vend("source").await.0, destination);
    let by_google = harness.call("GetId", json!({"IdentityPoolId": POOL, "Logins": public_login("g-source")})).await;
    assert_eq!(by_google.body["IdentityId"], destination, "public logins move too");

    // No access as a guest, with an earlier token, or by linking a user to it.
    let own = json!({"cognito-identity.amazonaws.com": token});
    for input in [json!({"IdentityId": source}), json!({"IdentityId": source, "Logins": own})] {
        for operation in ["GetOpenIdToken", "GetCredentialsForIdentity"] {
            let rejected = harness.call(operation, input.clone()).await;
            assert_eq!(rejected.error(), (400, "ResourceNotFoundException"), "{operation} {input}");
        }
    }
    let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let error = call.identity_id(&source).logins(PROVIDER, "eve").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let described = harness.aws.describe_identity().identity_id(&source).send().await.unwrap();
    assert!(described.logins().is_empty());

    assert_eq!(harness.merge("source", "destination").await, Ok(destination), "a repeated merge has the same result");
}

#[tokio::test]
async fn a_merge_is_limited_to_twenty_logins_together() {
    let harness = Harness::start().await;
    let (identity, _) = harness.vend("destination").await;
    harness.vend("source").await;
    for number in 2..=19 {
        let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
        let call = call.identity_id(&identity).logins(PROVIDER, format!("destination-{number}"));
        call.send().await.unwrap();
    }
    harness.vend("one-too-many").await;
    assert_eq!(harness.merge("source", "destination").await, Ok(identity), "19 and 1");
    assert_eq!(
        harness.merge("one-too-many", "destination").await,
        Err("InvalidParameterException".to_owned()),
        "20 and 1"
    );
}

#[tokio::test]
async fn an_invalid_merge_is_rejected_and_changes_nothing() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    assert_eq!(harness.merge("alice", "unknown").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.merge("unknown", "alice").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.merge("alice", "alice").await, Err("InvalidParameterException".to_owned()));

    harness.link_public("alice", "accounts.google.com", "g-alice").await;
    harness.link_public("bob", "accounts.google.com", "g-bob").await;
    assert_eq!(harness.merge("alice", "bob").await, Err("ResourceConflictException".to_owned()));
    assert_eq!((harness.vend("alice").await.0, harness.vend("bob").await.0), (alice, bob));
}

#[tokio::test]
async fn an_unlinked_user_gets_a_new_identity() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    assert_eq!(harness.unlink(&alice, "bob").await, Err("ResourceConflictException".to_owned()));
    assert_eq!(harness.unlink(&alice, "unknown").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.unlink(MISSING, "alice").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.unlink(&alice, "alice").await, Ok(()));
    let (again, _) = harness.vend("alice").await;
    assert!(again != alice && again != bob, "{again}");
    assert_eq!(harness.unlink(&alice, "alice").await, Err("ResourceConflictException".to_owned()));
}

#[tokio::test]
async fn a_public_login_is_unlinked_with_a_valid_login_of_the_identity() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    harness.link_public("alice", "accounts.google.com", "g-alice").await;
    harness.link_public("alice", "graph.facebook.com", "f-alice").await;
    let (_, token) = harness.vend("alice").await;
    let own = json!({"cognito-identity.amazonaws.com": token});
    let unlink = |logins: &serde_json::Value, removed: &str| {
        let input = json!({"IdentityId": alice, "Logins": logins, "LoginsToRemove": [removed]});
        harness.call("UnlinkIdentity", input)
    };
    for (logins, removed, error) in [
        (json!({}), "accounts.google.com", "NotAuthorizedException"),
        (public_login("g-eve"), "accounts.google.com", "NotAuthorizedException"),
        (own.clone(), PROVIDER, "NotAuthorizedException"),
        (own.clone(), "www.amazon.com", "ResourceNotFoundException"),
    ] {
        assert_eq!(unlink(&logins, removed).await.error(), (400, error), "{logins} {removed}");
    }
    assert_eq!(unlink(&public_login("g-alice"), "accounts.google.com").await.status, 200);
    assert_eq!(unlink(&own, "graph.facebook.com").await.status, 200);
    let described = harness.aws.describe_identity().identity_id(&alice).send().await.unwrap();
    assert_eq!(described.logins(), [PROVIDER]);
}

#[tokio::test]
async fn a_deleted_identity_is_gone_and_its_user_new() {
    let harness = Harness::start().await;
    let (alice, token) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    assert_eq!(harness.delete(&[&alice, &alice]).await, []);
    let left = harness.delete(&[&alice, MISSING]).await;
    let denied = |id: &str| (id.to_owned(), "AccessDenied".to_owned());
    let mut expected = [denied(&alice), denied(MISSING)];
    expected.sort();
    assert_eq!(left, expected, "unknown ids");

    let error = harness.aws.describe_identity().identity_id(&alice).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let own = json!({"cognito-identity.amazonaws.com": token});
    let rejected = harness.call("GetOpenIdToken", json!({"IdentityId": alice, "Logins": own})).await;
    assert_eq!(rejected.error(), (400, "ResourceNotFoundException"));
    assert_ne!(harness.vend("alice").await.0, alice);
    assert_eq!(harness.vend("bob").await.0, bob);
}

#[tokio::test]
async fn pages_of_identities_contain_each_one_once_while_others_are_deleted() {
    let harness = Harness::start().await;
    let mut expected = std::collections::BTreeSet::new();
    for number in 0..7 {
        expected.insert(harness.vend(&format!("user-{number}")).await.0);
    }
    harness.merge("user-0", "user-1").await.unwrap();
    let list = |hide: bool, token: Option<String>| {
        let call = harness.aws.list_identities().identity_pool_id(POOL).max_results(2).hide_disabled(hide);
        call.set_next_token(token).send()
    };
    for hide in [false, true] {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = list(hide, token).await.unwrap();
            assert!(page.identities().len() <= 2);
            seen.extend(page.identities().iter().map(|identity| identity.identity_id().unwrap().to_owned()));
            // The last returned identity is deleted, which must not affect the next page.
            token = page.next_token;
            if token.is_none() {
                break;
            }
            if hide {
                let last = seen.last().unwrap();
                assert_eq!(harness.delete(&[last]).await, []);
            }
        }
        assert_eq!(seen.len(), if hide { 6 } else { 7 });
        assert!(seen.iter().all(|id| expected.contains(id)));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), if hide { 6 } else { 7 }, "each once");
    }
}
