//! A checked token, ready to be handed out: its answer, rendered once.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::kept::{Answer, Kept};
use crate::clock::Timestamp;
use crate::identity::IdentityPoolId;
use crate::issuer::IssuedToken;
use crate::token::OpenIdToken;
use crate::token::login_key;

/// A token in the store.
pub type MintedToken = Kept<TokenAnswer>;

/// What the answers of one pool have in common, as JSON: everything between the token and its end. Kept once, not with
/// each token.
#[derive(Debug, Clone)]
pub struct Frame(Arc<str>);

impl Frame {
    /// The frame of a pool's answers.
    pub(super) fn of(pool: &IdentityPoolId) -> Self {
        let mut json = ",\"provider\":".to_owned();
        push_quoted(&mut json, &login_key(pool.region()));
        json.push_str(",\"identityPoolId\":");
        push_quoted(&mut json, pool.as_str());
        json.push_str(",\"region\":");
        push_quoted(&mut json, pool.region());
        json.push_str(",\"expiresAt\":");
        Self(json.into())
    }
}

/// The JSON answer that hands a token out, in the pieces of which it is put together for each request. The token is
/// kept here and nowhere else, and wiped with it.
pub struct TokenAnswer {
    /// The identity, the token and its end as JSON strings, quotes included, one behind the other; then AWS's id of the
    /// call that minted it, as it is. In one place: a place of its own costs memory and a way there.
    text: Zeroizing<Box<str>>,
    identity_ends: usize,
    token_ends: usize,
    answer_ends: usize,
    frame: Frame,
}

impl TokenAnswer {
    /// Renders the answer of a token that was checked against its request.
    pub(super) fn render(frame: &Frame, issued: &IssuedToken, expires_at: Timestamp) -> Self {
        // Room for everything at once: a buffer that grows leaves unwiped copies of the token behind.
        let request_id = issued.request_id.as_deref().unwrap_or_default();
        let room = 512 + issued.token.expose().len() * 2 + request_id.len();
        let mut text = Zeroizing::new(String::with_capacity(room));
        let identity_ends = push_quoted(&mut text, issued.identity.as_str()).end;
        let token_ends = push_quoted(&mut text, issued.token.expose()).end;
        let answer_ends = push_quoted(&mut text, &expires_at.to_rfc3339()).end;
        text.push_str(request_id);
        Self {
            text: Zeroizing::new(text.as_str().into()),
            identity_ends,
            token_ends,
            answer_ends,
            frame: frame.clone(),
        }
    }

    /// The whole answer for a token that has this life left.
    pub fn with_life_left(&self, left: Duration) -> String {
        let end = self.text.get(self.token_ends..self.answer_ends).unwrap_or_default();
        let parts = [
            "{\"identityId\":",
            self.identity_json(),
            ",\"token\":",
            self.token_json(),
            &self.frame.0,
            end,
            ",\"expiresIn\":",
        ];
        let mut whole = String::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + 8);
        parts.iter().for_each(|part| whole.push_str(part));
        // A string takes whatever is written to it.
        let _ = write!(whole, "{}}}", left.as_secs());
        whole
    }

    /// The SHA-256 digest of the token's text: what names it where it must not stand itself.
    pub fn digest(&self) -> [u8; 32] {
        self.token().digest()
    }

    /// AWS's id of the call that minted it.
    pub fn aws_request_id(&self) -> Option<&str> {
        self.text.get(self.answer_ends..).filter(|id| !id.is_empty())
    }

    /// The token as Cognito made it, for a call of our own.
    pub(super) fn token(&self) -> OpenIdToken {
        // What stands there was written as a JSON string, so it can be read as one.
        OpenIdToken::new(serde_json::from_str(self.token_json()).unwrap_or_default())
    }

    /// The identity id: there is nothing in one that JSON would escape.
    pub fn identity(&self) -> &str {
        self.identity_json().trim_matches('"')
    }

    /// The identity id as a JSON string, quotes included.
    pub fn identity_json(&self) -> &str {
        self.text.get(..self.identity_ends).unwrap_or_default()
    }

    /// The token as a JSON string, quotes included.
    pub fn token_json(&self) -> &str {
        self.text.get(self.identity_ends..self.token_ends).unwrap_or_default()
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAnswer([redacted])")
    }
}

impl Answer for TokenAnswer {
    fn identity(&self) -> &str {
        self.identity()
    }

    fn weight(&self) -> usize {
        self.text.len()
    }
}

/// Appends `text` as a JSON string and says where it stands.
pub(super) fn push_quoted(json: &mut String, text: &str) -> Range<usize> {
    let start = json.len();
    // JWTs and ids have nothing to escape; what else a stand-in for Cognito may answer is escaped by serde.
    if text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
    start..json.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IdentityId;

    fn answer(region: &str, token: &str) -> TokenAnswer {
        let frame = Frame::of(&IdentityPoolId::parse(&format!("{region}:1-2")).unwrap());
        let identity = IdentityId::parse(&format!("{region}:abc")).unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new(token.to_owned()), request_id: None };
        TokenAnswer::render(&frame, &issued, Timestamp::from_secs(1_767_225_600))
    }

    #[test]
    fn the_answer_is_the_contract_of_the_rest_interface() {
        let answer = answer("us-east-1", "a.b.c");
        let json: serde_json::Value =
            serde_json::from_str(&answer.with_life_left(Duration::from_millis(899_999))).unwrap();
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
        assert_eq!((answer.identity_json(), answer.token_json()), ("\"us-east-1:abc\"", "\"a.b.c\""));
    }

    #[test]
    fn china_has_a_login_key_of_its_own() {
        let json = answer("cn-north-1", "a.b.c").with_life_left(Duration::ZERO);
        assert!(json.contains(r#""provider":"cognito-identity.cn-north-1.amazonaws.com.cn""#), "{json}");
    }

    #[test]
    fn a_token_with_odd_characters_cannot_break_out_of_its_json_string() {
        let answer = answer("us-east-1", "x\",\"identityId\":\"mallory\\\n");
        let json: serde_json::Value = serde_json::from_str(&answer.with_life_left(Duration::ZERO)).unwrap();
        assert_eq!(json["identityId"], "us-east-1:abc");
        assert_eq!(json["token"], "x\",\"identityId\":\"mallory\\\n");
    }
}
