//! An OpenID provider (npm's oidc-provider) as the issuer: discovery, JWT access tokens, key rotation under load,
//! introspection of opaque tokens, revocation.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use futures_util::future::join_all;
use serde_json::Value;

use crate::packages::peers_or_skip;
use crate::support::TestApp;

struct Provider {
    process: Child,
    issuer: String,
    client: reqwest::Client,
}

impl Provider {
    fn start() -> Option<Self> {
        let mut command = Command::new("node");
        command.current_dir(peers_or_skip()?).arg("oidc_provider.mjs");
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = lines.find_map(|line| line.ok().filter(|line| line.starts_with("http://"))).unwrap();
        // Reads on: a full pipe would stop the process.
        std::thread::spawn(move || lines.for_each(drop));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Some(Self { process, issuer, client })
    }

    async fn post(&self, path: &str, form: &'static str) -> String {
        let request = self.client.post(format!("{}{path}", self.issuer));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.basic_auth("mobile-app", Some("mobile%20secret")).body(form);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// A new access token in this format.
    async fn sign_in(&self, form: &'static str) -> String {
        let answer: Value = serde_json::from_str(&self.post("/token", form).await).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn rotate(&self) {
        self.post("/rotate", "").await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const JWT: &str = "grant_type=client_credentials&scope=tokens:vend&resource=urn:api:jwt";
const OPAQUE: &str = "grant_type=client_credentials&scope=tokens:vend&resource=urn:api:opaque";

/// An app with this provider as a second issuer.
async fn app_of(provider: &Provider) -> TestApp {
    let issuer = &provider.issuer;
    TestApp::with(&format!(
        r#"
        auth.order = ["provider", "opaque"]
        auth.app.user_id = "app:{{sub}}"
        [auth.provider]
        issuer = "{issuer}"
        discovery = true
        typ = ["at+jwt"]
        audience = ["tokenvend"]
        algorithms = ["RS256"]
        require.scope = ["tokens:vend"]
        user_id = "provider:{{sub}}"
        [auth.opaque]
        kind = "introspection"
        issuer = "{issuer}"
        url = "{issuer}/token/introspection"
        client_id = "tokenvend"
        client_secret = "vend:s%cret+"
        require.scope = ["tokens:vend"]
        user_id = "provider:{{client_id}}"
        cache_ttl = "60s"
        "#
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_tokens_of_an_openid_provider_are_verified_by_discovery_or_introspected() {
    let Some(provider) = Provider::start() else { return };
    let app = app_of(&provider).await;
    let (jwt, opaque) = (provider.sign_in(JWT).await, provider.sign_in(OPAQUE).await);
    assert_eq!((jwt.split('.').count(), opaque.split('.').count()), (3, 1));
    let first = app.vend_bearer(&jwt).await;
    assert_eq!(first.source(), "miss");
    // One issuer and one user, for both token formats.
    let second = app.vend_bearer(&opaque).await;
    assert_eq!((second.source(), second.token()), ("hit", first.token()));

    let unscoped = provider.sign_in("grant_type=client_credentials&resource=urn:api:jwt").await;
    app.vend_bearer(&unscoped).await.is_problem(403, "insufficient-credential");
    app.vend_bearer(&format!("{opaque}x")).await.is_problem(401, "unauthorized");

    let form: &'static str = Box::leak(format!("token={opaque}").into_boxed_str());
    provider.post("/token/revocation", form).await;
    app.advance(60);
    app.vend_bearer(&opaque).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_under_load_and_no_valid_request_is_refused() {
    let Some(provider) = Provider::start() else { return };
    let app = app_of(&provider).await;
    for _ in 0..3 {
        let before = join_all((0..20).map(|_| provider.sign_in(JWT))).await;
        app.advance(10);
        provider.rotate().await;
        let after = join_all((0..20).map(|_| provider.sign_in(JWT))).await;
        // All at once, and each token for the first time, with the old key and with the new one.
        let answers = join_all(before.iter().chain(&after).map(|token| app.vend_bearer(token))).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    }
    // One fetch of the first issuer's keys. One of the provider's, and one for each rotation.
    assert_eq!(app.metric("tokenvend_jwks_fetches_total{outcome=\"fetched\"}").await, 5.0);
}
