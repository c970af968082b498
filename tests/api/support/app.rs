//! The service, the emulator as Cognito and the app's identity provider, in one process and on one manual clock.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clock::{Clock as _, ManualClock, Timestamp};
use cognito_emulator::{self, AccessKey, PoolSeed, RunningEmulator, SigningKey};
use cognito_types::{DeveloperProvider, IdentityPoolId};
use reqwest::Method;
use serde_json::Value;
use tokenvend::app::{self, RunningApp};
use tokenvend::config::{self, ConfigSource, Environment};
use tokenvend::issuer::cognito;
use tokenvend::secret::Secret;

use super::openapi::{self, Listener};
use super::{ApiResponse, DemoIdp, SECOND_POOL};

/// The running service, with its upstream and its identity provider.
pub struct TestApp {
    pub clock: Arc<ManualClock>,
    pub demo: DemoIdp,
    pub emulator: RunningEmulator,
    pub service: RunningApp,
    pub client: reqwest::Client,
}

/// Generated once: that takes longer than most tests.
fn emulator_key() -> SigningKey {
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

/// The service's configuration. Tests add an overlay.
pub fn configuration(emulator: &str, demo: &DemoIdp) -> String {
    format!(
        r#"
        http.listen = "127.0.0.1:0"
        http.workers = 1
        http.allowed_origins = ["https://web.example"]
        # The clock stands still, and so no rate limit would recover.
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

impl TestApp {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// An app with this overlay of the configuration. `DEMO_IDP` in it stands for the identity provider's URL.
    pub async fn with(overlay: &str) -> Self {
        // Near the present, because parts of the AWS SDK use the machine's clock.
        let now = clock::SystemClock::new().now();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(now.as_secs())));
        let demo = DemoIdp::start();
        let emulator = cognito_emulator::start(emulator_settings(), clock.clone()).await.unwrap();
        let documents = [configuration(&emulator.url(), &demo), overlay.replace("DEMO_IDP", &demo.url)]
            .map(|text| ConfigSource { name: "test".to_owned(), text });
        let mut settings = config::load(&documents, &Environment::default()).unwrap().settings;
        let AccessKey { id, secret } = AccessKey::default();
        settings.cognito.credentials = Some(cognito::AccessKey { id, secret: Secret::new(secret) });
        let service = app::start(settings, clock.clone()).await.unwrap();
        openapi::register(service.public_address().port(), Listener::Public);
        openapi::register(service.admin_address().port(), Listener::Admin);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { clock, demo, emulator, service, client }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.public_address())
    }

    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.admin_address())
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The current time in the format of audit events.
    pub fn clock_text(&self) -> String {
        self.clock.now().to_rfc3339_millis()
    }

    /// The user's JWT of the identity provider, valid for ten hours.
    pub fn bearer(&self, user: &str) -> String {
        self.demo.sign(&self.demo.claims(user, self.clock.now()))
    }

    /// A request of this user to `/v1/token`.
    pub fn request(&self, method: Method, user: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url("/v1/token")).bearer_auth(self.bearer(user))
    }

    pub async fn vend(&self, user: &str) -> ApiResponse {
        ApiResponse::to(self.request(Method::POST, user)).await
    }

    pub async fn vend_with(&self, user: &str, body: Value) -> ApiResponse {
        let request = self.request(Method::POST, user).header("content-type", "application/json");
        ApiResponse::to(request.body(body.to_string())).await
    }

    pub async fn vend_bearer(&self, bearer: &str) -> ApiResponse {
        let request = self.client.post(self.url("/v1/token")).bearer_auth(bearer);
        ApiResponse::to(request).await
    }

    /// Removes the user's entries from the service's cache.
    pub async fn sign_out(&self, user: &str) -> ApiResponse {
        ApiResponse::to(self.request(Method::DELETE, user)).await
    }

    /// Replaces the emulator's fault injection.
    pub async fn faults(&self, faults: Value) {
        let url = format!("{}/_emulator/faults", self.emulator.url());
        let answer = self.client.put(url).body(faults.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

/// Polls a condition until it holds. After about 10 seconds the test fails.
pub async fn until<F: Future<Output = bool>>(ask: impl Fn() -> F) {
    for _ in 0..2_000 {
        if ask().await {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "between two polls of a server, not in place of one")]
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the condition did not hold within 10 seconds");
}

/// The AWS SDK's client for the emulator, with the permissions of an AWS administrator.
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
