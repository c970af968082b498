//! Persistence over a restart, and invalid state files.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clock::SystemClock;
use cognito_emulator::{PoolSeed, RoleArn, Settings, StartError, StateFileError, start};
use serde_json::{Value, json};

use super::{Harness, POOL, PROVIDER, settings};

/// A temporary directory of one test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.json")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn identities_pools_and_keys_survive_a_restart() {
    let directory = Directory::new("restart");
    // The same seed twice: the second run must not repeat the ids of the first.
    let persistent = || Settings { state_file: Some(directory.file()), signing_key: None, ..settings() };

    let first = Harness::with(persistent()).await;
    let (alice, token) = first.vend("alice").await;
    let pool = first.aws.create_identity_pool().identity_pool_name("kept");
    let pool = pool.allow_unauthenticated_identities(true).send().await.unwrap().identity_pool_id;
    first.emulator.stop().await;

    let second = Harness::with(persistent()).await;
    second.verified(&token).await;
    assert_ne!(second.vend("bob").await.0, alice);
    assert_eq!(second.vend("alice").await.0, alice);
    let described = second.aws.describe_identity_pool().identity_pool_id(pool).send().await.unwrap();
    assert_eq!(described.identity_pool_name(), "kept");
    second.emulator.stop().await;
}

#[tokio::test]
async fn roles_tag_maps_and_disabled_and_deleted_identities_survive_a_restart() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/Users";
    let directory = Directory::new("more");
    let persistent = || Settings { state_file: Some(directory.file()), ..settings() };

    let first = Harness::with(persistent()).await;
    let (closed, _) = first.vend("closed").await;
    let (deleted, _) = first.vend("deleted").await;
    let unlink = first.aws.unlink_developer_identity().identity_pool_id(POOL).identity_id(&closed);
    let unlink = unlink.developer_provider_name(PROVIDER).developer_user_identifier("closed");
    unlink.send().await.unwrap();
    first.aws.delete_identities().identity_ids_to_delete(&deleted).send().await.unwrap();
    let roles = first.aws.set_identity_pool_roles().identity_pool_id(POOL).roles("authenticated", ROLE);
    roles.send().await.unwrap();
    let map = first.aws.set_principal_tag_attribute_map().identity_pool_id(POOL);
    map.identity_provider_name(PROVIDER).principal_tags("team", "group").send().await.unwrap();
    first.emulator.stop().await;

    let second = Harness::with(persistent()).await;
    let error = second.aws.describe_identity().identity_id(&deleted).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    second.aws.describe_identity().identity_id(&closed).send().await.unwrap();
    let rejected = second.call("GetOpenIdToken", json!({"IdentityId": closed})).await;
    assert_eq!(rejected.error(), (400, "ResourceNotFoundException"));
    let roles = second.aws.get_identity_pool_roles().identity_pool_id(POOL).send().await.unwrap();
    assert_eq!(roles.roles().unwrap()["authenticated"], ROLE);
    let map = second.aws.get_principal_tag_attribute_map().identity_pool_id(POOL);
    let map = map.identity_provider_name(PROVIDER).send().await.unwrap();
    assert_eq!(map.principal_tags().unwrap()["team"], "group");
    second.emulator.stop().await;
}

#[tokio::test]
async fn a_seed_overrides_the_file_only_in_the_settings_that_it_has() {
    const FIRST: &str = "arn:aws:iam::123456789012:role/First";
    let directory = Directory::new("seed");
    let persistent = |seed: PoolSeed| Settings { state_file: Some(directory.file()), pools: vec![seed], ..settings() };
    let role = |name: &str| Some(RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{name}")).unwrap());
    let roles = async |harness: &Harness| {
        let output = harness.aws.get_identity_pool_roles().identity_pool_id(POOL).send().await.unwrap();
        output.roles.unwrap()["authenticated"].clone()
    };

    let seed = PoolSeed { authenticated_role: role("First"), ..PoolSeed::default() };
    let first = Harness::with(persistent(seed)).await;
    let update = first.aws.update_identity_pool().identity_pool_id(POOL).identity_pool_name("renamed");
    let update = update.allow_unauthenticated_identities(true).allow_classic_flow(true);
    update.identity_pool_tags("team", "red").send().await.unwrap();
    first.emulator.stop().await;

    let second = Harness::with(persistent(PoolSeed::default())).await;
    assert_eq!(roles(&second).await, FIRST, "the seed has no roles");
    let pool = second.aws.describe_identity_pool().identity_pool_id(POOL).send().await.unwrap();
    assert!(!pool.allow_unauthenticated_identities(), "the seed does not allow guests");
    assert_eq!((pool.allow_classic_flow(), pool.identity_pool_tags().unwrap().len()), (Some(true), 1));
    second.emulator.stop().await;

    let seed = PoolSeed { authenticated_role: role("Second"), ..PoolSeed::default() };
    let third = Harness::with(persistent(seed)).await;
    assert!(roles(&third).await.ends_with("/Second"));
    third.emulator.stop().await;
}

#[tokio::test]
async fn a_file_of_a_release_without_roles_is_read() {
    let directory = Directory::new("old");
    let persistent = || Settings { state_file: Some(directory.file()), signing_key: None, ..settings() };
    let first = Harness::with(persistent()).await;
    let (alice, token) = first.vend("alice").await;
    first.emulator.stop().await;

    // The format of the first release: these members only.
    let now: Value = serde_json::from_slice(&fs::read(directory.file()).unwrap()).unwrap();
    let identity = &now["identities"][0];
    let members = ["id", "pool", "logins", "createdMillis", "modifiedMillis"];
    let identity: Value = members.iter().map(|name| ((*name).to_owned(), identity[name].clone())).collect();
    let pool = json!({"id": now["pools"][0]["id"], "settings": now["pools"][0]["settings"]});
    let keys = &now["signingKeys"];
    let old = json!({"version": 1, "signingKeys": keys, "pools": [pool], "identities": [identity]});
    fs::write(directory.file(), old.to_string()).unwrap();

    let second = Harness::with(persistent()).await;
    assert_eq!(second.vend("alice").await.0, alice);
    second.verified(&token).await;
    second.emulator.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = Directory::new("mode");
    let harness = Harness::with(Settings { state_file: Some(directory.file()), ..settings() }).await;
    let mode = fs::metadata(directory.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    harness.emulator.stop().await;
}

#[tokio::test]
async fn a_damaged_file_is_named_and_not_changed() {
    let directory = Directory::new("damaged");
    for damage in ["", "not json", r#"{"version":99}"#, r#"{"version":1,"signingKeys":[]}"#] {
        fs::write(directory.file(), damage).unwrap();
        let settings = Settings { state_file: Some(directory.file()), ..settings() };
        let error = start(settings, Arc::new(SystemClock::new())).await.unwrap_err();
        assert!(matches!(error, StartError::StateFile(StateFileError::Damaged { .. })), "{error:?}");
        assert!(error.to_string().contains("state.json"), "{error}");
        assert_eq!(fs::read_to_string(directory.file()).unwrap(), damage);
    }
}

#[tokio::test]
async fn an_unwritable_path_is_reported_at_the_start() {
    let directory = Directory::new("unwritable");
    let missing = directory.0.join("missing").join("state.json");
    let settings = Settings { state_file: Some(missing), ..settings() };
    let error = start(settings, Arc::new(SystemClock::new())).await.unwrap_err();
    assert!(matches!(error, StartError::StateFile(StateFileError::Write { .. })), "{error:?}");
}
