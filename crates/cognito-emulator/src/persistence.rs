//! Keeps identities, pools and signing keys in a file, so that they survive a restart.
//!
//! The file is replaced as a whole: written beside itself, flushed to disk, renamed. A file that cannot be
//! understood is never overwritten. One task writes; changes that come while it writes, or shortly after,
//! go into the next round together, so that a load test costs a few writes a second and not one a call.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::backend::Backend;
use super::keys::{KeyRing, SigningKey};
use super::pool::{Pool, PoolRoles, PoolSettings, TagMap};
use super::state::{Identity, Login, Snapshot};
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId};

/// The layout of the file; another number is refused.
const VERSION: u32 = 1;
/// How long changes are gathered before they are written.
const GATHERING: Duration = Duration::from_millis(200);

/// Why the state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It exists, but cannot be read.
    #[error("the state file {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It was read, but is not what the emulator writes.
    #[error("the state file {} is damaged: {fault}; mend it, or move it away to start anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        fault: String,
    },
    /// It cannot be written.
    #[error("the state file {} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    version: u32,
    /// PKCS #8 in base64, oldest first.
    signing_keys: Vec<String>,
    pools: Vec<SavedPool>,
    identities: Vec<SavedIdentity>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedPool {
    id: String,
    settings: PoolSettings,
    // Written only where they were set: a file without what is new can be read by earlier releases too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roles: Option<PoolRoles>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tag_maps: BTreeMap<String, TagMap>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedIdentity {
    id: String,
    pool: String,
    logins: Vec<Login>,
    // Written only where it holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    created_millis: i64,
    modified_millis: i64,
}

/// What a state file holds.
#[derive(Debug)]
pub(super) struct SavedState {
    pub(super) keys: Vec<SigningKey>,
    pub(super) snapshot: Snapshot,
}

/// Reads the file; none is no fault.
pub(super) fn load(path: &Path) -> Result<Option<SavedState>, StateFileError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateFileError::Read { path: path.to_owned(), source }),
    };
    read(&text).map(Some).map_err(|fault| damaged(path, fault))
}

/// A file whose content contradicts itself.
pub(super) fn damaged(path: &Path, fault: String) -> StateFileError {
    StateFileError::Damaged { path: path.to_owned(), fault }
}

fn read(text: &[u8]) -> Result<SavedState, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }

    // The version first: a newer layout should be called newer, not damaged in some member.
    let Versioned { version } = serde_json::from_slice(text).map_err(|fault| fault.to_string())?;
    if version != VERSION {
        return Err(format!("it has version {version}, and this emulator reads version {VERSION}"));
    }
    let document: Document = serde_json::from_slice(text).map_err(|fault| fault.to_string())?;
    if document.signing_keys.is_empty() {
        return Err("it has no signing key".to_owned());
    }
    let keys = document.signing_keys.iter().enumerate().map(|(at, text)| {
        let key = STANDARD.decode_to_vec(text).ok().and_then(|der| SigningKey::from_pkcs8(&der));
        key.ok_or_else(|| format!("signingKeys[{at}] is no RSA-2048 key in PKCS #8"))
    });
    let pools = document.pools.into_iter().enumerate().map(|(at, saved)| {
        let id = IdentityPoolId::parse(&saved.id).map_err(|fault| format!("pools[{at}].id: {fault}"))?;
        saved.settings.check().map_err(|fault| format!("pools[{at}].settings: {}", fault.message))?;
        if let Some(roles) = &saved.roles {
            roles.check().map_err(|fault| format!("pools[{at}].roles: {}", fault.message))?;
        }
        let pool = Pool::new(id, saved.settings);
        Ok(Arc::new(Pool { roles: saved.roles, tag_maps: saved.tag_maps, ..pool }))
    });
    let identities = document.identities.into_iter().enumerate().map(|(at, saved)| {
        let id = IdentityId::parse(&saved.id).map_err(|fault| format!("identities[{at}].id: {fault}"))?;
        let pool =
            IdentityPoolId::parse(&saved.pool).map_err(|fault| format!("identities[{at}].pool: {fault}"))?;
        Ok(Arc::new(Identity {
            id,
            pool,
            logins: saved.logins,
            disabled: saved.disabled,
            created: Timestamp::from_millis(saved.created_millis),
            modified: Timestamp::from_millis(saved.modified_millis),
        }))
    });
    Ok(SavedState {
        keys: keys.collect::<Result<_, String>>()?,
        snapshot: Snapshot {
            pools: pools.collect::<Result<_, String>>()?,
            identities: identities.collect::<Result<_, String>>()?,
        },
    })
}

/// Replaces the file.
pub(super) fn save(path: &Path, keys: &KeyRing, snapshot: &Snapshot) -> Result<(), StateFileError> {
    let failed = |source| StateFileError::Write { path: path.to_owned(), source };
    let document = document(keys, snapshot).map_err(failed)?;
    let text = serde_json::to_vec(&document).map_err(|fault| failed(fault.into()))?;

    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let written = create_private(Path::new(&beside))
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(failed)
}

fn document(keys: &KeyRing, snapshot: &Snapshot) -> io::Result<Document> {
    let unwritable = |_| io::Error::other("a signing key cannot be encoded");
    let keys = keys.all();
    let keys = keys
        .iter()
        .map(|key| key.key.to_pkcs8().map(|der| STANDARD.encode_to_string(der)).map_err(unwritable));
    Ok(Document {
        version: VERSION,
        signing_keys: keys.collect::<io::Result<_>>()?,
        pools: snapshot
            .pools
            .iter()
            .map(|pool| SavedPool {
                id: pool.id.to_string(),
                settings: pool.settings.clone(),
                roles: pool.roles.clone(),
                tag_maps: pool.tag_maps.clone(),
            })
            .collect(),
        identities: snapshot
            .identities
            .iter()
            .map(|identity| SavedIdentity {
                id: identity.id.to_string(),
                pool: identity.pool.to_string(),
                logins: identity.logins.clone(),
                disabled: identity.disabled,
                created_millis: identity.created.as_millis(),
                modified_millis: identity.modified.as_millis(),
            })
            .collect(),
    })
}

/// Creates a file that only its owner can read: it holds a private key.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The task that writes the file.
#[derive(Debug)]
pub(super) struct StateSaver {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl StateSaver {
    /// Writes `service`'s state to `path` whenever it has changed.
    pub(super) fn spawn(path: PathBuf, service: Arc<Backend>) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let mut changes = service.lock_state().changes();
        let task = tokio::spawn(async move {
            let mut unwritten = false;
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    changed = changes.changed() => if changed.is_err() { break },
                }
                // Whoever stops the emulator does not wait for the gathering.
                let stopping = tokio::select! {
                    _ = &mut stopped => true,
                    () = service.wait_clock.sleep(GATHERING) => false,
                };
                changes.mark_unchanged();
                unwritten = !write(&path, &service).await;
                if stopping {
                    return;
                }
            }
            if unwritten || changes.has_changed().unwrap_or(false) {
                write(&path, &service).await;
            }
        });
        Self { stop, task }
    }

    /// Writes what is left, and ends.
    pub(super) async fn stop(self) {
        // Either failure means that the task has ended already.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Whether it went well. If not, the next change tries again, and so does the end.
async fn write(path: &Path, service: &Arc<Backend>) -> bool {
    let (path, service) = (path.to_owned(), Arc::clone(service));
    let written = tokio::task::spawn_blocking(move || {
        let snapshot = service.lock_state().snapshot();
        save(&path, &service.keys, &snapshot)
    });
    let fault = match written.await {
        Ok(Ok(())) => return true,
        Ok(Err(fault)) => report(&fault),
        Err(fault) => fault.to_string(),
    };
    tracing::error!(error = %fault, "state file not written");
    false
}

fn report(fault: &StateFileError) -> String {
    match std::error::Error::source(fault) {
        Some(source) => format!("{fault}: {source}"),
        None => fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_in_the_file_says_where_it_is() {
        let key = STANDARD.encode_to_string(SigningKey::generate().unwrap().to_pkcs8().unwrap());
        let document = |rest: &str| format!(r#"{{"version":1,"signingKeys":["{key}"],{rest}}}"#);
        assert!(read(document(r#""pools":[],"identities":[]"#).as_bytes()).is_ok());
        for (bad, named) in [
            ("".to_owned(), "EOF"),
            (r#"{"version":2}"#.to_owned(), "version 2"),
            (r#"{"version":1,"signingKeys":[],"pools":[],"identities":[]}"#.to_owned(), "no signing key"),
            (r#"{"version":1,"signingKeys":["AA"],"pools":[],"identities":[]}"#.to_owned(), "signingKeys[0]"),
            (document(r#""pools":[{"id":"x","settings":{}}],"identities":[]"#), "pools[0].id"),
            (document(r#""pools":[],"identities":[],"more":1"#), "more"),
        ] {
            let fault = read(bad.as_bytes()).unwrap_err();
            assert!(fault.contains(named), "{fault}");
        }
    }
}
