//! The command as a process, as tests of other projects use it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_sdk_cognitoidentity::error::ProvideErrorMetadata as _;
use cognito_emulator::AccessKey;
use serde_json::json;

use super::client;

const BINARY: &str = env!("CARGO_BIN_EXE_cognito-emulator");

/// The running command, and the URL at the end of its first line.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let url = first.split_whitespace().last().unwrap().to_owned();
        Self { child, url }
    }

    /// Stops it as an orchestrator does, and returns its exit code.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_url_is_in_the_first_line_and_in_the_file_while_the_emulator_runs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("emulator.url");
    let read = |file: &Path| std::fs::read_to_string(file).ok();
    std::fs::write(&file, "http://of-a-killed-run\n").unwrap();
    let running = Running::start(&["--url-file", file.to_str().unwrap()]);
    assert_eq!(read(&file), Some(format!("{}\n", running.url)));
    let response = reqwest::get(format!("{}/.well-known/jwks_uri", running.url)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(running.stop(), Some(0));
    assert_eq!(read(&file), None);
}

#[tokio::test]
async fn the_flags_set_up_pools_guests_roles_and_account() {
    let (with, without) = ("eu-west-1:1", "eu-west-1:2");
    let running = Running::start(&[
        "--pool",
        "eu-west-1:1=login.one,guests",
        "--pool",
        "eu-west-1:2=login.two",
        "--authenticated-role",
        "arn:aws:iam::210987654321:role/Users",
        "--account-id",
        "210987654321",
    ]);
    let aws = client(&running.url, &AccessKey::default());
    assert!(aws.get_id().identity_pool_id(with).account_id("210987654321").send().await.is_ok());
    let error = aws.get_id().identity_pool_id(without).send().await.unwrap_err();
    assert_eq!(error.code(), Some("NotAuthorizedException"), "that pool allows no guests");

    let google = |id: &str| aws.get_id().identity_pool_id(id).logins("accounts.google.com", "g").send();
    let user = google(without).await.unwrap().identity_id.unwrap();
    let call = aws.get_credentials_for_identity().identity_id(user).logins("accounts.google.com", "g");
    call.send().await.unwrap();
    let sessions = reqwest::get(format!("{}/_emulator/sessions", running.url)).await.unwrap();
    let sessions: serde_json::Value = serde_json::from_str(&sessions.text().await.unwrap()).unwrap();
    let arn = "arn:aws:sts::210987654321:assumed-role/Users/CognitoIdentityCredentials";
    assert_eq!(sessions["sessions"][0]["arn"], json!(arn));
}

#[test]
fn invalid_flags_are_rejected_with_what_is_allowed() {
    for (arguments, expected) in [
        (["--authenticated-role", "App"], "arn:aws:iam::123456789012:role/NAME"),
        (["--account-id", "1"], "12 digits"),
        (["--pool", "us-east-1:1=p,guest"], ",guests"),
        (["--listen", "0.0.0.0:0"], "--allow-non-loopback"),
    ] {
        let output = Command::new(BINARY).args(arguments).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {words}");
        assert!(words.contains(expected), "{arguments:?}: {words}");
    }
}
