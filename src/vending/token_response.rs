//! A checked token, ready to be handed out: its answer, rendered once.

use std::fmt;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use zeroize::Zeroizing;

use super::cache_entry::{CacheEntry, CachedValue};
use super::token_encoding::TokenEncoding;
use crate::issuer::IssuedToken;
use crate::token::OpenIdToken;
use crate::token::login_key;
use clock::Timestamp;
use cognito_types::IdentityPoolId;

/// A token in the store.
pub type CachedToken = CacheEntry<TokenResponse>;

/// What the answers of one pool have in common, as JSON: everything between the token and its end. Kept once, not with
/// each token.
#[derive(Debug, Clone)]
pub struct ResponseTemplate(Arc<str>);

impl ResponseTemplate {
    /// The frame of a pool's answers.
    pub(super) fn for_pool(pool: &IdentityPoolId) -> Self {
        let mut json = ",\"provider\":".to_owned();
        push_quoted(&mut json, &login_key(pool.region()));
        json.push_str(",\"identityPoolId\":");
        push_quoted(&mut json, pool.as_str());
        json.push_str(",\"region\":");
        push_quoted(&mut json, pool.region());
        json.push_str(",\"expiresAt\":\"");
        Self(json.into())
    }
}

/// The JSON answer that hands a token out, in the pieces of which it is put together for each request. The token is
/// kept here and nowhere else, and wiped with it.
pub struct TokenResponse {
    /// One behind the other: the token, packed; the identity's id, if that does not stand in the token itself; the token's
    /// end; AWS's id of the call that minted it. In one place: a place of its own costs memory and a way there.
    bytes: Zeroizing<Box<[u8]>>,
    form: TokenEncoding,
    token_ends: u32,
    identity: Range<u32>,
    end: Range<u32>,
    frame: ResponseTemplate,
}

impl TokenResponse {
    /// Renders the answer of a token that was checked against its request.
    pub(super) fn render(frame: &ResponseTemplate, issued: &IssuedToken, expires_at: Timestamp) -> Self {
        let (form, packed) = TokenEncoding::pack(&issued.token);
        let (identity, end) = (issued.identity.as_str(), expires_at.to_rfc3339());
        let request_id = issued.request_id.as_deref().unwrap_or_default();
        // Room for everything at once: a buffer that grows leaves unwiped copies of the token behind.
        let room = packed.len() + identity.len() + end.len() + request_id.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        let mut append = |part: &[u8]| {
            let start = bytes.len();
            bytes.extend_from_slice(part);
            place(start)..place(bytes.len())
        };
        let token_ends = append(&packed).end;
        // Cognito's tokens are for the identity (`sub`): it stands in their payload.
        let identity = match memmem::find(&packed, identity.as_bytes()) {
            Some(at) => place(at)..place(at + identity.len()),
            None => append(identity.as_bytes()),
        };
        let end = append(end.as_bytes());
        append(request_id.as_bytes());
        let bytes = Zeroizing::new(bytes.as_slice().into());
        Self { bytes, form, token_ends, identity, end, frame: frame.clone() }
    }

    /// The whole answer for a token that has this life left.
    pub fn to_json(&self, left: Duration) -> Vec<u8> {
        let mut json = self.room(self.frame.0.len() + 128);
        json.extend_from_slice(b"{\"identityId\":\"");
        json.extend_from_slice(self.part(&self.identity));
        json.extend_from_slice(b"\",\"token\":");
        self.form.write_quoted(self.packed(), &mut json);
        json.extend_from_slice(self.frame.0.as_bytes());
        json.extend_from_slice(self.part(&self.end));
        json.extend_from_slice(b"\",\"expiresIn\":");
        // A vector takes whatever is written to it.
        let _ = write!(json, "{}}}", left.as_secs());
        json
    }

    /// The token as a JSON string, quotes included, between two pieces of text.
    pub fn token_json(&self, before: &str, after: &str) -> Vec<u8> {
        let mut json = self.room(before.len() + after.len());
        json.extend_from_slice(before.as_bytes());
        self.form.write_quoted(self.packed(), &mut json);
        json.extend_from_slice(after.as_bytes());
        json
    }

    /// The SHA-256 digest of the token's text: what names it where it must not stand itself.
    pub fn digest(&self) -> [u8; 32] {
        self.token().digest()
    }

    /// AWS's id of the call that minted it.
    pub fn aws_request_id(&self) -> Option<&str> {
        let id = self.bytes.get(self.end.end as usize..)?;
        Some(text(id)).filter(|id| !id.is_empty())
    }

    /// The token as Cognito made it, for a call of our own.
    pub(super) fn token(&self) -> OpenIdToken {
        self.form.token(self.packed())
    }

    /// The identity id: there is nothing in one that JSON would escape.
    pub fn identity(&self) -> &str {
        text(self.part(&self.identity))
    }

    fn packed(&self) -> &[u8] {
        self.part(&(0..self.token_ends))
    }

    fn part(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// An answer's buffer, with room for the token and as much more.
    fn room(&self, more: usize) -> Vec<u8> {
        Vec::with_capacity(self.packed().len() * 4 / 3 + 8 + more)
    }
}

/// A place among the bytes of one answer. There is no answer of four gigabytes.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What was appended as text.
fn text(part: &[u8]) -> &str {
    std::str::from_utf8(part).unwrap_or_default()
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAnswer([redacted])")
    }
}

impl CachedValue for TokenResponse {
    fn identity(&self) -> &str {
        self.identity()
    }

    fn weight(&self) -> usize {
        self.bytes.len()
    }
}

/// Appends `text` as a JSON string.
fn push_quoted(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_types::IdentityId;

    fn answer(region: &str, token: &str) -> TokenResponse {
        let frame = ResponseTemplate::for_pool(&IdentityPoolId::parse(&format!("{region}:1-2")).unwrap());
        let identity = IdentityId::parse(&format!("{region}:abc")).unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new(token.to_owned()), request_id: None };
        TokenResponse::render(&frame, &issued, Timestamp::from_secs(1_767_225_600))
    }

    #[test]
    fn the_answer_is_the_contract_of_the_rest_interface() {
        let answer = answer("us-east-1", "a.b.c");
        let json: serde_json::Value =
            serde_json::from_slice(&answer.to_json(Duration::from_millis(899_999))).unwrap();
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
        assert_eq!(answer.token_json("[", "]"), b"[\"a.b.c\"]");
    }

    #[test]
    fn china_has_a_login_key_of_its_own() {
        let json = String::from_utf8(answer("cn-north-1", "a.b.c").to_json(Duration::ZERO)).unwrap();
        assert!(json.contains(r#""provider":"cognito-identity.cn-north-1.amazonaws.com.cn""#), "{json}");
    }

    #[test]
    fn a_token_with_odd_characters_cannot_break_out_of_its_json_string() {
        let answer = answer("us-east-1", "x\",\"identityId\":\"mallory\\\n");
        let json: serde_json::Value = serde_json::from_slice(&answer.to_json(Duration::ZERO)).unwrap();
        assert_eq!(json["identityId"], "us-east-1:abc");
        assert_eq!(json["token"], "x\",\"identityId\":\"mallory\\\n");
    }
}
