//! The app that signs users in: RS256 with a 2048-bit key, as most do. Where there are too many users for that
//! (signing takes half a millisecond), HS256, padded to the same length.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::{hmac, rand, rsa, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::Outcome;
use crate::place::own_cpu_time;

/// The claims that everybody checks.
pub const ISSUER: &str = "https://app.example";
pub const AUDIENCE: &str = "tokenvend";
/// What HS256 bearers are signed with.
pub const SECRET: &str = "a-secret-of-the-benchmark-that-is-good-for-nothing-else";

/// The app's keys.
pub struct App {
    rsa: rsa::KeyPair,
    secret: hmac::Key,
}

impl App {
    pub fn new() -> Outcome<Self> {
        Ok(Self {
            rsa: rsa::KeyPair::generate(KeySize::Rsa2048)?,
            secret: hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()),
        })
    }

    /// The public key, for those who verify.
    pub fn public_key(&self) -> Outcome<String> {
        let der: PublicKeyX509Der<'_> = self.rsa.public_key().as_der()?;
        Ok(pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref())))
    }

    /// A bearer of this user's. `number` makes it another one for the same user.
    pub fn rs256(&self, user: &str, number: usize) -> Outcome<String> {
        self.sign(&honest(user, number))
    }

    /// Any claims, signed.
    pub fn sign(&self, claims: &Value) -> Outcome<String> {
        let message = message("RS256", claims);
        let mut signed = vec![0; self.rsa.public_modulus_len()];
        let random = rand::SystemRandom::new();
        self.rsa.sign(&signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signed)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed)))
    }

    /// A bearer as long as one of RS256, for a way that takes HS256.
    pub fn hs256(&self, user: &str) -> String {
        let mut claims = honest(user, 0);
        // The signature is 299 characters shorter; base64 makes 4 of 3.
        claims["padding"] = Value::from("x".repeat(212));
        let message = message("HS256", &claims);
        let tag = hmac::sign(&self.secret, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

/// What a user's bearer says.
pub fn honest(user: &str, number: usize) -> Value {
    let now = now();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + 7200, "jti": format!("{number:08}"),
    })
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn message(algorithm: &str, claims: &Value) -> String {
    let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The floor of verifying: the signature check alone.
pub fn check_many(count: u32) -> Outcome<()> {
    let app = App::new()?;
    let bearer = app.rs256("user-1", 1)?;
    let (message, signed) = bearer.rsplit_once('.').ok_or("no JWS")?;
    let signed = URL_SAFE_NO_PAD.decode(signed)?;
    let key = signature::ParsedPublicKey::new(
        &signature::RSA_PKCS1_2048_8192_SHA256,
        app.rsa.public_key().as_ref(),
    )?;
    let before = own_cpu_time()?;
    for _ in 0..count {
        key.verify_sig(message.as_bytes(), &signed)?;
    }
    let took = own_cpu_time()? - before;
    println!("{}", took.as_secs_f64() * 1e6 / f64::from(count));
    Ok(())
}
