//! What survives a restart, and what happens to a file that is no state file.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tokenvend::clock::SystemClock;
use tokenvend::emulator::{Settings, StartError, StateFileError, start};

use super::{Harness, settings};

/// A directory of the test's own, removed with it.
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
    // The same seed twice: the second run must not give out the first one's ids again.
    let kept = || Settings { state_file: Some(directory.file()), signing_key: None, ..settings() };

    let first = Harness::with(kept()).await;
    let (alice, token) = first.vend("alice").await;
    let pool = first.aws.create_identity_pool().identity_pool_name("kept");
    let pool = pool.allow_unauthenticated_identities(true).send().await.unwrap().identity_pool_id;
    first.emulator.stop().await;

    let second = Harness::with(kept()).await;
    second.verified(&token).await;
    assert_ne!(second.vend("bob").await.0, alice);
    assert_eq!(second.vend("alice").await.0, alice);
    let described = second.aws.describe_identity_pool().identity_pool_id(pool).send().await.unwrap();
    assert_eq!(described.identity_pool_name(), "kept");
    second.emulator.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owner_s_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = Directory::new("mode");
    let harness = Harness::with(Settings { state_file: Some(directory.file()), ..settings() }).await;
    let mode = fs::metadata(directory.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    harness.emulator.stop().await;
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_as_it_is() {
    let directory = Directory::new("damaged");
    for damage in ["", "not json", r#"{"version":99}"#, r#"{"version":1,"signingKeys":[]}"#] {
        fs::write(directory.file(), damage).unwrap();
        let settings = Settings { state_file: Some(directory.file()), ..settings() };
        let fault = start(settings, Arc::new(SystemClock::new())).await.unwrap_err();
        assert!(matches!(fault, StartError::StateFile(StateFileError::Damaged { .. })), "{fault:?}");
        assert!(fault.to_string().contains("state.json"), "{fault}");
        assert_eq!(fs::read_to_string(directory.file()).unwrap(), damage);
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_known_at_the_start() {
    let directory = Directory::new("unwritable");
    let nowhere = directory.0.join("missing").join("state.json");
    let settings = Settings { state_file: Some(nowhere), ..settings() };
    let fault = start(settings, Arc::new(SystemClock::new())).await.unwrap_err();
    assert!(matches!(fault, StartError::StateFile(StateFileError::Write { .. })), "{fault:?}");
}
