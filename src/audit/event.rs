//! What stands in the audit trail. Every field is explained in docs/audit.md, and none can hold a secret: of a
//! token there is its SHA-256 digest, of a refused credential only why it was refused.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::metrics::labels::{Label as _, Source};
use crate::tls::PeerCertificate;
use clock::Timestamp;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A token.
    Vend,
    /// That the caller's cached tokens be forgotten.
    Forget,
    /// That logins be linked to the caller's identity.
    Link,
    /// AWS credentials.
    Credentials,
    /// By an administrator: the identity of a user.
    LookUp,
    /// By an administrator: what is known of an identity.
    Describe,
    /// By an administrator: the identities of a pool.
    List,
    /// By an administrator: that a user's cached tokens be forgotten.
    Purge,
    /// By an administrator: that two users become one.
    Merge,
    /// By an administrator: that a user be taken off an identity.
    Unlink,
    /// By an administrator: that identities be deleted.
    Delete,
}

impl Action {
    /// Whether only administrators can do it.
    pub fn is_administrators(self) -> bool {
        match self {
            Self::LookUp
            | Self::Describe
            | Self::List
            | Self::Purge
            | Self::Merge
            | Self::Unlink
            | Self::Delete => true,
            Self::Vend | Self::Forget | Self::Link | Self::Credentials => false,
        }
    }

    /// Whether it cannot be taken back, and so is told of before it is begun.
    pub fn is_announced(self) -> bool {
        matches!(self, Self::Merge | Self::Unlink | Self::Delete)
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is about to be done; another event tells the end.
    Begun,
    /// It was done.
    Done,
    /// No: the caller's side has to change something.
    Refused,
    /// It could not be done: trouble on our side or on Cognito's.
    Failed,
}

impl Outcome {
    /// What an answer's HTTP status says of it.
    pub fn of_status(status: u16) -> Self {
        match status {
            0..400 => Self::Done,
            400..500 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// One event. What is not known of a request is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// When it was answered or begun.
    #[serde(serialize_with = "moment")]
    pub time: Timestamp,
    /// What was asked for.
    pub act: Action,
    /// What came of it.
    pub outcome: Outcome,
    /// The HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The name of the problem that was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a str>,
    /// Why the caller's credential was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The request's id, as in the log and in the answer.
    pub request_id: &'a str,
    /// The address that the request was first sent from, as far as trusted proxies vouch for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// The certificate that the other end of the connection has proved to hold.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    pub client_certificate: Option<Arc<PeerCertificate>>,
    /// The way of authenticating that verified the caller, by its name in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<&'a str>,
    /// Who vouched for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<&'a str>,
    /// The service that acted for the user, where the user did not come itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
    /// The developer user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    /// The pool's name in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<&'a str>,
    /// Cognito's id of the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_pool_id: Option<&'a str>,
    /// The identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<&'a str>,
    /// What else an administrator's act is about.
    #[serde(flatten)]
    pub identities: RelatedIdentities<'a>,
    /// The token that was handed out.
    #[serde(flatten)]
    pub token: Option<TokenDetails<'a>>,
    /// The AWS credentials that were handed out.
    #[serde(flatten)]
    pub credentials: Option<CredentialsDetails<'a>>,
    /// How long the answer took.
    #[serde(rename = "tookMs", serialize_with = "milliseconds", skip_serializing_if = "Option::is_none")]
    pub took: Option<Duration>,
}

/// What an act is about, besides the event's own user and identity.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelatedIdentities<'a> {
    /// The user into whom the event's own was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into_user: Option<&'a str>,
    /// The identity that both have since. The event's own was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into_identity_id: Option<&'a str>,
    /// What is to be linked: public providers, or a guest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<&'a str>,
    /// The identities that were to be deleted together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity_ids: Vec<&'a str>,
    /// Those of them that were not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undeleted_identity_ids: Vec<&'a str>,
}

/// A rendered event.
#[derive(Debug)]
pub struct SerializedEvent(pub(super) Vec<u8>);

/// What is told of a token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenDetails<'a> {
    /// Where it came from.
    #[serde(serialize_with = "source")]
    pub source: Source,
    /// The SHA-256 digest of its text.
    #[serde(rename = "tokenSha256", serialize_with = "hex")]
    pub digest: [u8; 32],
    /// The life that was asked for it.
    pub token_duration_seconds: u32,
    /// When it ends.
    #[serde(serialize_with = "moment")]
    pub expires_at: Timestamp,
    /// Its principal tags.
    #[serde(flatten)]
    pub tags: Option<Tags<'a>>,
    /// AWS's id of the call that minted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_request_id: Option<&'a str>,
}

/// What is told of AWS credentials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsDetails<'a> {
    /// Where they came from.
    #[serde(serialize_with = "source")]
    pub source: Source,
    /// What CloudTrail names them by. No secret.
    pub access_key_id: &'a str,
    /// When they end.
    #[serde(serialize_with = "moment")]
    pub expires_at: Timestamp,
    /// AWS's id of the call that gave them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_request_id: Option<&'a str>,
}

/// Principal tags, as much of them as is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tags<'a> {
    /// Their keys.
    TagKeys(Vec<&'a str>),
    /// Keys and values.
    Tags(BTreeMap<&'a str, &'a str>),
}

impl Event<'_> {
    /// The event as a line of JSON, its end included.
    pub fn line(&self) -> SerializedEvent {
        let mut line = Vec::with_capacity(768);
        // Writing to memory does not fail, and there is no map here whose keys are no texts.
        let _ = serde_json::to_writer(&mut line, self);
        line.push(b'\n');
        SerializedEvent(line)
    }
}

fn shared<T: Serialize, S: Serializer>(shared: &Option<Arc<T>>, into: S) -> Result<S::Ok, S::Error> {
    shared.as_deref().serialize(into)
}

fn moment<S: Serializer>(moment: &Timestamp, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(&moment.to_rfc3339_millis())
}

fn milliseconds<S: Serializer>(duration: &Option<Duration>, into: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_micros() as f64 / 1000.0).serialize(into)
}

fn source<S: Serializer>(source: &Source, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(source.text())
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
            act: Action::Vend,
            outcome: Outcome::of_status(200),
            status: Some(200),
            problem: None,
            reason: None,
            request_id: "edge-1",
            client: Some(IpAddr::from([192, 0, 2, 7])),
            client_certificate: None,
            way: Some("app"),
            issuer: Some("https://app.example"),
            service: None,
            user: Some("a\u{2028}\"b"),
            pool: Some("main"),
            identity_pool_id: Some("us-east-1:1-2"),
            identity_id: Some("us-east-1:abc"),
            identities: RelatedIdentities::default(),
            token,
            credentials: None,
            took: Some(Duration::from_micros(12_345)),
        }
    }

    fn token(tags: Option<Tags<'_>>) -> TokenDetails<'_> {
        TokenDetails {
            source: Source::Miss,
            digest: [0xa0; 32],
            token_duration_seconds: 900,
            expires_at: Timestamp::from_secs(1_767_226_500),
            tags,
            aws_request_id: None,
        }
    }

    fn read(event: &Event<'_>) -> Value {
        let SerializedEvent(line) = event.line();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line, whatever is in it");
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn an_event_is_one_flat_line_of_json() {
        let tags = Tags::Tags(BTreeMap::from([("team", "red")]));
        assert_eq!(
            read(&event(Some(token(Some(tags))))),
            json!({
                "time": "2026-01-01T00:00:00.250Z", "act": "vend", "outcome": "done", "status": 200,
                "requestId": "edge-1", "client": "192.0.2.7", "way": "app", "issuer": "https://app.example",
                "user": "a\u{2028}\"b", "pool": "main", "identityPoolId": "us-east-1:1-2",
                "identityId": "us-east-1:abc", "source": "miss", "tokenSha256": "a0".repeat(32),
                "tokenDurationSeconds": 900, "expiresAt": "2026-01-01T00:15:00.000Z",
                "tags": {"team": "red"}, "tookMs": 12.345,
            })
        );
    }

    #[test]
    fn tags_are_told_with_their_values_or_by_their_keys_alone() {
        let told = read(&event(Some(token(Some(Tags::TagKeys(vec!["role", "team"]))))));
        assert_eq!(told["tagKeys"], json!(["role", "team"]));
        assert!(told.get("tags").is_none());
        assert!(read(&event(None)).get("tokenSha256").is_none());
    }
}
