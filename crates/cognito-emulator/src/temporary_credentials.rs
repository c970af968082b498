//! Store of the temporary credentials that the emulator issued.
//!
//! In memory only, at most ten thousand. Expired credentials are not removed, so that a request signed with them gets
//! "expired" and not "unknown".

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::principal::RoleSession;
use clock::Timestamp;

/// The size of the store. A load test can request any number of credentials.
const MAX_CREDENTIALS: usize = 10_000;
/// The default length of a session token, in characters.
const DEFAULT_SESSION_TOKEN_SIZE: usize = 200;

/// Credentials in AWS's format, which only this emulator accepts.
pub(crate) struct TemporaryCredentials {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) session_token: String,
    pub(crate) expires: Timestamp,
    pub(crate) session: Arc<RoleSession>,
}

impl fmt::Debug for TemporaryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporaryCredentials").field("id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Lifetime and token size of credentials.
pub(crate) struct CredentialTerms {
    pub(crate) from: Timestamp,
    pub(crate) lifetime: Duration,
    /// The length of the session token, in characters.
    pub(crate) session_token_size: usize,
}

impl CredentialTerms {
    /// Terms with the default token size.
    pub(crate) fn new(from: Timestamp, lifetime: Duration) -> Self {
        Self { from, lifetime, session_token_size: DEFAULT_SESSION_TOKEN_SIZE }
    }
}

#[derive(Debug, Default)]
pub(crate) struct TemporaryCredentialStore(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<String, Arc<TemporaryCredentials>>,
    oldest_first: VecDeque<String>,
}

impl TemporaryCredentialStore {
    /// Issues credentials for a session. From a non-cryptographic RNG: only this emulator accepts them.
    pub(crate) fn issue(
        &self,
        mut rng: Rng,
        session: RoleSession,
        terms: &CredentialTerms,
    ) -> Arc<TemporaryCredentials> {
        // In whole seconds, the precision of STS.
        let expires = Timestamp::from_secs(terms.from.as_secs()) + terms.lifetime;
        let credentials = Arc::new(TemporaryCredentials {
            access_key_id: format!("ASIA{}", random_alphanumeric(&mut rng, 16).to_ascii_uppercase()),
            secret: random_alphanumeric(&mut rng, 40),
            session_token: random_alphanumeric(&mut rng, terms.session_token_size),
            expires,
            session: Arc::new(session),
        });
        let entries = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = credentials.access_key_id.clone();
        entries.oldest_first.push_back(id.clone());
        entries.by_key.insert(id, Arc::clone(&credentials));
        if entries.oldest_first.len() > MAX_CREDENTIALS
            && let Some(oldest) = entries.oldest_first.pop_front()
        {
            entries.by_key.remove(&oldest);
        }
        credentials
    }

    pub(crate) fn find(&self, access_key_id: &str) -> Option<Arc<TemporaryCredentials>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_key.get(access_key_id).cloned()
    }

    /// The live sessions, oldest first, without secrets and session tokens.
    pub(crate) fn to_json(&self, now: Timestamp) -> Value {
        let entries = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let credentials = entries.oldest_first.iter().filter_map(|id| entries.by_key.get(id));
        let live = credentials.filter(|credentials| now < credentials.expires);
        let sessions = live.map(|credentials| {
            json!({
                "accessKeyId": credentials.access_key_id,
                "arn": credentials.session.arn(),
                "tags": credentials.session.tags.iter().collect::<HashMap<_, _>>(),
                "expires": credentials.expires.to_rfc3339(),
            })
        });
        json!({ "sessions": sessions.collect::<Vec<_>>() })
    }
}

fn random_alphanumeric(rng: &mut Rng, length: usize) -> String {
    std::iter::repeat_with(|| rng.alphanumeric()).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_types::{PrincipalTags, RoleArn};

    fn session() -> RoleSession {
        RoleSession {
            role: RoleArn::parse("arn:aws:iam::123456789012:role/App").unwrap(),
            name: "alice".to_owned(),
            tags: PrincipalTags::none(),
        }
    }

    #[test]
    fn the_oldest_credentials_are_evicted_first_so_that_memory_is_bounded() {
        let (sessions, mut rng) = (TemporaryCredentialStore::default(), Rng::with_seed(1));
        let terms = CredentialTerms::new(Timestamp::from_secs(1_000), Duration::from_secs(1));
        let mut issue = || sessions.issue(rng.fork(), session(), &terms);
        let first = issue();
        let second = issue();
        for _ in 1..MAX_CREDENTIALS {
            issue();
        }
        assert!(sessions.find(&first.access_key_id).is_none());
        assert!(sessions.find(&second.access_key_id).is_some(), "expired credentials are not removed");
        assert_eq!(sessions.0.lock().unwrap().by_key.len(), MAX_CREDENTIALS);
        assert_eq!(sessions.to_json(first.expires)["sessions"], json!([]), "and are not listed as live");
    }

    #[test]
    fn debug_output_of_credentials_does_not_contain_secrets() {
        let terms = CredentialTerms::new(Timestamp::from_secs(1_000), Duration::ZERO);
        let credentials = TemporaryCredentialStore::default().issue(Rng::with_seed(1), session(), &terms);
        let shown = format!("{credentials:?}");
        assert!(!shown.contains(&credentials.secret) && !shown.contains(&credentials.session_token));
    }
}
