//! `docs/authentication.md`: each of its configurations loads, and its Express endpoint works.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokenvend::config::{self, ConfigSource, Environment};

use crate::packages::peers_or_skip;
use crate::support::{ApiResponse, TestApp, claims_of};
use crate::tls::authority::CertificateAuthority;

const PAGE: &str = include_str!("../../docs/authentication.md");

fn blocks<'p>(language: &str) -> Vec<&'p str> {
    let opening = format!("```{language}\n");
    PAGE.split(&opening).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

#[test]
fn every_configuration_on_the_page_is_valid() {
    const POOL: &str = r#"
        [pools.main]
        identity_pool_id = "us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7"
        developer_provider = "login.example"
    "#;
    let secret = "0123456789abcdef0123456789abcdef".to_owned();
    let set = ["INTROSPECTION_SECRET", "SESSION_SECRET"].map(|name| (name.to_owned(), secret.clone()));
    let environment = Environment::from_variables(set);
    let folder = tempfile::tempdir().unwrap();
    let authority = CertificateAuthority::new("ca");
    let pair = authority.server(90);
    for (name, pem) in [("tls.crt", &pair.certificate), ("tls.key", &pair.key), ("clients.crt", &authority.certificate)]
    {
        std::fs::write(folder.path().join(name), pem).unwrap();
    }
    assert!(blocks("toml").len() >= 5);
    for block in blocks("toml") {
        // Files that the reader is expected to have.
        let text = block.replace("/run/secrets/", &format!("{}/", folder.path().display()));
        for rest in text.split("{ file = \"").skip(1) {
            std::fs::write(rest.split_once('"').unwrap().0, &secret).unwrap();
        }
        let documents = [POOL.to_owned(), text].map(|text| ConfigSource { name: "the page".to_owned(), text });
        if let Err(error) = config::load(&documents, &environment) {
            panic!("{error}\n{block}");
        }
    }
}

/// The Express app. It ends with the test.
struct Express {
    process: Child,
    url: String,
}

impl Express {
    fn start() -> Option<Self> {
        let mut command = Command::new("node");
        command.current_dir(peers_or_skip()?).arg("express_app.mjs");
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let url = BufReader::new(process.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        Some(Self { process, url })
    }
}

impl Drop for Express {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_of_an_express_app_gets_its_users_token_until_the_user_signs_out() {
    let app = include_str!("../peers/express_app.mjs");
    assert!(app.contains(blocks("js")[0]), "the page has an endpoint of its own");
    let Some(express) = Express::start() else { return };
    let app = TestApp::with(&format!(
        r#"
        [auth.session]
        kind = "forward_auth"
        issuer = "https://app.example"
        url = "{}/session/whoami"
        forward_headers = []
        forward_cookies = ["session"]
        cache_ttl = "60s"
        "#,
        express.url
    ))
    .await;
    let post = async |url: String, cookie: &str| {
        let request = app.client.post(url).header("cookie", cookie).header("origin", "https://web.example");
        ApiResponse::to(request).await
    };
    let signed_in = post(format!("{}/sign-in/alice", express.url), "").await;
    let session = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let vend = async || post(app.url("/v1/token"), &session).await;

    let vended = vend().await;
    assert_eq!(vended.source(), "miss");
    assert!(claims_of(&vended.token())["amr"].to_string().contains(":alice\""));
    // A cookie that the app did not sign, and one of another name.
    for cookie in [session.replace("s%3A", "s%3Ax"), format!("{session}x")] {
        post(app.url("/v1/token"), &cookie).await.is_problem(401, "unauthorized");
    }
    post(format!("{}/sign-out", express.url), &session).await;
    assert_eq!(vend().await.source(), "hit", "remembered, as the page says");
    app.advance(60);
    vend().await.is_problem(401, "unauthorized");
}
