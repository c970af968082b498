//! Bearer tokens of the app: RS256 with a 2048-bit key, which is most common. For too many users (a signature takes half
//! a millisecond) HS256, padded to the same length.

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

pub const ISSUER: &str = "https://app.example";
pub const AUDIENCE: &str = "tokenvend";
/// The key of HS256 bearers.
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

    /// The public key, as PEM.
    pub fn public_key(&self) -> Outcome<String> {
        let der: PublicKeyX509Der<'_> = self.rsa.public_key().as_der()?;
        Ok(pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref())))
    }

    /// A bearer token of this user. Each `number` makes a different one.
    pub fn rs256(&self, user: &str, number: usize) -> Outcome<String> {
        self.sign(&valid_claims(user, number))
    }

    /// Signs arbitrary claims.
    pub fn sign(&self, claims: &Value) -> Outcome<String> {
        let message = message("RS256", claims);
        let mut signed = vec![0; self.rsa.public_modulus_len()];
        let random = rand::SystemRandom::new();
        self.rsa.sign(&signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signed)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed)))
    }

    /// A bearer token as long as one of RS256, for an authenticator with HS256.
    pub fn hs256(&self, user: &str) -> String {
        let mut claims = valid_claims(user, 0);
        // The signature is 299 characters shorter, and base64 encodes 3 bytes as 4 characters.
        claims["padding"] = Value::from("x".repeat(212));
        let message = message("HS256", &claims);
        let tag = hmac::sign(&self.secret, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

/// The claims of a valid bearer token.
pub fn valid_claims(user: &str, number: usize) -> Value {
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

/// The floor of verification: prints the CPU time of one signature check.
pub fn check_signatures(count: u32) -> Outcome<()> {
    let app = App::new()?;
    let bearer = app.rs256("user-1", 1)?;
    let (message, signed) = bearer.rsplit_once('.').ok_or("not a JWS")?;
    let signed = URL_SAFE_NO_PAD.decode(signed)?;
    let key = signature::ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, app.rsa.public_key().as_ref())?;
    let before = own_cpu_time()?;
    for _ in 0..count {
        key.verify_sig(message.as_bytes(), &signed)?;
    }
    let took = own_cpu_time()? - before;
    println!("{}", took.as_secs_f64() * 1e6 / f64::from(count));
    Ok(())
}
