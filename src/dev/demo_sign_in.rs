//! Demo app: signs a user in by name alone, with a JWT that the service accepts. It takes the place of a real app's
//! passwords, passkeys or sessions.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::addresses::local_url;
use clock::SharedClock;

const KEY_ID: &str = "demo";
const SESSION_LIFETIME: Duration = Duration::from_secs(3600);

/// The running demo app.
#[derive(Debug)]
pub(super) struct DemoSignIn {
    address: SocketAddr,
    handle: ServerHandle,
    ended: JoinHandle<io::Result<()>>,
}

struct DemoApp {
    issuer: String,
    key: EcdsaKeyPair,
    jwks: Value,
    clock: SharedClock,
}

#[derive(Debug, Deserialize)]
struct Credentials {
    name: String,
}

impl DemoSignIn {
    /// Generates a signing key and starts to serve. The issuer is the URL from this machine.
    pub(super) fn start(address: SocketAddr, clock: SharedClock) -> io::Result<Self> {
        let (key, jwks) = signing_key()?;
        // Bound first: the issuer contains the port.
        let socket = std::net::TcpListener::bind(address)?;
        let address = socket.local_addr()?;
        let issuer = local_url(address);
        let demo = web::Data::new(DemoApp { issuer, key, jwks, clock });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(demo.clone())
                .route("/sign-in", web::post().to(sign_in))
                .route("/.well-known/jwks.json", web::get().to(jwks_document))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(1).listen(socket)?.run();
        let handle = server.handle();
        Ok(Self { address, handle, ended: tokio::spawn(server) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn stop(self) {
        self.handle.stop(true).await;
        // An error no longer matters.
        let _ = self.ended.await;
    }
}

fn signing_key() -> io::Result<(EcdsaKeyPair, Value)> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(io::Error::other)?;
    // An uncompressed point, 4 before x and y of 32 bytes each: SEC 1, section 2.3.3.
    let point = key.public_key().as_ref();
    let (x, y) = point.get(1..65).unwrap_or_default().split_at(point.len().min(64) / 2);
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID,
        "x": URL_SAFE_NO_PAD.encode_to_string(x), "y": URL_SAFE_NO_PAD.encode_to_string(y),
    });
    Ok((key, json!({"keys": [jwk]})))
}

/// `POST /sign-in?name=NAME` returns the app's token as plain text.
async fn sign_in(demo: web::Data<DemoApp>, credentials: web::Query<Credentials>) -> actix_web::Result<String> {
    let now = demo.clock.now();
    let claims = json!({
        "iss": demo.issuer,
        "aud": "tokenvend",
        "sub": credentials.name,
        "iat": now.as_secs(),
        "exp": (now + SESSION_LIFETIME).as_secs(),
    });
    sign(&demo.key, &claims).map_err(ErrorInternalServerError)
}

/// A JWT in compact form (RFC 7515, 3.1).
fn sign(key: &EcdsaKeyPair, claims: &Value) -> Result<String, Unspecified> {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode_to_string(json.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "ES256", "typ": "JWT", "kid": KEY_ID})), part(claims));
    let signature = key.sign(&SystemRandom::new(), message.as_bytes())?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode_to_string(signature)))
}

async fn jwks_document(demo: web::Data<DemoApp>) -> HttpResponse {
    HttpResponse::Ok().json(&demo.jwks)
}
