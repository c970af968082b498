//! Invalid signatures, keys inside a token, and texts that are no JWS but look like one.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{are_refused, bearer, honest};
use crate::support::{DemoIdp, TestApp, jwks_of, new_key};

/// The order of P-256's group, big-endian.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with this header over these bytes, signed by that key.
fn signed(header: &Value, payload: impl AsRef<[u8]>, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", base64(header.to_string()), base64(payload));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn es256(header: &Value, payload: impl AsRef<[u8]>, key: &EncodingKey) -> String {
    signed(header, payload, key, Algorithm::ES256)
}

fn header() -> Value {
    json!({"alg": "ES256", "kid": "one"})
}

fn header_with(more: Value) -> Value {
    let mut header = header();
    header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    header
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_signature_is_rejected() {
    let app = TestApp::start().await;
    let claims = honest(&app).to_string();
    let good = app.demo.sign_text(&claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let with = |bytes: &[u8]| format!("{message}.{}", base64(bytes));
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = raw.split_at(32);
    let order: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&ORDER[at..at + 2], 16).unwrap()).collect();
    let one = [&[0; 31][..], &[1]].concat();
    let der = {
        let integer = |number: &[u8]| [&[2, 33, 0][..], number].concat();
        let body = [integer(r), integer(s)].concat();
        [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat()
    };
    let mut rows = Vec::new();
    for none in ["none", "None", "NONE", "nOnE", "none ", "", "null", "NONE\u{0}"] {
        let part = base64(json!({"alg": none}).to_string());
        rows.push(bearer(format!("alg {none:?} without a signature"), format!("{part}.{}.", base64(&claims))));
        rows.push(bearer(format!("alg {none:?} with one"), format!("{part}.{}.{signature}", base64(&claims))));
    }
    for (name, alg) in
        [("null", json!(null)), ("a list", json!(["ES256"])), ("missing", json!({})), ("lower case", json!("es256"))]
    {
        let header = if name == "missing" { json!({"kid": "one"}) } else { json!({"alg": alg, "kid": "one"}) };
        rows.push(bearer(format!("an alg that is {name}"), es256(&header, &claims, &app.demo.key)));
    }
    rows.extend([
        bearer("the signature stripped", format!("{message}.")),
        bearer("the signature and its dot stripped", message),
        bearer("the signature cut short by a byte", with(&raw[..63])),
        bearer("the signature cut to its first half", with(r)),
        bearer("the signature longer by a byte", with(&[&raw[..], &[0]].concat())),
        bearer("the signature twice", with(&[&raw[..], &raw].concat())),
        bearer("an all-zero signature", with(&[0; 64])),
        bearer("r = 0", with(&[&[0; 32][..], s].concat())),
        bearer("s = 0", with(&[r, &[0; 32]].concat())),
        bearer("r = n", with(&[&order[..], s].concat())),
        bearer("s = n", with(&[r, &order].concat())),
        bearer("r = s = 1", with(&[&one[..], &one].concat())),
        bearer("all bits set", with(&[0xff; 64])),
        bearer("r and s exchanged", with(&[s, r].concat())),
        bearer("the signature in DER", with(&der)),
        bearer(
            "a header that was changed",
            format!("{}.{}.{signature}", base64(r#"{"alg":"ES256"}"#), base64(&claims)),
        ),
        bearer("a claim that was changed", {
            let (header, _) = message.split_once('.').unwrap();
            format!("{header}.{}.{signature}", base64(claims.replace("alice", "bobby")))
        }),
        bearer("a space more in the claims", {
            let (header, _) = message.split_once('.').unwrap();
            format!("{header}.{}.{signature}", base64(claims.replace(':', ": ")))
        }),
    ]);
    are_refused(&app, rows).await;
    assert_eq!(app.vend_bearer(&good).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_apps_public_key_in_any_format_is_not_accepted_as_a_shared_secret() {
    let app = TestApp::with("auth.app.algorithms = [\"RS256\", \"ES256\"]").await;
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = |tag: &str, der: &[u8]| pem::encode(&pem::Pem::new(tag, der));
    let rsa = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
    let mut jwk = Jwk::from_encoding_key(&rsa, Algorithm::RS256).unwrap();
    jwk.common.key_id = Some("one".to_owned());
    let ec: Value = serde_json::from_str(&jwks_of(&app.demo.key, "two")).unwrap();
    let jwks = json!({"keys": [jwk, ec["keys"][0]]}).to_string();
    app.demo.publish(jwks.clone());
    app.advance(601);
    app.until_metric("tokenvend_jwks_fetches_total{outcome=\"fetched\"}", 2.0).await;

    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let spki = spki.as_ref().to_vec();
    let pkcs1 = pair.public_key().as_ref().to_vec();
    let jwk = serde_json::to_string(&serde_json::from_str::<Value>(&jwks).unwrap()["keys"][0]).unwrap();
    let n = serde_json::from_str::<Value>(&jwk).unwrap()["n"].as_str().unwrap().to_owned();
    let claims = honest(&app).to_string();
    let mut rows = Vec::new();
    for (form, secret) in [
        ("PEM, SPKI", pem("PUBLIC KEY", &spki).into_bytes()),
        ("PEM, SPKI, with \\n", pem("PUBLIC KEY", &spki).replace("\r\n", "\n").into_bytes()),
        ("PEM, SPKI, trimmed", pem("PUBLIC KEY", &spki).trim_end().as_bytes().to_vec()),
        ("PEM, PKCS #1", pem("RSA PUBLIC KEY", &pkcs1).into_bytes()),
        ("DER, SPKI", spki.clone()),
        ("DER, PKCS #1", pkcs1),
        ("base64 of DER", STANDARD.encode(&spki).into_bytes()),
        ("JWK", jwk.into_bytes()),
        ("JWKS", jwks.into_bytes()),
        ("modulus", URL_SAFE_NO_PAD.decode(&n).unwrap()),
        ("modulus in base64", n.into_bytes()),
        ("point of the other key", {
            let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(ec["keys"][0][name].as_str().unwrap()).unwrap();
            [vec![4], coordinate("x"), coordinate("y")].concat()
        }),
        ("JWK of the other key", ec["keys"][0].to_string().into_bytes()),
        ("kid", b"one".to_vec()),
        ("nothing", Vec::new()),
    ] {
        for (name, algorithm) in [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)]
        {
            let header = json!({"alg": name, "kid": "one"});
            let forged = signed(&header, &claims, &EncodingKey::from_secret(&secret), algorithm);
            rows.push(bearer(format!("a public key as {form} for {name}"), &forged));
            // The same MAC, with an `alg` of the key's own kind.
            let relabelled = format!(
                "{}.{}",
                base64(json!({"alg": "RS256", "kid": "one"}).to_string()),
                forged.split_once('.').unwrap().1
            );
            rows.push(bearer(format!("a public key as {form} for {name}, called RS256"), relabelled));
        }
    }
    let good = signed(&json!({"alg": "RS256", "kid": "one"}), &claims, &rsa, Algorithm::RS256);
    for other in ["RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256"] {
        let header = base64(json!({"alg": other, "kid": "one"}).to_string());
        rows.push(bearer(format!("RS256 called {other}"), format!("{header}.{}", good.split_once('.').unwrap().1)));
    }
    are_refused(&app, rows).await;
    assert_eq!(app.vend_bearer(&good).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_a_token_or_at_a_url_in_it_is_ignored() {
    let app = TestApp::start().await;
    let theirs = DemoIdp::start();
    let claims = honest(&app).to_string();
    let own = new_key();
    theirs.publish(jwks_of(&own, "one"));
    let jwk: Value = serde_json::from_str(&jwks_of(&own, "one")).unwrap();
    let url = format!("{}/jwks.json", theirs.url);
    let certificate = STANDARD.encode(jwk.to_string());
    let mut rows = Vec::new();
    for (name, more) in [
        ("jwk", json!({"jwk": jwk["keys"][0]})),
        ("jwk, and no kid", json!({"jwk": jwk["keys"][0], "kid": null})),
        ("jwk with a set", json!({"jwk": jwk})),
        ("jku", json!({"jku": url})),
        ("jku, and a kid of its own", json!({"jku": url, "kid": "two"})),
        ("x5u", json!({"x5u": url})),
        ("x5c", json!({"x5c": [certificate]})),
        ("x5c and x5t", json!({"x5c": [certificate], "x5t": "AAAA", "x5t#S256": "AAAA"})),
        ("jwks, keys and key", json!({"jwks": jwk, "keys": jwk["keys"], "key": jwk["keys"][0]})),
        ("epk", json!({"epk": jwk["keys"][0]})),
        ("kid with a URL", json!({"kid": url})),
        ("kid with a key in it", json!({"kid": jwk["keys"][0].to_string()})),
        ("kid that is a number", json!({"kid": 1})),
        ("kid that is a list", json!({"kid": ["one"]})),
        ("kid of another case", json!({"kid": "ONE"})),
        ("kid with a space", json!({"kid": "one "})),
        ("kid with NUL", json!({"kid": "one\u{0}"})),
        ("kid that is empty", json!({"kid": ""})),
        ("kid of ten thousand letters", json!({"kid": "k".repeat(10_000)})),
    ] {
        rows.push(bearer(format!("a key of its own by {name}"), es256(&header_with(more), &claims, &own)));
    }
    // Key ids that select a well-known key where keys are looked up in files, databases or shells.
    for (kid, secret) in [
        ("/dev/null", ""),
        ("../../../../../../dev/null", ""),
        ("file:///dev/null", ""),
        ("/proc/sys/kernel/randomize_va_space", "2\n"),
        ("one' UNION SELECT 'secret' -- ", "secret"),
        ("' OR '1'='1", ""),
        ("one; sleep 10", ""),
        ("one|/usr/bin/id", ""),
        ("$(id)", ""),
        ("{{7*7}}", "49"),
        ("http://169.254.169.254/latest/meta-data/", ""),
    ] {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let header = json!({"alg": "HS256", "kid": kid});
        rows.push(bearer(format!("kid {kid:?} with HS256"), signed(&header, &claims, &key, Algorithm::HS256)));
        let header = header_with(json!({"kid": kid}));
        rows.push(bearer(format!("kid {kid:?} with ES256"), es256(&header, &claims, &own)));
    }
    are_refused(&app, rows).await;
    assert_eq!(theirs.fetches(), 0, "a URL in a token was fetched");
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jws_in_another_spelling_is_refused_although_the_app_signed_it() {
    let app = TestApp::start().await;
    let (key, claims) = (&app.demo.key, honest(&app));
    let text = claims.to_string();
    let good = app.demo.sign_text(&text);
    let [head, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    // A header and claims whose base64 has padding and the two letters in which the alphabets differ.
    let odd = {
        let mut claims = claims.clone();
        claims["x"] = json!("???>>>~~~");
        let pad = (0..3).find(|n| (claims.to_string().len() + 1 + n) % 3 == 1).unwrap();
        claims["x"] = json!(format!("???>>>~~~{}", "p".repeat(pad + 1)));
        claims.to_string()
    };
    let spelt = |engine: &dyn Fn(&[u8]) -> String| {
        let message = format!("{}.{}", engine(header().to_string().as_bytes()), engine(odd.as_bytes()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    };
    // The last letter of 64 bytes has four unused bits.
    let trailing = {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let last = signature.as_bytes()[signature.len() - 1];
        let at = ALPHABET.iter().position(|letter| *letter == last).unwrap();
        format!("{}{}", &good[..good.len() - 1], ALPHABET[at + 1] as char)
    };
    let unencoded = {
        let header = base64(header_with(json!({"b64": false, "crit": ["b64"]})).to_string());
        let message = format!("{header}.{}", r#"{"sub":"alice"}"#);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    };
    let mut rows = vec![
        bearer("padding", spelt(&|bytes| URL_SAFE.encode(bytes))),
        bearer("the standard alphabet", spelt(&|bytes| STANDARD.encode(bytes).trim_end_matches('=').to_owned())),
        bearer("the standard alphabet, padded", spelt(&|bytes| STANDARD.encode(bytes))),
        bearer("a padded signature", format!("{good}==")),
        bearer("bits in the signature that stand for nothing", trailing),
        bearer("white space within", format!("{head}.{payload}\t.{signature}")),
        bearer("a percent-encoded dot", format!("{head}%2E{payload}.{signature}")),
        bearer("quotes around it", format!("\"{good}\"")),
        bearer("a dot before it", format!(".{good}")),
        bearer("a dot behind it", format!("{good}.")),
        bearer("four parts", format!("{good}.{signature}")),
        bearer("two signatures", format!("{good}.{payload}.{signature}")),
        bearer("JWE, five parts", format!("{head}.{payload}.{payload}.{payload}.{signature}")),
        bearer("JWE, dir", {
            let header = base64(json!({"alg": "dir", "enc": "A256GCM"}).to_string());
            format!("{header}..{}.{payload}.{signature}", base64([0; 12]))
        }),
        bearer("five thousand parts", "a.".repeat(5000)),
        bearer("nothing but dots", "."),
        bearer("nothing but two dots", ".."),
        bearer("no dots", "nonsense"),
        bearer("JWS in JSON", json!({"payload": payload, "protected": head, "signature": signature}).to_string()),
        bearer("a JWT within a JWT", es256(&header_with(json!({"cty": "JWT"})), &good, key)),
        bearer("a JWT within a JWT, as text", es256(&header_with(json!({"cty": "JWT"})), json!(good).to_string(), key)),
        bearer("a payload that is not encoded", unencoded),
        bearer("b64 = false", es256(&header_with(json!({"b64": false, "crit": ["b64"]})), &text, key)),
        bearer("a payload that is a list", es256(&header(), format!("[{text}]"), key)),
        bearer("a payload that is empty", es256(&header(), "", key)),
        bearer("two payloads in one", es256(&header(), format!("{text}{text}"), key)),
        bearer("a byte-order mark", es256(&header(), format!("\u{feff}{text}"), key)),
        bearer(
            "claims in UTF-16",
            es256(&header(), text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), key),
        ),
        bearer(
            "claims that are no UTF-8",
            es256(&header(), [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\xff\"}"].concat(), key),
        ),
        bearer("half a surrogate", es256(&header(), text.replacen('{', r#"{"x":"\ud800","#, 1), key)),
        bearer("claims compressed", es256(&header_with(json!({"zip": "DEF"})), [0x03, 0x00], key)),
        bearer("a header that is a list", es256(&json!([header()]), &text, key)),
        bearer("a header that is text", es256(&json!("ES256"), &text, key)),
        bearer("a header with alg twice", {
            let message = format!("{}.{payload}", base64(r#"{"alg":"none","alg":"ES256","kid":"one"}"#));
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
            format!("{message}.{signature}")
        }),
        bearer(
            "a token of 12 kB",
            app.demo.sign_text(&text.replacen('{', &format!("{{\"x\":\"{}\",", "x".repeat(9000)), 1)) + "A",
        ),
    ];
    for crit in [
        json!(["exp"]),
        json!(["b64"]),
        json!(["https://evil.example/x"]),
        json!([]),
        json!(null),
        json!("exp"),
        json!({}),
        json!(false),
        json!([["exp"]]),
    ] {
        let token = es256(&header_with(json!({"crit": crit})), &text, key);
        rows.push(bearer(format!("crit = {crit}"), token));
    }
    are_refused(&app, rows).await;
    assert_eq!(app.vend_bearer(&good).await.source(), "miss");
    assert_eq!(app.vend_bearer(&spelt(&|bytes| base64(bytes))).await.source(), "hit");
}
