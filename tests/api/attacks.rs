//! The attack table: each row has a name, a request and the expected refusal. No attack may cost a call to Cognito, and
//! no response may repeat what the attack sent.
//!
//! `forged`: signatures and keys · `claims`: invalid claims with a valid signature · `wire`: requests that two servers
//! could parse differently · `pages`: requests that another site can make a browser send · `browser`: the same with
//! Chromium · `names`: users with similar names. Attacks on gateway headers are in `gateway`, those on addresses in
//! `rate_limits`. The architecture tests check that secrets are compared in constant time.

mod browser;
mod claims;
mod forged;
mod names;
mod pages;
mod wire;

use reqwest::Method;
use serde_json::Value;

use crate::support::{ApiResponse, TestApp};

/// The expected response.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// 401, with a challenge.
    Unauthorized,
    /// 403: the cookie came from a page of another site.
    CrossSite,
}

impl Refusal {
    #[track_caller]
    fn is(self, attack: &str, answer: &ApiResponse) {
        let (status, problem) = match self {
            Self::Unauthorized => (401, "unauthorized"),
            Self::CrossSite => (403, "cross-site"),
        };
        assert_eq!(answer.status, status, "{attack}: {answer:?}");
        answer.is_problem(status, problem);
        if status == 401 {
            assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{attack}: {answer:?}");
        }
    }
}

struct Attack {
    name: String,
    method: Method,
    headers: Vec<(&'static str, String)>,
    body: &'static str,
    refusal: Refusal,
}

/// A row whose request is valid except for its bearer token.
fn bearer(name: impl Into<String>, token: impl AsRef<str>) -> Attack {
    let headers = vec![("authorization", format!("Bearer {}", token.as_ref()))];
    Attack { name: name.into(), method: Method::POST, headers, body: "", refusal: Refusal::Unauthorized }
}

/// Sends each attack of a table, one after the other.
async fn are_refused(app: &TestApp, attacks: Vec<Attack>) {
    assert!(attacks.len() > 3, "a table");
    for Attack { name, method, headers, body, refusal } in attacks {
        let mut request = app.client.request(method, app.url("/v1/token")).body(body);
        for (header, value) in &headers {
            let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request = request.header(*header, value);
        }
        let answer = ApiResponse::to(request).await;
        refusal.is(&name, &answer);
        is_not_repeated(&name, &answer, headers.iter().map(|(_, value)| value.as_str()));
        assert_eq!(app.calls().await, 0, "{name} has cost a call");
    }
}

/// Asserts that the response contains no long part of what was sent.
#[track_caller]
fn is_not_repeated<'v>(name: &str, answer: &ApiResponse, sent: impl Iterator<Item = &'v str>) {
    let found = format!("{:?} {}", answer.headers, answer.text);
    for value in sent {
        let secrets = value.split([' ', '.', '=', ';', ',']).filter(|piece| piece.len() >= 12);
        // An origin is no secret, and CORS repeats an allowed one.
        for secret in secrets.filter(|piece| !piece.starts_with("https://")) {
            assert!(!found.contains(secret), "{name} has {secret:?} repeated: {found}");
        }
    }
}

fn now(app: &TestApp) -> i64 {
    app.clock_now().as_secs()
}

/// The claims of a valid token of alice's.
fn honest(app: &TestApp) -> Value {
    app.demo.claims("alice", app.clock_now())
}
