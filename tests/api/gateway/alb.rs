//! Signed headers of an AWS load balancer: nearly a JWT, with keys that are fetched one by one. All AWS customers share
//! the key endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use clock::Clock as _;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::support::{ApiResponse, TestApp, claims_of, jwks_of, new_key};

const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/0123456789abcdef";
const KID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// The endpoint of the load balancer's public keys.
struct KeyServer {
    published: Arc<Published>,
    handle: ServerHandle,
    url: String,
}

#[derive(Default)]
struct Published {
    keys: Mutex<HashMap<String, String>>,
    asked: Mutex<Vec<String>>,
    is_down: std::sync::atomic::AtomicBool,
}

impl KeyServer {
    fn start() -> Self {
        let published = Arc::new(Published::default());
        let shared = published.clone();
        let server =
            HttpServer::new(move || App::new().app_data(web::Data::from(shared.clone())).default_service(web::to(key)));
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { published, handle, url }
    }

    fn publish(&self, kid: &str, key: &EncodingKey) {
        self.published.keys.lock().unwrap().insert(format!("/keys/{kid}"), pem_of(key));
    }

    fn asked(&self) -> Vec<String> {
        self.published.asked.lock().unwrap().clone()
    }

    fn set_down(&self, down: bool) {
        self.published.is_down.store(down, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn key(request: actix_web::HttpRequest, published: web::Data<Published>) -> HttpResponse {
    published.asked.lock().unwrap().push(request.uri().to_string());
    if published.is_down.load(std::sync::atomic::Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    match published.keys.lock().unwrap().get(request.path()) {
        Some(pem) => HttpResponse::Ok().body(pem.clone()),
        None => HttpResponse::Forbidden().finish(),
    }
}

/// A P-256 public key as AWS publishes it: SubjectPublicKeyInfo in PEM (RFC 5480).
fn pem_of(key: &EncodingKey) -> String {
    let jwks: Value = serde_json::from_str(&jwks_of(key, "x")).unwrap();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwks["keys"][0][name].as_str().unwrap()).unwrap();
    let algorithm = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    let point = [&b"\x03\x42\x00\x04"[..], &coordinate("x"), &coordinate("y")].concat();
    let encoded = base64::engine::general_purpose::STANDARD.encode([&algorithm[..], &point].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &encoded[..64], &encoded[64..])
}

struct LoadBalancer {
    key: EncodingKey,
    header: Value,
    claims: Value,
}

impl LoadBalancer {
    fn new(app: &TestApp) -> Self {
        let end = app.clock.now().as_secs() + 120;
        Self {
            key: new_key(),
            header: json!({
                "typ": "JWT", "kid": KID, "alg": "ES256", "iss": "https://idp.example", "client": "web-client",
                "signer": ARN, "exp": end,
            }),
            claims: json!({"sub": "alice", "email": "alice@example.com", "exp": end, "iss": "https://idp.example"}),
        }
    }

    /// With base64 padding, as AWS writes it.
    fn sign(&self) -> String {
        let message = format!("{}.{}", padded(&self.header), padded(&self.claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{message}.{}", URL_SAFE.encode(URL_SAFE_NO_PAD.decode(signature).unwrap()))
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        Self { key: self.key.clone(), header, claims: self.claims.clone() }.sign()
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        Self { key: self.key.clone(), header: self.header.clone(), claims }.sign()
    }
}

fn padded(json: &Value) -> String {
    // A text whose encoding always needs padding.
    let text = json.to_string();
    let spaces = " ".repeat((4 - text.len() % 3) % 3);
    let encoded = URL_SAFE.encode(format!("{text}{spaces}"));
    assert!(encoded.ends_with('='), "{encoded}");
    encoded
}

async fn set_up() -> (TestApp, KeyServer, LoadBalancer) {
    let publisher = KeyServer::start();
    let app = TestApp::with(&format!(
        r#"
        auth.app.user_id = "app:{{sub}}"
        [auth.alb]
        kind = "alb"
        issuer = "https://idp.example"
        user_id = "alb:{{sub}}"
        signer = "{ARN}"
        client_id = "web-client"
        keys_url = "{}"
        leeway = "0s"
        "#,
        publisher.url
    ))
    .await;
    let balancer = LoadBalancer::new(&app);
    publisher.publish(KID, &balancer.key);
    (app, publisher, balancer)
}

async fn vend(app: &TestApp, assertion: &str) -> ApiResponse {
    let request = app.client.post(app.url("/v1/token")).header("x-amzn-oidc-data", assertion);
    // The load balancer also sends these headers, which are not read.
    let request = request.header("x-amzn-oidc-identity", "mallory").header("x-amzn-oidc-accesstoken", "opaque");
    ApiResponse::to(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_load_balancers_assertion_authenticates_its_user_with_a_key_that_is_fetched_once() {
    let (app, publisher, balancer) = set_up().await;
    let assertion = balancer.sign();
    let alice = vend(&app, &assertion).await;
    assert_eq!(alice.source(), "miss");
    assert!(claims_of(&alice.token())["amr"].to_string().contains(":alb:alice"), "{alice:?}");
    let others = join_all((0..20).map(|n| {
        let assertion = balancer.with_claim("sub", json!(format!("user-{n}")));
        let app = &app;
        async move { vend(app, &assertion).await }
    }))
    .await;
    assert!(others.iter().all(|answer| answer.status == 200), "{others:?}");
    assert_eq!(publisher.asked(), [format!("/keys/{KID}")]);
    // The credential cache keeps it until it expires.
    app.advance(119);
    assert_eq!(vend(&app, &assertion).await.source(), "hit");
    app.advance(1);
    vend(&app, &assertion).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assertions_of_another_signer_or_audience_or_time_are_refused_without_a_call() {
    let (app, _publisher, balancer) = set_up().await;
    let good = balancer.sign();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let foreign = LoadBalancer { key: new_key(), ..LoadBalancer::new(&app) };
    let past = json!(app.clock.now().as_secs());
    let other_arn = ARN.replace("111122223333", "444455556666");
    for (what, assertion) in [
        ("another customer's load balancer, same keys", balancer.with_header("signer", json!(other_arn))),
        ("a longer ARN", balancer.with_header("signer", json!(format!("{ARN}0")))),
        ("no signer", balancer.with_header("signer", json!(null))),
        ("several signers", balancer.with_header("signer", json!([ARN]))),
        ("another issuer", balancer.with_header("iss", json!("https://idp.example.evil"))),
        ("another issuer in the claims", balancer.with_claim("iss", json!("https://evil.example"))),
        ("another client", balancer.with_header("client", json!("another"))),
        ("it has ended", balancer.with_header("exp", past.clone())),
        ("its session has ended", balancer.with_claim("exp", past)),
        ("no end", balancer.with_header("exp", json!(null))),
        ("an end that is no number", balancer.with_header("exp", json!("9999999999"))),
        ("a critical extension", balancer.with_header("crit", json!(["exp"]))),
        ("no algorithm", balancer.with_header("alg", json!("none"))),
        ("another algorithm", balancer.with_header("alg", json!("HS256"))),
        ("a foreign key", foreign.sign()),
        ("no signature", format!("{message}.")),
        ("a signature of zeros", format!("{message}.{}", URL_SAFE.encode([0; 64]))),
        ("a signature that was cut off", format!("{message}.{}", &signature[..signature.len() - 8])),
        ("without the padding that was signed", good.replace('=', "")),
        ("twice", format!("{good}, {good}")),
        ("no user", balancer.with_claim("sub", json!(null))),
    ] {
        let answer = vend(&app, &assertion).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        answer.is_problem(401, "unauthorized");
    }
    let twice = app.client.post(app.url("/v1/token"));
    let twice = twice.header("x-amzn-oidc-data", &good).header("x-amzn-oidc-data", &good);
    ApiResponse::to(twice).await.is_problem(401, "unauthorized");
    app.vend_bearer(&good).await.is_problem(401, "unauthorized");
    assert_eq!(app.calls().await, 0);
    assert_eq!(vend(&app, &good).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assertion_expires_at_its_exp_also_if_that_is_a_fraction() {
    let (app, _publisher, balancer) = set_up().await;
    let now = app.clock.now().as_secs() as f64;
    for (what, assertion, status) in [
        ("its end", balancer.with_header("exp", json!(now + 10.5)), 200),
        ("its session's end", balancer.with_claim("exp", json!(now + 10.5)), 200),
        ("it has ended", balancer.with_header("exp", json!(now - 0.5)), 401),
        ("its session has ended", balancer.with_claim("exp", json!(now - 0.5)), 401),
        ("an end beyond all time", balancer.with_claim("exp", json!(1e300)), 200),
        ("an end of the session that is none", balancer.with_claim("exp", json!("never")), 401),
        ("no end of the session that is one", balancer.with_claim("exp", json!(null)), 401),
    ] {
        assert_eq!(vend(&app, &assertion).await.status, status, "{what}");
    }
    app.advance(10);
    for name in ["header", "claim"] {
        let end = json!(now + 10.5);
        let with = if name == "header" { balancer.with_header("exp", end) } else { balancer.with_claim("exp", end) };
        assert_eq!(vend(&app, &with).await.source(), "hit", "{name}");
    }
    app.advance(1);
    vend(&app, &balancer.with_header("exp", json!(now + 10.5))).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_key_ids_cost_few_fetches() {
    let (app, publisher, balancer) = set_up().await;
    for kid in [
        json!("../../latest/meta-data"),
        json!("..%2f..%2fkeys"),
        json!("7c9e6679-7425-40de-944b-e07fc1f90ae7/../x"),
        json!("7c9e6679-7425-40de-944b-e07fc1f90ae7?x"),
        json!("7c9e667974254 0de944be07fc1f90ae7"),
        json!("{7c9e6679-7425-40de-944b-e07fc1f90ae7}"),
        json!("urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        json!("http://127.0.0.1/7c9e6679"),
        json!(""),
        json!(null),
        json!([KID]),
    ] {
        vend(&app, &balancer.with_header("kid", kid)).await.is_problem(401, "unauthorized");
    }
    assert_eq!(publisher.asked(), [""; 0], "no name that is none is asked for");

    let made_up = |n: u32| balancer.with_header("kid", json!(format!("7c9e6679-7425-40de-944b-{n:012}")));
    for _ in 0..3 {
        vend(&app, &made_up(0)).await.is_problem(401, "unauthorized");
    }
    assert_eq!(publisher.asked().len(), 1, "that there is no such key is remembered for a moment");
    for n in 1..40 {
        let answer = vend(&app, &made_up(n)).await;
        assert!(matches!(answer.status.as_u16(), 401 | 503), "{answer:?}");
    }
    assert_eq!(publisher.asked().len(), 5);
    // A valid one cannot be verified either, which is no rejection. It recovers.
    vend(&app, &balancer.sign()).await.is_problem(503, "auth-unavailable");
    app.advance(10);
    assert_eq!(vend(&app, &balancer.sign()).await.source(), "miss");
    assert_eq!(publisher.asked().len(), 6);
    assert_eq!(app.calls().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_keys_are_unreachable_cached_ones_count_and_no_caller_is_rejected() {
    let (app, publisher, balancer) = set_up().await;
    assert_eq!(vend(&app, &balancer.sign()).await.source(), "miss");
    publisher.set_down(true);
    assert_eq!(vend(&app, &balancer.with_claim("sub", json!("bob"))).await.source(), "miss");
    let other = balancer.with_header("kid", json!("00000000-0000-4000-8000-000000000000"));
    vend(&app, &other).await.is_problem(503, "auth-unavailable");
    publisher.publish("00000000-0000-4000-8000-000000000000", &balancer.key);
    publisher.set_down(false);
    assert_eq!(vend(&app, &other).await.source(), "hit", "no failure is remembered");
}
