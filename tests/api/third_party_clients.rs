//! The emulator with third-party clients: boto3, PyJWT, jose and the AWS CLI.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use clock::{Clock as _, SystemClock};
use cognito_emulator::{
    AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, PoolSeed, RunningEmulator, Settings, start,
};
use serde_json::Value;

use crate::packages::{peers, peers_or_skip};
use crate::support::TestApp;
use crate::token_verification::{TokenSigner, honest_claims};

pub async fn emulator() -> RunningEmulator {
    let pool = PoolSeed { allow_guests: true, ..PoolSeed::default() };
    let settings = Settings { pools: vec![pool], ..Settings::default() };
    start(settings, Arc::new(SystemClock::new())).await.unwrap()
}

/// Runs a program off the runtime's threads, with the emulator's default credentials and no AWS configuration.
pub async fn run(command: Command) -> Output {
    run_as(AccessKey::default(), None, command).await
}

async fn run_as(key: AccessKey, session_token: Option<&str>, mut command: Command) -> Output {
    command
        .env("AWS_ACCESS_KEY_ID", key.id)
        .env("AWS_SECRET_ACCESS_KEY", key.secret)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_PROFILE");
    command.envs(session_token.map(|token| ("AWS_SESSION_TOKEN", token)));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub fn output_text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn aws_cli(place: &Path, url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(place.join("venv/bin/aws"));
    command.args(["cognito-identity", "--endpoint-url", url, "--output", "json"]).args(arguments);
    run(command).await
}

/// Runs a Python script against a new emulator.
async fn run_python_script(script: &str) {
    let Some(place) = peers_or_skip() else { return };
    let emulator = emulator().await;
    let mut command = Command::new(place.join("venv/bin/python"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script)).arg(emulator.url());
    let output = run(command).await;
    assert!(output.status.success(), "{}", output_text(&output));
    emulator.stop().await;
}

#[tokio::test]
async fn boto3_parses_every_answer_and_pyjwt_verifies_every_token() {
    run_python_script("emulator_peers.py").await;
}

#[tokio::test]
async fn every_operation_of_botocores_models_behaves_as_modelled() {
    run_python_script("emulator_model.py").await;
}

/// moto's server on a free port. It ends with the test.
pub struct Moto {
    process: Child,
    pub url: String,
}

impl Moto {
    pub fn start(place: &Path) -> Self {
        let mut process = Command::new(place.join("venv/bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| Some(line.unwrap().split_once("Running on ")?.1.trim().to_owned()));
        // Reads on: a full pipe would stop the process.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url: url.unwrap() }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_motos_is_vended_and_cached_although_it_is_no_jwt() {
    let Some(place) = peers_or_skip() else { return };
    let moto = Moto::start(place);
    let app = TestApp::with(&format!("upstream.endpoint_url = \"{}\"", moto.url)).await;
    let first = app.vend("alice").await;
    assert_eq!(first.source(), "miss");
    assert!(first.token().split('.').count() < 3, "moto has learnt to make JWTs: {first:?}");
    let second = app.vend("alice").await;
    assert_eq!((second.source(), second.token()), ("hit", first.token()));
    assert_eq!(app.metric("tokenvend_opaque_tokens_total").await, 1.0);
}

#[tokio::test]
async fn the_aws_cli_gets_a_token_that_jose_verifies() {
    let Some(place) = peers_or_skip() else { return };
    let emulator = emulator().await;
    let url = emulator.url();
    let login = format!("{DEFAULT_DEVELOPER_PROVIDER}=alice");
    let output = aws_cli(
        place,
        &url,
        &[
            "get-open-id-token-for-developer-identity",
            "--identity-pool-id",
            DEFAULT_POOL,
            "--logins",
            &login,
            "--principal-tags",
            "team=red",
        ],
    )
    .await;
    assert!(output.status.success(), "{}", output_text(&output));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (identity, token) = (answer["IdentityId"].as_str().unwrap(), answer["Token"].as_str().unwrap());

    let mut command = Command::new("node");
    command.current_dir(place).arg("verify_with_jose.mjs");
    command.args([&format!("{url}/.well-known/jwks_uri"), token, DEFAULT_POOL]);
    let verdict = run(command).await;
    assert!(verdict.status.success(), "{}", output_text(&verdict));

    let logins = format!("cognito-identity.amazonaws.com={token}");
    for arguments in [
        vec!["get-id", "--identity-pool-id", DEFAULT_POOL],
        vec!["get-open-id-token", "--identity-id", identity, "--logins", &logins],
        vec!["get-credentials-for-identity", "--identity-id", identity, "--logins", &logins],
        vec!["describe-identity", "--identity-id", identity],
        vec!["lookup-developer-identity", "--identity-pool-id", DEFAULT_POOL, "--identity-id", identity],
        vec!["describe-identity-pool", "--identity-pool-id", DEFAULT_POOL],
        vec!["list-identity-pools", "--max-results", "5"],
        vec!["create-identity-pool", "--identity-pool-name", "x", "--no-allow-unauthenticated-identities"],
    ] {
        let output = aws_cli(place, &url, &arguments).await;
        assert!(output.status.success(), "{}: {}", arguments[0], output_text(&output));
    }
    emulator.stop().await;
}

/// Runs the AWS CLI with the endpoints of both services in the environment.
async fn aws_cli_as(key: AccessKey, session_token: Option<&str>, url: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(peers().unwrap().join("venv/bin/aws"));
    command.args(arguments).args(["--output", "json"]);
    command.env("AWS_ENDPOINT_URL_COGNITO_IDENTITY", url).env("AWS_ENDPOINT_URL_STS", url);
    let output = run_as(key, session_token, command).await;
    assert!(output.status.success(), "{arguments:?}: {}", output_text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_aws_cli_and_the_javascript_sdk_exchange_a_token_for_credentials() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/App";
    let Some(place) = peers_or_skip() else { return };
    let emulator = emulator().await;
    let url = emulator.url();
    let login = format!("{DEFAULT_DEVELOPER_PROVIDER}=alice");
    let vend = ["cognito-identity", "get-open-id-token-for-developer-identity"];
    let vend = [&vend[..], &["--identity-pool-id", DEFAULT_POOL, "--logins", &login]].concat();
    let vended = aws_cli_as(AccessKey::default(), None, &url, &vend).await;
    let (identity, token) = (vended["IdentityId"].as_str().unwrap(), vended["Token"].as_str().unwrap());

    let assume = ["sts", "assume-role-with-web-identity", "--role-arn", ROLE, "--role-session-name", "alice"];
    let assume = [&assume[..], &["--web-identity-token", token]].concat();
    let taken = aws_cli_as(AccessKey::default(), None, &url, &assume).await;
    let text = |name: &str| taken["Credentials"][name].as_str().unwrap().to_owned();
    let key = AccessKey { id: text("AccessKeyId"), secret: text("SecretAccessKey") };
    let caller = aws_cli_as(key, Some(&text("SessionToken")), &url, &["sts", "get-caller-identity"]).await;
    assert_eq!(caller["Arn"], "arn:aws:sts::123456789012:assumed-role/App/alice");
    assert_eq!(caller["UserId"], taken["AssumedRoleUser"]["AssumedRoleId"]);

    let mut command = Command::new("node");
    command.current_dir(place).arg("credentials_with_aws_sdk.mjs").args([&url, identity, token, ROLE]);
    let verdict = run(command).await;
    assert!(verdict.status.success(), "{}", output_text(&verdict));
    emulator.stop().await;
}

#[tokio::test]
async fn pyjwt_rejects_the_same_forgeries_as_verify() {
    let Some(place) = peers_or_skip() else { return };
    let (signer, now) = (TokenSigner::start(), SystemClock::new().now());
    let honest = signer.sign(&honest_claims(now));
    let forged = signer.forgeries_for_any_verifier(now).into_iter().map(|(token, _)| token);
    let tokens: Vec<String> = std::iter::once(honest).chain(forged).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), tokens.join("\n")).unwrap();
    let mut command = Command::new(place.join("venv/bin/python"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/judge_tokens.py");
    command.arg(script).args([&signer.keys_url(), DEFAULT_POOL]).stdin(File::open(file.path()).unwrap());
    let output = run(command).await;
    let found = output_text(&output);
    let verdicts: Vec<&str> = found.lines().collect();
    assert_eq!(verdicts.len(), tokens.len(), "{found}");
    assert_eq!(verdicts[0], "verified", "{found}");
    for (token, verdict) in tokens.iter().zip(&verdicts).skip(1) {
        assert!(verdict.starts_with("refused: "), "{verdict}: {token}");
    }
}
