//! A checked token, ready to be handed out: its answer rendered once, its times, and when it was last asked
//! for.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::freshness::Times;
use super::key::Shape;
use crate::clock::{Clock, Timestamp};
use crate::issuer::{IssueRequest, IssuedToken};

/// The login key under which a client hands the token on. China has a key of its own for each region.
fn login_key(region: &str) -> String {
    if region.starts_with("cn-") {
        format!("cognito-identity.{region}.amazonaws.com.cn")
    } else {
        "cognito-identity.amazonaws.com".to_owned()
    }
}

/// A token in the store.
pub struct MintedToken {
    shape: Shape,
    times: Times,
    /// When it was minted, on the monotonic clock.
    minted_on: Duration,
    answer: Answer,
    digest: [u8; 32],
    aws_request_id: Option<Box<str>>,
    last_seen: AtomicI64,
}

impl MintedToken {
    /// Renders the answer of a token that was checked against its request.
    pub(super) fn new(
        shape: Shape,
        request: &IssueRequest,
        issued: &IssuedToken,
        times: Times,
        minted_on: Duration,
    ) -> Self {
        Self {
            minted_on,
            shape,
            times,
            answer: Answer::render(request, issued, times.expires_at),
            digest: issued.token.digest(),
            aws_request_id: issued.request_id.clone(),
            last_seen: AtomicI64::new(times.minted_at.as_millis()),
        }
    }

    /// What shapes it besides its user.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its times.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// What its user is told.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The SHA-256 digest of the token's text: what names it where it must not stand itself.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// AWS's id of the call that minted it.
    pub fn aws_request_id(&self) -> Option<&str> {
        self.aws_request_id.as_deref()
    }

    /// The moment to judge it by: the wall clock's, or where that was set back since the token was minted, the
    /// one that the monotonic clock makes of it. A token does not grow younger.
    pub fn judged_at(&self, clock: &dyn Clock) -> Timestamp {
        let steady = self.times.minted_at + clock.monotonic().saturating_sub(self.minted_on);
        clock.now().max(steady)
    }

    /// The life that it has left.
    pub fn life_left(&self, now: Timestamp) -> Duration {
        self.times.expires_at.since(now)
    }

    /// Notes that its user is here, and says how long ago the last time was.
    pub(super) fn seen(&self, now: Timestamp) -> Duration {
        now.since(Timestamp::from_millis(self.last_seen.swap(now.as_millis(), Ordering::Relaxed)))
    }

    /// The bytes that it takes, its heap included.
    pub(super) fn weight(&self) -> usize {
        let tags: usize = self.shape.tags.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
        let request_id = self.aws_request_id.as_ref().map_or(0, |id| id.len());
        size_of::<Self>() + self.answer.json.len() + tags + request_id
    }
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedToken").field("times", &self.times).finish_non_exhaustive()
    }
}

/// The JSON answer that hands a token out, whole but for the seconds of life it has left: these are written
/// behind it for each request. The token is kept here and nowhere else, and wiped with it.
pub struct Answer {
    json: Zeroizing<Box<str>>,
    identity: Range<usize>,
    token: Range<usize>,
}

impl Answer {
    fn render(request: &IssueRequest, issued: &IssuedToken, expires_at: Timestamp) -> Self {
        // Room for everything at once: a buffer that grows leaves unwiped copies of the token behind.
        let room = 512 + issued.token.expose().len() * 2;
        let mut json = Zeroizing::new(String::with_capacity(room));
        json.push_str("{\"identityId\":");
        let identity = push_quoted(&mut json, issued.identity.as_str());
        json.push_str(",\"token\":");
        let token = push_quoted(&mut json, issued.token.expose());
        json.push_str(",\"provider\":");
        push_quoted(&mut json, &login_key(request.pool.region()));
        json.push_str(",\"identityPoolId\":");
        push_quoted(&mut json, request.pool.as_str());
        json.push_str(",\"region\":");
        push_quoted(&mut json, request.pool.region());
        json.push_str(",\"expiresAt\":");
        push_quoted(&mut json, &expires_at.to_rfc3339());
        json.push_str(",\"expiresIn\":");
        Self { json: Zeroizing::new(json.as_str().into()), identity, token }
    }

    /// The whole answer for a token that has this life left.
    pub fn with_life_left(&self, left: Duration) -> String {
        let mut whole = String::with_capacity(self.json.len() + 8);
        whole.push_str(&self.json);
        whole.push_str(&left.as_secs().to_string());
        whole.push('}');
        whole
    }

    /// The identity id: there is nothing in one that JSON would escape.
    pub fn identity(&self) -> &str {
        self.identity_json().trim_matches('"')
    }

    /// The identity id as a JSON string, quotes included.
    pub fn identity_json(&self) -> &str {
        self.json.get(self.identity.clone()).unwrap_or_default()
    }

    /// The token as a JSON string, quotes included.
    pub fn token_json(&self) -> &str {
        self.json.get(self.token.clone()).unwrap_or_default()
    }
}

/// Appends `text` as a JSON string and says where it stands.
fn push_quoted(json: &mut String, text: &str) -> Range<usize> {
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
    use crate::identity::{
        DeveloperProvider, DeveloperUserId, IdentityId, IdentityPoolId, PrincipalTags, TokenDuration,
    };
    use crate::issuer::PublicLogins;
    use crate::token::OpenIdToken;

    fn answer(region: &str, token: &str) -> Answer {
        let (request, issued) = minted(region, token);
        Answer::render(&request, &issued, Timestamp::from_secs(1_767_225_600))
    }

    fn minted(region: &str, token: &str) -> (IssueRequest, IssuedToken) {
        let request = IssueRequest {
            pool: IdentityPoolId::parse(&format!("{region}:1-2")).unwrap(),
            provider: DeveloperProvider::parse("login.example").unwrap(),
            user: DeveloperUserId::parse("alice").unwrap(),
            duration: TokenDuration::DEFAULT,
            tags: PrincipalTags::none(),
            identity: None,
            also: PublicLogins::none(),
        };
        let identity = IdentityId::parse(&format!("{region}:abc")).unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new(token.to_owned()), request_id: None };
        (request, issued)
    }

    /// A wall clock that somebody set back by an hour, on a machine that has been up for a minute since.
    #[derive(Debug)]
    struct SetBack;

    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(10_000 - 3600)
        }
        fn monotonic(&self) -> Duration {
            Duration::from_secs(500 + 60)
        }
        fn sleep(&self, _: Duration) -> futures_util::future::BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn a_token_does_not_grow_younger_when_the_wall_clock_is_set_back() {
        let (request, issued) = minted("us-east-1", "a.b.c");
        let minted_at = Timestamp::from_secs(10_000);
        let times = Times { minted_at, refresh_from: minted_at, expires_at: Timestamp::from_secs(10_900) };
        let shape = Shape { duration: request.duration, ends_by: None, tags: request.tags.clone() };
        let token = MintedToken::new(shape, &request, &issued, times, Duration::from_secs(500));
        assert_eq!(token.life_left(token.judged_at(&SetBack)), Duration::from_secs(840));
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
