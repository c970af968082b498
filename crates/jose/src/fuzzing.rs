//! Entry points of `fuzz/` and their invariants. Compiled for fuzzing (`--cfg fuzzing`) and for tests only.

use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::header::Header;
use crate::jws::Jws;
use crate::key_set::{KeySet, Lookup};
use crate::unique_json::UniqueJson;

/// Parses a token: these bytes, and one with their first line as header and the rest as payload. An accepted JWS has only
/// one spelling, and the same content for every parser.
///
/// # Panics
/// An invariant is violated.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    parse(text);
    let (header, payload) = text.split_once('\n').unwrap_or((text, "{}"));
    parse(&format!("{}.{}.AA", URL_SAFE_NO_PAD.encode_to_string(header), URL_SAFE_NO_PAD.encode_to_string(payload)));
    for json in [header, payload] {
        let Ok(UniqueJson(value)) = serde_json::from_str(json) else { continue };
        let has_registered = value.is_object();
        assert_eq!(serde_json::from_str::<Value>(json).ok(), Some(value), "other parsers read other content");
        assert!(!has_registered || serde_json::from_str::<Registered>(json).is_ok(), "duplicate name");
    }
}

/// Serde's own parser, which rejects duplicates of these registered names.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only duplicates matter")]
struct Registered {
    alg: Option<IgnoredAny>,
    kid: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
    iss: Option<IgnoredAny>,
    sub: Option<IgnoredAny>,
    aud: Option<IgnoredAny>,
    exp: Option<IgnoredAny>,
}

fn parse(token: &str) {
    let Ok(jws) = Jws::parse(token) else {
        // A load balancer's token may differ by its padding only.
        if let Ok(padded) = Jws::parse_padded(token) {
            let plain = token.replace('=', "");
            let is_the_same = |plain: Jws<'_>| (plain.header, plain.payload) == (padded.header, padded.payload);
            assert!(token != plain && Jws::parse(&plain).is_ok_and(is_the_same));
        }
        return;
    };
    assert!(Jws::parse_padded(token).is_ok(), "rejected without padding");
    let _ = jws.token_type();
    let parts: Vec<Vec<u8>> =
        token.split('.').map(|part| URL_SAFE_NO_PAD.decode_to_vec(part).unwrap_or_default()).collect();
    let encoded: Vec<String> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode_to_string(part)).collect();
    assert_eq!(encoded.join("."), token, "two spellings");
    assert_eq!(parts.len(), 3);
    let read = |part: &[u8]| serde_json::from_slice::<Value>(part).ok();
    assert_eq!(read(&parts[0]).and_then(without_null_names), without_null_names(to_object(jws.header)));
    assert_eq!(read(&parts[1]), Some(jws.payload));
    assert_eq!(parts[2], jws.signature);
}

fn to_object(header: Header) -> Value {
    let mut object = header.others;
    object.insert("alg".to_owned(), header.alg.into());
    object.insert("kid".to_owned(), header.kid.into());
    object.insert("typ".to_owned(), header.typ.into());
    object.into()
}

/// A header in which a `kid` or `typ` of null counts as absent.
fn without_null_names(header: Value) -> Option<Map<String, Value>> {
    let Value::Object(mut object) = header else { return None };
    object.retain(|name, value| !value.is_null() || !matches!(&**name, "kid" | "typ"));
    Some(object)
}

/// Parses a JWKS. None of its keys accepts an empty signature or one of zeros, and none is a shared secret.
///
/// # Panics
/// An invariant is violated.
pub fn key_set(json: &[u8]) {
    let Ok(keys) = KeySet::from_jwks(json) else { return };
    let kids = keys.keys.iter().map(|key| key.kid.as_deref()).chain([None]);
    for kid in kids {
        for algorithm in Algorithm::ALL {
            let Lookup::Found(verifier) = keys.find(kid, *algorithm) else { continue };
            assert!(!algorithm.is_symmetric(), "a published key is a shared secret");
            for length in [0, 64, 96, 132, 256] {
                assert!(!verifier.verify(b"message", &vec![0; length]), "{algorithm} accepts zeros");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_of_tokens_and_key_sets_violate_no_invariant() {
        for (name, target) in [("jws", super::token as fn(&[u8])), ("key_set", super::key_set)] {
            let seeds = format!("{}/../../fuzz/seeds/{name}", env!("CARGO_MANIFEST_DIR"));
            for seed in std::fs::read_dir(seeds).unwrap() {
                target(&std::fs::read(seed.unwrap().path()).unwrap());
            }
        }
    }
}
