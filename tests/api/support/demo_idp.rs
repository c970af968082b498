//! The identity provider of the tests' app: it signs users' JWTs, and publishes its keys and a discovery document.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use clock::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

pub struct DemoIdp {
    pub key: EncodingKey,
    pub kid: Mutex<String>,
    published: Arc<Published>,
    handle: ServerHandle,
    pub url: String,
}

#[derive(Default)]
pub struct Published {
    pub jwks: Mutex<String>,
    pub discovery: Mutex<String>,
    pub fetches: AtomicUsize,
    pub is_broken: std::sync::atomic::AtomicBool,
}

pub fn new_key() -> EncodingKey {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    EncodingKey::from_ec_der(pkcs8.unwrap().as_ref())
}

pub fn jwks_of(key: &EncodingKey, kid: &str) -> String {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    json!({"keys": [jwk]}).to_string()
}

impl DemoIdp {
    pub fn start() -> Self {
        let key = new_key();
        let published = Arc::new(Published::default());
        *published.jwks.lock().unwrap() = jwks_of(&key, "one");
        let shared = published.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(shared.clone()))
                .route("/jwks.json", web::get().to(jwks))
                .route("/.well-known/openid-configuration", web::get().to(discovery))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        *published.discovery.lock().unwrap() =
            json!({"issuer": url, "jwks_uri": format!("{url}/jwks.json")}).to_string();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { key, kid: Mutex::new("one".to_owned()), published, handle, url }
    }

    pub fn publish(&self, jwks: String) {
        *self.published.jwks.lock().unwrap() = jwks;
    }

    pub fn describe(&self, discovery: &Value) {
        *self.published.discovery.lock().unwrap() = discovery.to_string();
    }

    pub fn fetches(&self) -> usize {
        self.published.fetches.load(Ordering::SeqCst)
    }

    pub fn set_broken(&self, broken: bool) {
        self.published.is_broken.store(broken, Ordering::SeqCst);
    }

    /// Signs any claims.
    pub fn sign(&self, claims: &Value) -> String {
        let kid = self.kid.lock().unwrap().clone();
        let header = Header { kid: Some(kid), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    /// Signs any claims, with this `typ` header.
    pub fn sign_kind(&self, claims: &Value, typ: Option<&str>) -> String {
        let kid = self.kid.lock().unwrap().clone();
        let typ = typ.map(str::to_owned);
        let header = Header { kid: Some(kid), typ, ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    /// Signs any text as a payload, without a change.
    pub fn sign_text(&self, payload: &str) -> String {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let header = json!({"alg": "ES256", "kid": *self.kid.lock().unwrap()}).to_string();
        let message = format!("{}.{}", encode(&header), encode(payload));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }

    /// The claims of a signed-in user.
    pub fn claims(&self, user: &str, now: Timestamp) -> Value {
        json!({
            "iss": "https://app.example", "aud": "tokenvend", "sub": user,
            "iat": now.as_secs(), "exp": now.as_secs() + 36_000,
        })
    }
}

impl Drop for DemoIdp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn discovery(published: web::Data<Published>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(published.discovery.lock().unwrap().clone())
}

async fn jwks(published: web::Data<Published>) -> HttpResponse {
    published.fetches.fetch_add(1, Ordering::SeqCst);
    if published.is_broken.load(Ordering::SeqCst) {
        return HttpResponse::InternalServerError().finish();
    }
    HttpResponse::Ok().content_type("application/json").body(published.jwks.lock().unwrap().clone())
}
