//! The answer that hands credentials out, in the format of the container credentials that AWS's SDKs ask for over
//! HTTP. They demand these four fields and take no notice of others.

use std::fmt;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::issuer::credentials::IssuedCredentials;
use crate::vending::cache_entry::{CacheEntry, CachedValue};
use clock::Timestamp;
use cognito_types::IdentityId;

/// Credentials in the store.
pub type CachedCredentials = CacheEntry<CredentialsResponse>;

/// What it says.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'i> {
    access_key_id: &'i str,
    secret_access_key: &'i str,
    token: &'i str,
    expiration: String,
}

/// The JSON answer, whole. The secrets are kept here and nowhere else, and wiped with it.
pub struct CredentialsResponse {
    json: Zeroizing<Box<[u8]>>,
    access_key_id: Box<str>,
    identity: IdentityId,
    aws_request_id: Option<Box<str>>,
}

impl CredentialsResponse {
    /// Renders the answer of credentials that were checked against their request.
    pub(super) fn render(issued: &IssuedCredentials, expires_at: Timestamp) -> Self {
        let body = Body {
            access_key_id: &issued.access_key_id,
            secret_access_key: &issued.secret_access_key,
            token: &issued.session_token,
            expiration: expires_at.to_rfc3339(),
        };
        // Room for everything at once, escaped or not: a buffer that grows leaves unwiped copies of the secrets behind.
        let texts = body.access_key_id.len() + body.secret_access_key.len() + body.token.len();
        let mut json = Zeroizing::new(Vec::with_capacity(128 + texts * 6));
        // A vector takes whatever is written to it.
        let _ = serde_json::to_writer(&mut *json, &body);
        Self {
            json: Zeroizing::new(json.as_slice().into()),
            access_key_id: issued.access_key_id.clone(),
            identity: issued.identity.clone(),
            aws_request_id: issued.request_id.clone(),
        }
    }

    /// The whole answer.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The access key id: no secret, and what CloudTrail names the credentials by.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// AWS's id of the call that gave them.
    pub fn aws_request_id(&self) -> Option<&str> {
        self.aws_request_id.as_deref()
    }
}

impl CachedValue for CredentialsResponse {
    fn identity(&self) -> &str {
        self.identity.as_str()
    }

    fn weight(&self) -> usize {
        let request_id = self.aws_request_id.as_ref().map_or(0, |id| id.len());
        self.json.len() + self.access_key_id.len() + self.identity.as_str().len() + request_id
    }
}

impl fmt::Debug for CredentialsResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsAnswer")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
