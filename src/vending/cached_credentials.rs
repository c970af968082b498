//! Cached credentials: their JSON response, in the format of the container credentials that AWS's SDKs request over HTTP.
//! The SDKs require these four fields and ignore others.

use std::fmt;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::issuer::credentials::IssuedCredentials;
use crate::vending::cache_entry::CachedValue;
use clock::Timestamp;
use cognito_types::IdentityId;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'i> {
    access_key_id: &'i str,
    secret_access_key: &'i str,
    token: &'i str,
    expiration: String,
}

/// The complete JSON response. The secrets are stored here and nowhere else, and wiped with it.
pub struct CachedCredentials {
    json: Zeroizing<Box<[u8]>>,
    access_key_id: Box<str>,
    identity: IdentityId,
    aws_request_id: Option<Box<str>>,
}

impl CachedCredentials {
    /// Renders the response of validated credentials.
    pub(super) fn render(issued: &IssuedCredentials, expires_at: Timestamp) -> Self {
        let body = Body {
            access_key_id: &issued.access_key_id,
            secret_access_key: &issued.secret_access_key,
            token: &issued.session_token,
            expiration: expires_at.to_rfc3339(),
        };
        // Full capacity at once, escapes included: a buffer that grows leaves copies of the secrets that are not wiped.
        let texts = body.access_key_id.len() + body.secret_access_key.len() + body.token.len();
        let mut json = Zeroizing::new(Vec::with_capacity(128 + texts * 6));
        // A write to a vector does not fail.
        let _ = serde_json::to_writer(&mut *json, &body);
        Self {
            json: Zeroizing::new(json.as_slice().into()),
            access_key_id: issued.access_key_id.clone(),
            identity: issued.identity.clone(),
            aws_request_id: issued.request_id.clone(),
        }
    }

    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The access key id. It is no secret, and identifies the credentials in CloudTrail.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// AWS's request id of the call that issued them.
    pub fn aws_request_id(&self) -> Option<&str> {
        self.aws_request_id.as_deref()
    }
}

impl CachedValue for CachedCredentials {
    fn identity(&self) -> &str {
        self.identity.as_str()
    }

    fn heap_bytes(&self) -> usize {
        let request_id = self.aws_request_id.as_ref().map_or(0, |id| id.len());
        self.json.len() + self.access_key_id.len() + self.identity.as_str().len() + request_id
    }
}

impl fmt::Debug for CachedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
