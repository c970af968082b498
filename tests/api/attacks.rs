//! The attack table: each row is one attack by its name, the request that it makes and the refusal that it meets. Not
//! one may cost a call to Cognito, or have what it sent repeated to it.
//!
//! `forged` signatures and keys · `claims` what an app might sign and must not get away with · `wire` requests that two
//! servers might read in two ways · `pages` what other sites make a browser do · `browser` the same
//! before a real one · `names` users who look alike. Those on gateways' headers stand in `gateway`, those on addresses in
//! `limits`; that no secret is compared in a time that tells of it, in `fences`.

mod browser;
mod claims;
mod forged;
mod names;
mod pages;
mod wire;

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, World};

/// The answer that an attack must get.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// 401, with a challenge.
    Unauthorized,
    /// 403: what came along came from another site.
    CrossSite,
}

impl Refusal {
    #[track_caller]
    fn is(self, attack: &str, answer: &Answer) {
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

/// One row.
struct Attack {
    name: String,
    method: Method,
    headers: Vec<(&'static str, String)>,
    body: &'static str,
    refusal: Refusal,
}

/// A row whose request is an honest one but for its bearer.
fn bearer(name: impl Into<String>, token: impl AsRef<str>) -> Attack {
    let headers = vec![("authorization", format!("Bearer {}", token.as_ref()))];
    Attack { name: name.into(), method: Method::POST, headers, body: "", refusal: Refusal::Unauthorized }
}

/// Makes every attack of a table, one after the other.
async fn are_refused(world: &World, attacks: Vec<Attack>) {
    assert!(attacks.len() > 3, "a table");
    for Attack { name, method, headers, body, refusal } in attacks {
        let mut request = world.client.request(method, world.url("/v1/token")).body(body);
        for (header, value) in &headers {
            let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request = request.header(*header, value);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        refusal.is(&name, &answer);
        nothing_is_repeated(&name, &answer, headers.iter().map(|(_, value)| value.as_str()));
        assert_eq!(world.calls().await, 0, "{name} has cost a call");
    }
}

/// Asserts that no longer piece of what was sent stands in the answer.
#[track_caller]
fn nothing_is_repeated<'v>(name: &str, answer: &Answer, sent: impl Iterator<Item = &'v str>) {
    let told = format!("{:?} {}", answer.headers, answer.text);
    for value in sent {
        let secrets = value.split([' ', '.', '=', ';', ',']).filter(|piece| piece.len() >= 12);
        // An origin is no secret, and CORS repeats one that is allowed.
        for secret in secrets.filter(|piece| !piece.starts_with("https://")) {
            assert!(!told.contains(secret), "{name} has {secret:?} repeated: {told}");
        }
    }
}

fn now(world: &World) -> i64 {
    world.clock_now().as_secs()
}

/// The claims that an honest token of alice's has.
fn honest(world: &World) -> Value {
    world.demo.claims("alice", world.clock_now())
}
