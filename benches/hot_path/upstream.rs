//! A Cognito that responds at once, so that a miss costs tokenvend's work and not the emulator's RSA.
//!
//! Its tokens have the claims of the requested user, and all the same invalid signature. tokenvend validates the claims
//! of a token and not its signature, because the token comes over TLS from Cognito itself. This process is not measured.

use std::collections::BTreeMap;

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::digest;
use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::retry::RetryConfig;
use aws_sdk_cognitoidentity::config::{BehaviorVersion, Credentials, Region};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cognito_emulator::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::place::own_cpu_time;
use crate::{Outcome, bearers};

/// Longer than the 256 bytes of RS512 with 2048 bits, in place of claims that these tokens lack: they then have the
/// 1.1 KB of Cognito's tokens with a few principal tags.
const SIGNATURE_BYTES: usize = 440;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TokenRequest {
    identity_pool_id: String,
    logins: BTreeMap<String, String>,
    #[serde(default = "default_duration")]
    token_duration: u64,
}

fn default_duration() -> u64 {
    900
}

async fn handle(body: web::Bytes) -> HttpResponse {
    let Ok(request) = serde_json::from_slice::<TokenRequest>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let Some((provider, user)) = request.logins.first_key_value() else {
        return HttpResponse::BadRequest().finish();
    };
    HttpResponse::Ok().content_type("application/x-amz-json-1.1").body(mint(&request, provider, user).to_string())
}

fn mint(request: &TokenRequest, provider: &str, user: &str) -> Value {
    let pool = &request.identity_pool_id;
    let region = pool.split(':').next().unwrap_or_default();
    let identity = format!("{region}:{}", identity_of(user));
    let now = bearers::now();
    let claims = json!({
        "sub": identity, "aud": pool, "amr": ["authenticated", provider, format!("{provider}:{pool}:{user}")],
        "iss": "https://cognito-identity.amazonaws.com", "exp": now + request.token_duration, "iat": now,
    });
    let header = json!({"kid": "us-east-1-bench", "typ": "JWS", "alg": "RS512"});
    let encode = |part: String| URL_SAFE_NO_PAD.encode(part);
    let signature = URL_SAFE_NO_PAD.encode([0xB5; SIGNATURE_BYTES]);
    let token = format!("{}.{}.{signature}", encode(header.to_string()), encode(claims.to_string()));
    json!({"IdentityId": identity, "Token": token})
}

/// Derived from the user, so that it is always the same.
fn identity_of(user: &str) -> uuid::Uuid {
    let digest = digest::digest(&digest::SHA256, user.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, digest)| *byte = *digest);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Serves on a free port, which it prints, until the process is killed.
pub fn serve() -> Outcome<()> {
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().default_service(web::post().to(handle)));
        let server = server.workers(1).bind("127.0.0.1:0")?;
        println!("{}", server.addrs()[0]);
        Ok(server.run().await?)
    })
}

/// The floor of a miss: the SDK's call alone, with tokenvend's settings.
pub fn call(url: &str, count: u32) -> Outcome<()> {
    let key = AccessKey::default();
    let config = aws_sdk_cognitoidentity::config::Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(key.id, key.secret, None, None, "bench"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    let client = Client::from_conf(config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let took = runtime.block_on(async {
        let mut before = own_cpu_time()?;
        let warm_up = count / 10;
        for number in 0..count + warm_up {
            if number == warm_up {
                before = own_cpu_time()?;
            }
            let call = client.get_open_id_token_for_developer_identity();
            let call = call.identity_pool_id(DEFAULT_POOL).token_duration(3600);
            call.logins(DEFAULT_DEVELOPER_PROVIDER, format!("sdk-{number}")).send().await?;
        }
        Outcome::Ok(own_cpu_time()? - before)
    })?;
    println!("{}", took.as_secs_f64() * 1e6 / f64::from(count));
    Ok(())
}
