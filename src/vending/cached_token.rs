//! Cached token: a validated token in its encoded form, and the parts of its JSON response that are rendered once.

use std::fmt;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use zeroize::Zeroizing;

use super::cache_entry::CachedValue;
use super::token_encoding::TokenEncoding;
use crate::issuer::{IssueError, IssuedToken};
use crate::token::OpenIdToken;
use crate::token::login_key;
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId};

/// The part that all responses of a pool share, as JSON: everything between the token and its end. Stored once, not
/// with each token.
#[derive(Debug, Clone)]
pub struct ResponseTemplate(Arc<str>);

impl ResponseTemplate {
    pub(super) fn for_pool(pool: &IdentityPoolId) -> Self {
        let [provider, id, region] =
            [&*login_key(pool.region()), pool.as_str(), pool.region()].map(serde_json::Value::from);
        Self(format!(",\"provider\":{provider},\"identityPoolId\":{id},\"region\":{region},\"expiresAt\":\"").into())
    }
}

/// The parts of the JSON response, which are put together for each request. The token is stored here and nowhere else,
/// and wiped with it.
pub struct CachedToken {
    /// The encoded token; the identity id, unless the token contains it; the token's end; AWS's request id of the call
    /// that minted it. One allocation for all: each further one costs memory and a memory access.
    bytes: Zeroizing<Box<[u8]>>,
    encoding: TokenEncoding,
    token_ends: u32,
    identity: Range<u32>,
    end: Range<u32>,
    template: ResponseTemplate,
}

impl CachedToken {
    /// Renders the response of a validated token.
    pub(super) fn render(template: &ResponseTemplate, issued: &IssuedToken, expires_at: Timestamp) -> Self {
        let (encoding, token) = TokenEncoding::encode(&issued.token);
        let (identity, end) = (issued.identity.as_str(), expires_at.to_rfc3339());
        let request_id = issued.request_id.as_deref().unwrap_or_default();
        // Full capacity at once: a buffer that grows leaves copies of the token behind that are not wiped.
        let capacity = token.len() + identity.len() + end.len() + request_id.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        let mut append = |part: &[u8]| {
            let start = bytes.len();
            bytes.extend_from_slice(part);
            offset(start)..offset(bytes.len())
        };
        let token_ends = append(&token).end;
        // The payload of Cognito's tokens contains the identity id (`sub`).
        let identity = match memmem::find(&token, identity.as_bytes()) {
            Some(at) => offset(at)..offset(at + identity.len()),
            None => append(identity.as_bytes()),
        };
        let end = append(end.as_bytes());
        append(request_id.as_bytes());
        let bytes = Zeroizing::new(bytes.as_slice().into());
        Self { bytes, encoding, token_ends, identity, end, template: template.clone() }
    }

    /// The response for a token with this remaining life.
    pub fn to_json(&self, remaining_life: Duration) -> Vec<u8> {
        let mut json = self.buffer(self.template.0.len() + 128);
        json.extend_from_slice(b"{\"identityId\":\"");
        json.extend_from_slice(self.part(&self.identity));
        json.extend_from_slice(b"\",\"token\":");
        self.encoding.write_quoted(self.encoded_token(), &mut json);
        json.extend_from_slice(self.template.0.as_bytes());
        json.extend_from_slice(self.part(&self.end));
        json.extend_from_slice(b"\",\"expiresIn\":");
        // A write to a vector does not fail.
        let _ = write!(json, "{}}}", remaining_life.as_secs());
        json
    }

    /// The token as a JSON string, quotes included, between two texts.
    pub fn token_json(&self, before: &str, after: &str) -> Vec<u8> {
        let mut json = self.buffer(before.len() + after.len());
        json.extend_from_slice(before.as_bytes());
        self.encoding.write_quoted(self.encoded_token(), &mut json);
        json.extend_from_slice(after.as_bytes());
        json
    }

    /// The SHA-256 digest of the token's text. Identifies the token in audit events.
    pub fn digest(&self) -> [u8; 32] {
        self.token().digest()
    }

    /// AWS's request id of the call that minted it.
    pub fn aws_request_id(&self) -> Option<&str> {
        let id = self.bytes.get(self.end.end as usize..)?;
        Some(text(id)).filter(|id| !id.is_empty())
    }

    /// The token as Cognito issued it, for a call of the service's own.
    pub(super) fn token(&self) -> OpenIdToken {
        self.encoding.decode(self.encoded_token())
    }

    /// The identity id. It has no character that JSON escapes.
    pub fn identity(&self) -> &str {
        text(self.part(&self.identity))
    }

    /// The identity, for a call of the service's own.
    pub(crate) fn identity_id(&self) -> Result<IdentityId, IssueError> {
        IdentityId::parse(self.identity()).map_err(|why| IssueError::mismatched(why.to_string()))
    }

    fn encoded_token(&self) -> &[u8] {
        self.part(&(0..self.token_ends))
    }

    fn part(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// A buffer with capacity for the token and this many further bytes.
    fn buffer(&self, further: usize) -> Vec<u8> {
        Vec::with_capacity(self.encoded_token().len() * 4 / 3 + 8 + further)
    }
}

/// No response has four gigabytes.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A part that was appended as text.
fn text(part: &[u8]) -> &str {
    std::str::from_utf8(part).unwrap_or_default()
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedToken([redacted])")
    }
}

impl CachedValue for CachedToken {
    fn identity(&self) -> &str {
        self.identity()
    }

    fn heap_bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_has_the_fields_of_the_rest_contract() {
        let template = ResponseTemplate::for_pool(&IdentityPoolId::parse("us-east-1:1-2").unwrap());
        let identity = IdentityId::parse("us-east-1:abc").unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new("a.b.c".to_owned()), request_id: None };
        let token = CachedToken::render(&template, &issued, Timestamp::from_secs(1_767_225_600));
        let json: serde_json::Value = serde_json::from_slice(&token.to_json(Duration::from_millis(899_999))).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "identityId": "us-east-1:abc",
                "token": "a.b.c",
                "provider": "cognito-identity.amazonaws.com",
                "identityPoolId": "us-east-1:1-2",
                "region": "us-east-1",
                "expiresAt": "2026-01-01T00:00:00Z",
                "expiresIn": 899,
            })
        );
        assert_eq!(token.token_json("[", "]"), b"[\"a.b.c\"]");
    }
}
