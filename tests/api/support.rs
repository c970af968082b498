//! A whole world in one process: an app that signs its users in, Cognito, and the service between them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use clock::{Clock as _, ManualClock, Timestamp};
use cognito_emulator::{self, AccessKey, PoolSeed, RunningEmulator, SigningKey};
use cognito_types::{DeveloperProvider, IdentityPoolId};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokenvend::app::{self, RunningApp};
use tokenvend::config::{self, ConfigSource, Environment};
use tokenvend::issuer::cognito;
use tokenvend::secret::Secret;

pub const SECOND_POOL: &str = "us-east-1:00000000-0000-4000-8000-000000000002";

/// A way by the demo app's JWT in a cookie.
pub const COOKIE_JWT: &str = r#"
    [auth.session]
    issuer = "https://app.example"
    audience = ["tokenvend"]
    algorithms = ["ES256"]
    jwks_url = "DEMO_APP/jwks.json"
    credential_source = "cookie:session"
"#;

/// What an administrator of a world has that lays this over its configuration.
pub const ADMIN_CREDENTIAL: &str = "0123456789abcdef0123456789abcdef";
pub const OPERATION: &str = "GetOpenIdTokenForDeveloperIdentity";
pub const CREDENTIALS: &str = "GetCredentialsForIdentity";

/// The app: it signs JWTs and publishes its keys.
pub struct DemoApp {
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

impl DemoApp {
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

    /// Signs any claims as a token of that kind.
    pub fn sign_kind(&self, claims: &Value, typ: Option<&str>) -> String {
        let kid = self.kid.lock().unwrap().clone();
        let typ = typ.map(str::to_owned);
        let header = Header { kid: Some(kid), typ, ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    /// Signs any text, as it stands.
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

impl Drop for DemoApp {
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

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// How the token was come by, of an answer that must be good.
    pub fn source(&self) -> &str {
        assert_eq!(self.status, 200, "{self:?}");
        self.header("tokenvend-cache")
    }

    pub fn token(&self) -> String {
        self.json()["token"].as_str().unwrap().to_owned()
    }

    /// Asserts that this is a problem of that status and type.
    #[track_caller]
    pub fn is_problem(&self, status: u16, name: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:tokenvend:error:{name}"), "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        assert_eq!(problem["requestId"], self.header("x-request-id"), "{self:?}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{self:?}");
        if status == 503 {
            assert!(self.header("retry-after").parse::<u64>().unwrap() >= 1, "{self:?}");
        }
    }
}

/// Everything, running.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub demo: DemoApp,
    pub emulator: RunningEmulator,
    pub app: RunningApp,
    pub client: reqwest::Client,
}

/// Made once: it takes longer than most tests.
pub fn emulator_key() -> SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap()).clone()
}

pub fn emulator_settings() -> cognito_emulator::Settings {
    let second = IdentityPoolId::parse(SECOND_POOL).unwrap();
    let provider = DeveloperProvider::parse("login.second.example").unwrap();
    let with_guests = |pool| PoolSeed { allow_guests: true, ..pool };
    cognito_emulator::Settings {
        pools: [PoolSeed::default(), PoolSeed::new(second, provider)].map(with_guests).into(),
        signing_key: Some(emulator_key()),
        ..cognito_emulator::Settings::default()
    }
}

/// The service's configuration in a world. Tests lay more over it.
pub fn configuration(emulator: &str, demo: &DemoApp) -> String {
    format!(
        r#"
        http.listen = "127.0.0.1:0"
        http.workers = 1
        http.allowed_origins = ["https://web.example"]
        # Time stands still here, and with it what comes back of an allowance.
        limits.per_user.rate = "off"
        admin.listen = "127.0.0.1:0"
        admin.rate_limit.burst = 1000
        upstream.endpoint_url = "{emulator}"
        upstream.accept_opaque_tokens = true
        upstream.connect_timeout = "30s"
        upstream.read_timeout = "30s"
        upstream.call_timeout = "30s"
        upstream.rate_limit.burst = 5000
        upstream.rate_limit.rate = "5000/s"
        credentials.rate_limit.burst = 5000
        drain.timeout = "5s"
        cache.refresh_jitter = "0s"
        vending.default_pool = "main"
        [pools.main]
        identity_pool_id = "{}"
        developer_provider = "{}"
        [pools.second]
        identity_pool_id = "{SECOND_POOL}"
        developer_provider = "login.second.example"
        token_duration = "30m"
        [auth.app]
        issuer = "https://app.example"
        audience = ["tokenvend"]
        algorithms = ["ES256"]
        jwks_url = "{}/jwks.json"
        "#,
        cognito_emulator::DEFAULT_POOL,
        cognito_emulator::DEFAULT_DEVELOPER_PROVIDER,
        demo.url,
    )
}

impl World {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// A world whose configuration has this laid over it; `DEMO_APP` in it is the demo app's URL.
    pub async fn with(overlay: &str) -> Self {
        // Near the present, because some of the SDK's own parts go by the machine's clock.
        let now = clock::SystemClock::new().now();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(now.as_secs())));
        let demo = DemoApp::start();
        let emulator = cognito_emulator::start(emulator_settings(), clock.clone()).await.unwrap();
        let documents = [configuration(&emulator.url(), &demo), overlay.replace("DEMO_APP", &demo.url)]
            .map(|text| ConfigSource { name: "test".to_owned(), text });
        let mut settings = config::load(&documents, &Environment::default()).unwrap().settings;
        let AccessKey { id, secret } = AccessKey::default();
        settings.cognito.credentials = Some(cognito::AccessKey { id, secret: Secret::new(secret) });
        let app = app::start(settings, clock.clone()).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { clock, demo, emulator, app, client }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.public_address())
    }

    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.admin_address())
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The world's time as an audit event tells it.
    pub fn clock_text(&self) -> String {
        self.clock.now().to_rfc3339_millis()
    }

    /// The app's token for a user, good for hours.
    pub fn bearer(&self, user: &str) -> String {
        self.demo.sign(&self.demo.claims(user, self.clock.now()))
    }

    /// A request for a user's token.
    pub fn request(&self, method: Method, user: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url("/v1/token")).bearer_auth(self.bearer(user))
    }

    pub async fn vend(&self, user: &str) -> Answer {
        Answer::of(self.request(Method::POST, user).send().await.unwrap()).await
    }

    pub async fn vend_with(&self, user: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, user).header("content-type", "application/json");
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await
    }

    pub async fn vend_bearer(&self, bearer: &str) -> Answer {
        let request = self.client.post(self.url("/v1/token")).bearer_auth(bearer);
        Answer::of(request.send().await.unwrap()).await
    }

    /// What the emulator is to do wrong from now on.
    pub async fn faults(&self, faults: Value) {
        let url = format!("{}/_emulator/faults", self.emulator.url());
        let answer = self.client.put(url).body(faults.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// Calls to Cognito for tokens so far.
    pub async fn calls(&self) -> u64 {
        calls(&self.client, &self.emulator.url()).await
    }

    /// Calls to Cognito for credentials so far.
    pub async fn credentials_calls(&self) -> u64 {
        calls_of(&self.client, &self.emulator.url(), CREDENTIALS).await
    }

    /// Waits until the emulator has counted so many calls: for what is done behind a caller's back.
    pub async fn until_calls(&self, count: u64) {
        until(|| async { self.calls().await >= count }).await;
    }

    pub async fn metrics(&self) -> String {
        // Not asked for where the world has no credential.
        let scrape = self.client.get(self.admin_url("/metrics")).bearer_auth(ADMIN_CREDENTIAL);
        scrape.send().await.unwrap().text().await.unwrap()
    }

    /// The value of one metric.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.metrics().await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    pub async fn until_metric(&self, name: &str, value: f64) {
        until(|| async { self.metric(name).await >= value }).await;
    }
}

pub async fn calls(client: &reqwest::Client, emulator: &str) -> u64 {
    calls_of(client, emulator, OPERATION).await
}

pub async fn calls_of(client: &reqwest::Client, emulator: &str, operation: &str) -> u64 {
    let answer = client.get(format!("{emulator}/_emulator/calls")).send().await.unwrap();
    let counted: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    counted["calls"][operation]["total"].as_u64().unwrap_or(0)
}

/// Asks until the answer is yes; a test that never gets it fails.
pub async fn until<F: Future<Output = bool>>(ask: impl Fn() -> F) {
    for _ in 0..2_000 {
        if ask().await {
            return;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "between two questions to a server, not in place of one"
        )]
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("what was waited for did not come about within 10 seconds");
}

/// The claims of a token, read without any check.
pub fn claims_of(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap())
        .unwrap()
}

/// The SDK's client, as administrators of an AWS account would use it at the emulator.
pub fn client(url: &str, key: &AccessKey) -> aws_sdk_cognitoidentity::Client {
    use aws_sdk_cognitoidentity::config::retry::RetryConfig;
    use aws_sdk_cognitoidentity::config::{BehaviorVersion, Config, Credentials, Region};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new(&key.id, &key.secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .build();
    aws_sdk_cognitoidentity::Client::from_conf(config)
}
