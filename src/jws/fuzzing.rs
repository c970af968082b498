//! The doors by which `fuzz/` comes in, and what must hold behind them. Compiled for it (`--cfg fuzzing`) and for
//! tests; no part of the crate otherwise.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::header::Header;
use super::keys::{KeySet, Lookup};
use super::unique::UniqueJson;
use super::{Jws, URL_SAFE_NO_PAD};

/// Takes a token apart: these bytes, and one that has their first line for its header and the rest for its payload.
/// What is taken for a JWS has but one spelling, and says the same to every reader.
///
/// # Panics
/// It does not.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    taken_apart(text);
    let (header, payload) = text.split_once('\n').unwrap_or((text, "{}"));
    taken_apart(&format!(
        "{}.{}.AA",
        URL_SAFE_NO_PAD.encode_to_string(header),
        URL_SAFE_NO_PAD.encode_to_string(payload)
    ));
    for json in [header, payload] {
        let Ok(UniqueJson(value)) = serde_json::from_str(json) else { continue };
        let has_registered = value.is_object();
        assert_eq!(serde_json::from_str::<Value>(json).ok(), Some(value), "not what others read");
        assert!(!has_registered || serde_json::from_str::<Registered>(json).is_ok(), "a name stands twice");
    }
}

/// A reader that takes no name twice: serde's own, of the names that matter most.
#[derive(Deserialize)]
#[expect(dead_code, reason = "that they are there at most once is all")]
struct Registered {
    alg: Option<IgnoredAny>,
    kid: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
    iss: Option<IgnoredAny>,
    sub: Option<IgnoredAny>,
    aud: Option<IgnoredAny>,
    exp: Option<IgnoredAny>,
}

fn taken_apart(token: &str) {
    let Ok(jws) = Jws::parse(token) else {
        // All that is let by for a load balancer is padding.
        if let Ok(padded) = Jws::parse_padded(token) {
            let plain = token.replace('=', "");
            let is_the_same =
                |plain: Jws<'_>| (plain.header, plain.payload) == (padded.header, padded.payload);
            assert!(token != plain && Jws::parse(&plain).is_ok_and(is_the_same));
        }
        return;
    };
    assert!(Jws::parse_padded(token).is_ok(), "refused for having no padding");
    let _ = jws.kind();
    let parts: Vec<Vec<u8>> =
        token.split('.').map(|part| URL_SAFE_NO_PAD.decode_to_vec(part).unwrap_or_default()).collect();
    let spelt: Vec<String> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode_to_string(part)).collect();
    assert_eq!(spelt.join("."), token, "spelt in two ways");
    assert_eq!(parts.len(), 3);
    let read = |part: &[u8]| serde_json::from_slice::<Value>(part).ok();
    assert_eq!(read(&parts[0]).and_then(whole_header), whole_header(said_by(jws.header)));
    assert_eq!(read(&parts[1]), Some(jws.payload));
    assert_eq!(parts[2], jws.signature);
}

/// A header as one object. A name for nothing is as good as none.
fn said_by(header: Header) -> Value {
    let mut said = header.others;
    said.insert("alg".to_owned(), header.alg.into());
    said.insert("kid".to_owned(), header.kid.into());
    said.insert("typ".to_owned(), header.typ.into());
    said.into()
}

fn whole_header(said: Value) -> Option<Map<String, Value>> {
    let Value::Object(mut said) = said else { return None };
    said.retain(|name, value| !value.is_null() || !matches!(&**name, "kid" | "typ"));
    Some(said)
}

/// Reads a published key set. No key in it takes an empty signature, or one of zeros, and none is a shared secret.
///
/// # Panics
/// One does, or is.
pub fn key_set(json: &[u8]) {
    let Ok(keys) = KeySet::of_jwks(json) else { return };
    let names = keys.keys.iter().map(|key| key.kid.as_deref()).chain([None]);
    for kid in names {
        for algorithm in Algorithm::ALL {
            let Lookup::Found(verifier) = keys.find(kid, *algorithm) else { continue };
            assert!(!algorithm.is_symmetric(), "a published key is a shared secret");
            for length in [0, 64, 96, 132, 256] {
                assert!(!verifier.fits(b"message", &vec![0; length]), "{algorithm} takes zeros");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_must_hold_of_any_token_and_any_key_set_holds_of_the_seeds() {
        for (of, door) in [("jws", super::token as fn(&[u8])), ("key_set", super::key_set)] {
            let seeds = format!("{}/fuzz/seeds/{of}", env!("CARGO_MANIFEST_DIR"));
            for seed in std::fs::read_dir(seeds).unwrap() {
                door(&std::fs::read(seed.unwrap().path()).unwrap());
            }
        }
    }
}
