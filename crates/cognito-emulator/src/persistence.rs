//! Persistence of identities, pools and signing keys in a file.
//!
//! The file is replaced as a whole: written to a temporary file, flushed to disk, renamed. An unreadable file is never
//! overwritten. One task writes. It collects the changes of [`WRITE_DELAY`], so that a load test causes a few writes a
//! second and not one per request.

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

use crate::emulator::Emulator;
use crate::keys::{KeyRing, SigningKey};
use crate::pool::{Pool, PoolRoles, PoolSettings, TagMap};
use crate::state::{Identity, Login, Snapshot};
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId};

/// The version of the file format. Other versions are rejected.
const VERSION: u32 = 1;
/// The time for which changes are collected before they are written.
const WRITE_DELAY: Duration = Duration::from_millis(200);

/// Why the state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file exists but cannot be read.
    #[error("the state file {} cannot be read", path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file's content is invalid.
    #[error("the state file {} is damaged: {reason}; repair it, or move it away to start without state", path.display())]
    Damaged {
        /// The path of the file.
        path: PathBuf,
        /// What is invalid, and where.
        reason: String,
    },
    /// The file cannot be written.
    #[error("the state file {} cannot be written", path.display())]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The operating system's error.
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
    // Written only if set: earlier releases can read a file without newer members.
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
    // Written only if true.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    created_millis: i64,
    modified_millis: i64,
}

/// The content of a state file.
#[derive(Debug)]
pub(crate) struct SavedState {
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) snapshot: Snapshot,
}

/// Loads the file. A missing file is not an error.
pub(crate) fn load(path: &Path) -> Result<Option<SavedState>, StateFileError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateFileError::Read { path: path.to_owned(), source }),
    };
    parse(&text).map(Some).map_err(|error| damaged(path, error))
}

/// The error for invalid content.
pub(crate) fn damaged(path: &Path, reason: String) -> StateFileError {
    StateFileError::Damaged { path: path.to_owned(), reason }
}

fn parse(text: &[u8]) -> Result<SavedState, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }

    // The version first: the error for a newer format names the version and not some member.
    let Versioned { version } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("it has version {version}, and this emulator reads version {VERSION}"));
    }
    let document: Document = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if document.signing_keys.is_empty() {
        return Err("it has no signing key".to_owned());
    }
    let keys = document.signing_keys.iter().enumerate().map(|(at, text)| {
        let key = STANDARD.decode_to_vec(text).ok().and_then(|der| SigningKey::from_pkcs8(&der));
        key.ok_or_else(|| format!("signingKeys[{at}] is not an RSA-2048 key in PKCS #8"))
    });
    let pools = document.pools.into_iter().enumerate().map(|(at, saved)| {
        let id = IdentityPoolId::parse(&saved.id).map_err(|error| format!("pools[{at}].id: {error}"))?;
        saved.settings.check().map_err(|error| format!("pools[{at}].settings: {}", error.message))?;
        if let Some(roles) = &saved.roles {
            roles.check().map_err(|error| format!("pools[{at}].roles: {}", error.message))?;
        }
        let pool = Pool::new(id, saved.settings);
        Ok(Arc::new(Pool { roles: saved.roles, tag_maps: saved.tag_maps, ..pool }))
    });
    let identities = document.identities.into_iter().enumerate().map(|(at, saved)| {
        let id = IdentityId::parse(&saved.id).map_err(|error| format!("identities[{at}].id: {error}"))?;
        let pool = IdentityPoolId::parse(&saved.pool).map_err(|error| format!("identities[{at}].pool: {error}"))?;
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

pub(crate) fn save(path: &Path, keys: &KeyRing, snapshot: &Snapshot) -> Result<(), StateFileError> {
    let failed = |source| StateFileError::Write { path: path.to_owned(), source };
    let document = document(keys, snapshot).map_err(failed)?;
    let text = serde_json::to_vec(&document).map_err(|error| failed(error.into()))?;

    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let written = create_private(Path::new(&temporary))
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(failed)
}

fn document(keys: &KeyRing, snapshot: &Snapshot) -> io::Result<Document> {
    let unwritable = |_| io::Error::other("a signing key cannot be encoded");
    let keys = keys.all();
    let keys = keys.iter().map(|key| key.key.to_pkcs8().map(|der| STANDARD.encode_to_string(der)).map_err(unwritable));
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

/// Creates a file that only its owner can read: it contains private keys.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The background task that writes the file.
#[derive(Debug)]
pub(crate) struct StateSaver {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl StateSaver {
    /// Writes the state of `emulator` to `path` after changes.
    pub(crate) fn spawn(path: PathBuf, emulator: Arc<Emulator>) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let mut changes = emulator.lock_state().subscribe();
        let task = tokio::spawn(async move {
            let mut unwritten = false;
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    changed = changes.changed() => if changed.is_err() { break },
                }
                // Stopping the emulator does not wait for the delay.
                let stopping = tokio::select! {
                    _ = &mut stopped => true,
                    () = emulator.wait_clock.sleep(WRITE_DELAY) => false,
                };
                changes.mark_unchanged();
                unwritten = !write(&path, &emulator).await;
                if stopping {
                    return;
                }
            }
            if unwritten || changes.has_changed().unwrap_or(false) {
                write(&path, &emulator).await;
            }
        });
        Self { stop, task }
    }

    /// Writes pending changes and ends the task.
    pub(crate) async fn stop(self) {
        // Either error means that the task has already ended.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Whether the write succeeded. After a failure, the next change or the end retries.
async fn write(path: &Path, emulator: &Arc<Emulator>) -> bool {
    let (path, emulator) = (path.to_owned(), Arc::clone(emulator));
    let written = tokio::task::spawn_blocking(move || {
        let snapshot = emulator.lock_state().snapshot();
        save(&path, &emulator.keys, &snapshot)
    });
    let error = match written.await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => with_source(&error),
        Err(error) => error.to_string(),
    };
    tracing::error!(error = %error, "writing the state file failed");
    false
}

fn with_source(error: &StateFileError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_the_file_names_its_position() {
        let key = STANDARD.encode_to_string(SigningKey::generate().unwrap().to_pkcs8().unwrap());
        let document = |rest: &str| format!(r#"{{"version":1,"signingKeys":["{key}"],{rest}}}"#);
        assert!(parse(document(r#""pools":[],"identities":[]"#).as_bytes()).is_ok());
        for (bad, named) in [
            ("".to_owned(), "EOF"),
            (r#"{"version":2}"#.to_owned(), "version 2"),
            (r#"{"version":1,"signingKeys":[],"pools":[],"identities":[]}"#.to_owned(), "no signing key"),
            (r#"{"version":1,"signingKeys":["AA"],"pools":[],"identities":[]}"#.to_owned(), "signingKeys[0]"),
            (document(r#""pools":[{"id":"x","settings":{}}],"identities":[]"#), "pools[0].id"),
            (document(r#""pools":[],"identities":[],"more":1"#), "more"),
        ] {
            let error = parse(bad.as_bytes()).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
