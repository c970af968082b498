//! Audit events. docs/audit.md documents every field. No field can contain a secret: a token appears as its SHA-256
//! digest, a rejected credential only as the reason of its rejection.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::metrics::labels::{CacheStatus, Label as _};
use crate::tls::PeerCertificate;
use clock::Timestamp;

/// The audited action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    VendToken,
    VendCredentials,
    /// Purge of the caller's cached tokens and credentials.
    SignOut,
    /// Link of logins or a guest to the caller's identity.
    Link,
    /// By an administrator: lookup of a user's identity.
    Lookup,
    /// By an administrator: description of an identity.
    Describe,
    /// By an administrator: list of a pool's identities.
    List,
    /// By an administrator: purge of a user's cached tokens and credentials.
    Purge,
    /// By an administrator: merge of two users' identities.
    Merge,
    /// By an administrator: removal of a user from an identity.
    Unlink,
    /// By an administrator: deletion of identities.
    Delete,
}

impl Action {
    /// Whether only an administrator can do it.
    pub fn is_administrative(self) -> bool {
        match self {
            Self::Lookup | Self::Describe | Self::List | Self::Purge | Self::Merge | Self::Unlink | Self::Delete => {
                true
            }
            Self::VendToken | Self::VendCredentials | Self::SignOut | Self::Link => false,
        }
    }

    /// Whether it is administrative and cannot be undone. Its intent is recorded before it starts, so that a failure to
    /// record its outcome does not suppress the response. A link is not among them: its response has a token.
    pub fn is_irreversible(self) -> bool {
        matches!(self, Self::Merge | Self::Unlink | Self::Delete)
    }
}

/// The outcome of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The action is about to start; another event has its outcome.
    Started,
    Success,
    /// The caller has to change something.
    Denied,
    /// An error of the service or of Cognito.
    Error,
}

impl Outcome {
    /// The outcome of a response with this HTTP status.
    pub fn from_status(status: u16) -> Self {
        match status {
            0..400 => Self::Success,
            400..500 => Self::Denied,
            _ => Self::Error,
        }
    }
}

/// One event. Unknown values are left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// Time of the response, or of the start.
    #[serde(serialize_with = "timestamp")]
    pub time: Timestamp,
    pub action: Action,
    pub outcome: Outcome,
    /// None for [`Outcome::Started`].
    #[serde(flatten)]
    pub response: Option<ResponseDetails<'a>>,
    /// Why the caller's credential was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The request's id, as in the log and in the response.
    pub request_id: &'a str,
    /// The client's address, as far as trusted proxies report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// The verified certificate of the peer.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    pub client_certificate: Option<Arc<PeerCertificate>>,
    /// The authenticator that verified the caller, by its name in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticator: Option<&'a str>,
    /// The issuer of the caller's credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<&'a str>,
    /// The service that acted as the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
    /// The developer user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    #[serde(flatten)]
    pub pool: Option<PoolDetails<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<&'a str>,
    #[serde(flatten)]
    pub identities: RelatedIdentities<'a>,
    /// The vended token.
    #[serde(flatten)]
    pub token: Option<TokenDetails<'a>>,
    /// The vended AWS credentials.
    #[serde(flatten)]
    pub credentials: Option<CredentialsDetails<'a>>,
}

/// Details of the response.
#[derive(Debug, Serialize)]
pub struct ResponseDetails<'a> {
    /// HTTP status.
    pub status: u16,
    /// Code of the problem in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a str>,
    /// Time from the request's head to it.
    #[serde(rename = "durationMs", serialize_with = "milliseconds")]
    pub duration: Duration,
}

/// The pool that the request concerns.
#[derive(Debug, Serialize)]
pub struct PoolDetails<'a> {
    /// Its name in the configuration.
    #[serde(rename = "pool")]
    pub name: &'a str,
    /// Cognito's id of it.
    #[serde(rename = "identityPoolId")]
    pub id: &'a str,
}

/// What the action concerns besides the event's own user and identity.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelatedIdentities<'a> {
    /// The user into whom the event's user was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_user: Option<&'a str>,
    /// The identity of both users after a merge. The event's identity was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_identity_id: Option<&'a str>,
    /// What is to be linked: public providers, or a guest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<&'a str>,
    /// The identities to be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity_ids: Vec<&'a str>,
    /// Those of them that were not deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_identity_ids: Vec<&'a str>,
}

/// A serialized event.
#[derive(Debug)]
pub struct SerializedEvent(pub(super) Vec<u8>);

/// Details of a vended token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenDetails<'a> {
    #[serde(serialize_with = "label")]
    pub cache: CacheStatus,
    /// The SHA-256 digest of its text.
    #[serde(rename = "tokenSha256", serialize_with = "hex")]
    pub digest: [u8; 32],
    /// The requested lifetime.
    pub token_duration_seconds: u32,
    #[serde(serialize_with = "timestamp")]
    pub expires_at: Timestamp,
    /// Its principal tags.
    #[serde(flatten)]
    pub tags: Option<Tags<'a>>,
    /// AWS's request id of the call that minted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_request_id: Option<&'a str>,
}

/// Details of vended AWS credentials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsDetails<'a> {
    #[serde(serialize_with = "label")]
    pub cache: CacheStatus,
    /// Their name in CloudTrail. Not a secret.
    pub access_key_id: &'a str,
    #[serde(serialize_with = "timestamp")]
    pub expires_at: Timestamp,
    /// AWS's request id of the call that returned them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_request_id: Option<&'a str>,
}

/// Principal tags, in the configured detail.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tags<'a> {
    /// Their keys.
    TagKeys(Vec<&'a str>),
    /// Keys and values.
    Tags(BTreeMap<&'a str, &'a str>),
}

impl Event<'_> {
    /// The event as a line of JSON, with the line feed.
    pub fn to_line(&self) -> SerializedEvent {
        let mut line = Vec::with_capacity(768);
        // Writing to memory does not fail, and all keys are strings.
        let _ = serde_json::to_writer(&mut line, self);
        line.push(b'\n');
        SerializedEvent(line)
    }
}

fn shared<T: Serialize, S: Serializer>(shared: &Option<Arc<T>>, into: S) -> Result<S::Ok, S::Error> {
    shared.as_deref().serialize(into)
}

fn timestamp<S: Serializer>(timestamp: &Timestamp, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(&timestamp.to_rfc3339_millis())
}

fn milliseconds<S: Serializer>(duration: &Duration, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_f64(duration.as_micros() as f64 / 1000.0)
}

fn label<S: Serializer>(status: &CacheStatus, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(status.text())
}

fn hex<S: Serializer>(digest: &[u8; 32], into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(&hex::encode(digest))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(token: Option<TokenDetails<'_>>) -> Event<'_> {
        Event {
            time: Timestamp::from_millis(1_767_225_600_250),
            action: Action::VendToken,
            outcome: Outcome::from_status(200),
            response: Some(ResponseDetails { status: 200, problem: None, duration: Duration::from_micros(12_345) }),
            reason: None,
            request_id: "edge-1",
            client: Some(IpAddr::from([192, 0, 2, 7])),
            client_certificate: None,
            authenticator: Some("app"),
            issuer: Some("https://app.example"),
            service: None,
            user: Some("a\u{2028}\"b"),
            pool: Some(PoolDetails { name: "main", id: "us-east-1:1-2" }),
            identity_id: Some("us-east-1:abc"),
            identities: RelatedIdentities::default(),
            token,
            credentials: None,
        }
    }

    fn token(tags: Option<Tags<'_>>) -> TokenDetails<'_> {
        TokenDetails {
            cache: CacheStatus::Miss,
            digest: [0xa0; 32],
            token_duration_seconds: 900,
            expires_at: Timestamp::from_secs(1_767_226_500),
            tags,
            aws_request_id: None,
        }
    }

    fn read(event: &Event<'_>) -> Value {
        let SerializedEvent(line) = event.to_line();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line, whatever it contains");
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn an_event_is_one_flat_line_of_json() {
        let tags = Tags::Tags(BTreeMap::from([("team", "red")]));
        assert_eq!(
            read(&event(Some(token(Some(tags))))),
            json!({
                "time": "2026-01-01T00:00:00.250Z", "action": "vend-token", "outcome": "success", "status": 200,
                "requestId": "edge-1", "client": "192.0.2.7", "authenticator": "app", "issuer": "https://app.example",
                "user": "a\u{2028}\"b", "pool": "main", "identityPoolId": "us-east-1:1-2",
                "identityId": "us-east-1:abc", "cache": "miss", "tokenSha256": "a0".repeat(32),
                "tokenDurationSeconds": 900, "expiresAt": "2026-01-01T00:15:00.000Z",
                "tags": {"team": "red"}, "durationMs": 12.345,
            })
        );
    }

    #[test]
    fn tags_are_serialized_with_their_values_or_as_keys_only() {
        let read_back = read(&event(Some(token(Some(Tags::TagKeys(vec!["role", "team"]))))));
        assert_eq!(read_back["tagKeys"], json!(["role", "team"]));
        assert!(read_back.get("tags").is_none());
        assert!(read(&event(None)).get("tokenSha256").is_none());
    }
}
