//! Merging, unlinking and deleting: whose login is whose afterwards, and who gets in.

use serde_json::json;

use super::{Harness, POOL, PROVIDER, public_login, with_guests};

const MISSING: &str = "us-east-1:00000000-0000-4000-8000-00000000dead";

impl Harness {
    async fn merge(&self, source: &str, destination: &str) -> Result<String, String> {
        let call = self.aws.merge_developer_identities().identity_pool_id(POOL);
        let call = call.developer_provider_name(PROVIDER);
        let call = call.source_user_identifier(source).destination_user_identifier(destination);
        call.send().await.map(|output| output.identity_id.unwrap()).map_err(|fault| error_name(&fault))
    }

    async fn unlink(&self, identity: &str, user: &str) -> Result<(), String> {
        let call = self.aws.unlink_developer_identity().identity_pool_id(POOL).identity_id(identity);
        let call = call.developer_provider_name(PROVIDER).developer_user_identifier(user);
        call.send().await.map(drop).map_err(|fault| error_name(&fault))
    }

    async fn link_public(&self, user: &str, provider: &str, public: &str) {
        let call = self.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
        call.logins(PROVIDER, user).logins(provider, public).send().await.unwrap();
    }

    /// The ids that deleting left unprocessed.
    async fn delete(&self, identities: &[&str]) -> Vec<(String, String)> {
        let ids = identities.iter().map(|id| (*id).to_owned()).collect();
        let output = self.aws.delete_identities().set_identity_ids_to_delete(Some(ids)).send().await.unwrap();
        let unprocessed = output.unprocessed_identity_ids.unwrap_or_default().into_iter();
        unprocessed
            .map(|left| (left.identity_id.unwrap(), left.error_code.unwrap().as_str().to_owned()))
            .collect()
    }
}

fn error_name(fault: &impl aws_sdk_cognitoidentity::error::ProvideErrorMetadata) -> String {
    fault.code().unwrap().to_owned()
}

#[tokio::test]
async fn a_merged_user_has_the_other_s_identity_and_its_own_is_closed() {
    let harness = Harness::with(with_guests()).await;
    let (source, token) = harness.vend("source").await;
    let (destination, _) = harness.vend("destination").await;
    harness.link_public("source", "accounts.google.com", "g-source").await;

    assert_eq!(harness.merge("source", "destination").await, Ok(destination.clone()));
    assert_eq!(harness.vend("source").await.0, destination);
    let by_google =
        harness.call("GetId", json!({"IdentityPoolId": POOL, "Logins": public_login("g-source")})).await;
    assert_eq!(by_google.body["IdentityId"], destination, "public logins move along");

    // Neither as a guest, nor by a token that it once had, nor by linking somebody to it.
    let own = json!({"cognito-identity.amazonaws.com": token});
    for input in [json!({"IdentityId": source}), json!({"IdentityId": source, "Logins": own})] {
        for operation in ["GetOpenIdToken", "GetCredentialsForIdentity"] {
            let refused = harness.call(operation, input.clone()).await;
            assert_eq!(refused.error(), (400, "ResourceNotFoundException"), "{operation} {input}");
        }
    }
    let call = harness.aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let fault = call.identity_id(&source).logins(PROVIDER, "eve").send().await.unwrap_err();
    assert!(fault.into_service_error().is_resource_not_found_exception());
    let described = harness.aws.describe_identity().identity_id(&source).send().await.unwrap();
    assert!(described.logins().is_empty());

    assert_eq!(harness.merge("source", "destination").await, Ok(destination), "repeated, it is as it was");
}

#[tokio::test]
async fn a_merge_has_at_most_twenty_logins_together() {
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
async fn a_merge_that_makes_no_sense_is_refused_and_changes_nothing() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    assert_eq!(harness.merge("alice", "nobody").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.merge("nobody", "alice").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.merge("alice", "alice").await, Err("InvalidParameterException".to_owned()));

    harness.link_public("alice", "accounts.google.com", "g-alice").await;
    harness.link_public("bob", "accounts.google.com", "g-bob").await;
    assert_eq!(harness.merge("alice", "bob").await, Err("ResourceConflictException".to_owned()));
    assert_eq!((harness.vend("alice").await.0, harness.vend("bob").await.0), (alice, bob));
}

#[tokio::test]
async fn an_unlinked_user_is_new_the_next_time() {
    let harness = Harness::start().await;
    let (alice, _) = harness.vend("alice").await;
    let (bob, _) = harness.vend("bob").await;
    assert_eq!(harness.unlink(&alice, "bob").await, Err("ResourceConflictException".to_owned()));
    assert_eq!(harness.unlink(&alice, "nobody").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.unlink(MISSING, "alice").await, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(harness.unlink(&alice, "alice").await, Ok(()));
    let (again, _) = harness.vend("alice").await;
    assert!(again != alice && again != bob, "{again}");
    assert_eq!(harness.unlink(&alice, "alice").await, Err("ResourceConflictException".to_owned()));
}

#[tokio::test]
async fn a_public_login_is_unlinked_by_whoever_proves_to_be_the_user() {
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
    assert_eq!(left, expected, "ids that nobody has");

    let fault = harness.aws.describe_identity().identity_id(&alice).send().await.unwrap_err();
    assert!(fault.into_service_error().is_resource_not_found_exception());
    let own = json!({"cognito-identity.amazonaws.com": token});
    let refused = harness.call("GetOpenIdToken", json!({"IdentityId": alice, "Logins": own})).await;
    assert_eq!(refused.error(), (400, "ResourceNotFoundException"));
    assert_ne!(harness.vend("alice").await.0, alice);
    assert_eq!(harness.vend("bob").await.0, bob);
}

#[tokio::test]
async fn pages_of_identities_give_each_one_once_while_others_come_and_go() {
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
            // The last one given goes: the next page must not mind.
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
