//! The temporary credentials that were given out: whoever signs with them is known until they end.
//!
//! They are kept in memory only, the latest ten thousand. Those that have ended stay among them, so that a
//! client is told that they have ended and not that nobody knows them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::principal::RoleSession;
use clock::Timestamp;

/// How many are remembered. A load test may ask for credentials without end.
const MOST_REMEMBERED: usize = 10_000;
/// How long a session token is when nobody wants a longer one.
const SESSION_TOKEN_SIZE: usize = 200;

/// Credentials of the right shape, good for signing calls to this emulator.
pub(super) struct TemporaryCredentials {
    pub(super) access_key_id: String,
    pub(super) secret: String,
    pub(super) session_token: String,
    pub(super) expires: Timestamp,
    pub(super) session: Arc<RoleSession>,
}

impl fmt::Debug for TemporaryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporaryCredentials").field("id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The terms on which credentials are given out.
pub(super) struct CredentialTerms {
    pub(super) from: Timestamp,
    pub(super) life: Duration,
    /// How many characters the session token has at least.
    pub(super) session_token_size: usize,
}

impl CredentialTerms {
    /// The usual terms.
    pub(super) fn new(from: Timestamp, life: Duration) -> Self {
        Self { from, life, session_token_size: SESSION_TOKEN_SIZE }
    }
}

/// Those that are remembered.
#[derive(Debug, Default)]
pub(super) struct TemporaryCredentialStore(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    by_key: HashMap<String, Arc<TemporaryCredentials>>,
    oldest_first: VecDeque<String>,
}

impl TemporaryCredentialStore {
    /// Makes credentials for a session. From a plain random source: nothing else in the world accepts them.
    pub(super) fn begin(
        &self,
        mut random: Rng,
        session: RoleSession,
        lease: &CredentialTerms,
    ) -> Arc<TemporaryCredentials> {
        // In whole seconds, because that is what STS can say of it.
        let expires = Timestamp::from_secs(lease.from.as_secs()) + lease.life;
        let credentials = Arc::new(TemporaryCredentials {
            access_key_id: format!("ASIA{}", random_text(&mut random, 16).to_ascii_uppercase()),
            secret: random_text(&mut random, 40),
            session_token: random_text(&mut random, lease.session_token_size),
            expires,
            session: Arc::new(session),
        });
        let remembered = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = credentials.access_key_id.clone();
        remembered.oldest_first.push_back(id.clone());
        remembered.by_key.insert(id, Arc::clone(&credentials));
        if remembered.oldest_first.len() > MOST_REMEMBERED
            && let Some(oldest) = remembered.oldest_first.pop_front()
        {
            remembered.by_key.remove(&oldest);
        }
        credentials
    }

    /// The credentials of that access key.
    pub(super) fn find(&self, access_key_id: &str) -> Option<Arc<TemporaryCredentials>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_key.get(access_key_id).cloned()
    }

    /// Who has which role until when, oldest first; nothing in it lets anybody sign.
    pub(super) fn to_json(&self, now: Timestamp) -> Value {
        let remembered = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let credentials = remembered.oldest_first.iter().filter_map(|id| remembered.by_key.get(id));
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

fn random_text(random: &mut Rng, length: usize) -> String {
    std::iter::repeat_with(|| random.alphanumeric()).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::RoleArn;
    use cognito_types::PrincipalTags;

    fn session() -> RoleSession {
        RoleSession {
            role: RoleArn::of("123456789012", "App"),
            name: "alice".to_owned(),
            tags: PrincipalTags::none(),
        }
    }

    #[test]
    fn the_oldest_are_forgotten_first_and_memory_stays_bounded() {
        let (sessions, mut random) = (TemporaryCredentialStore::default(), Rng::with_seed(1));
        let lease = CredentialTerms::new(Timestamp::from_secs(1_000), Duration::from_secs(1));
        let mut begin = || sessions.begin(random.fork(), session(), &lease);
        let first = begin();
        let second = begin();
        for _ in 1..MOST_REMEMBERED {
            begin();
        }
        assert!(sessions.find(&first.access_key_id).is_none());
        assert!(sessions.find(&second.access_key_id).is_some(), "an ended one is still known");
        assert_eq!(sessions.0.lock().unwrap().by_key.len(), MOST_REMEMBERED);
        assert_eq!(sessions.to_json(first.expires)["sessions"], json!([]), "but not among the live ones");
    }

    #[test]
    fn credentials_never_show_what_signs() {
        let lease = CredentialTerms::new(Timestamp::from_secs(1_000), Duration::ZERO);
        let credentials = TemporaryCredentialStore::default().begin(Rng::with_seed(1), session(), &lease);
        let shown = format!("{credentials:?}");
        assert!(!shown.contains(&credentials.secret) && !shown.contains(&credentials.session_token));
    }
}
