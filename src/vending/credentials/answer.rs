//! The answer that hands credentials out, in the format of the container credentials that AWS's SDKs ask for over
//! HTTP. They demand these four fields and take no notice of others.

use std::fmt;

use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::identity::IdentityId;
use crate::issuer::credentials::IssuedCredentials;
use crate::vending::kept::{Answer, Kept};
use crate::vending::minted::push_quoted;

/// Credentials in the store.
pub type KeptCredentials = Kept<CredentialsAnswer>;

/// The JSON answer, whole. The secrets are kept here and nowhere else, and wiped with it.
pub struct CredentialsAnswer {
    json: Zeroizing<Box<str>>,
    access_key_id: Box<str>,
    identity: IdentityId,
    aws_request_id: Option<Box<str>>,
}

impl CredentialsAnswer {
    /// Renders the answer of credentials that were checked against their request.
    pub(super) fn render(issued: &IssuedCredentials, expires_at: Timestamp) -> Self {
        // Room for everything at once: a buffer that grows leaves unwiped copies of the secrets behind.
        let room = 256 + 2 * (issued.secret_access_key.len() + issued.session_token.len());
        let mut json = Zeroizing::new(String::with_capacity(room));
        json.push_str("{\"AccessKeyId\":");
        push_quoted(&mut json, &issued.access_key_id);
        json.push_str(",\"SecretAccessKey\":");
        push_quoted(&mut json, &issued.secret_access_key);
        json.push_str(",\"Token\":");
        push_quoted(&mut json, &issued.session_token);
        json.push_str(",\"Expiration\":");
        push_quoted(&mut json, &expires_at.to_rfc3339());
        json.push('}');
        Self {
            json: Zeroizing::new(json.as_str().into()),
            access_key_id: issued.access_key_id.clone(),
            identity: issued.identity.clone(),
            aws_request_id: issued.request_id.clone(),
        }
    }

    /// The whole answer.
    pub fn json(&self) -> &str {
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

impl Answer for CredentialsAnswer {
    fn identity(&self) -> &str {
        self.identity.as_str()
    }

    fn weight(&self) -> usize {
        let request_id = self.aws_request_id.as_ref().map_or(0, |id| id.len());
        self.json.len() + self.access_key_id.len() + self.identity.as_str().len() + request_id
    }
}

impl fmt::Debug for CredentialsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsAnswer")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
