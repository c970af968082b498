//! The AWS CLI and botocore with the vended credentials.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

use super::ENABLED;
use crate::packages::peers_or_skip;
use crate::support::TestApp;
use crate::third_party_clients::output_text;

/// A program without any AWS configuration except these variables.
fn peer(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn who(output: &Output) -> String {
    assert!(output.status.success(), "{}", output_text(output));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    json["Arn"].as_str().unwrap().to_owned()
}

impl TestApp {
    fn aws_cli(&self, place: &Path) -> Command {
        let mut command = peer(place.join("venv/bin/aws"));
        command.args(["sts", "get-caller-identity", "--output", "json", "--endpoint-url"]);
        command.arg(self.emulator.url());
        command
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_cli_accepts_them_by_uri_by_file_and_by_credential_process() {
    let Some(place) = peers_or_skip() else { return };
    let app = TestApp::with(ENABLED).await;
    let uri = app.url("/v1/credentials?pool=main");
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let header = format!("Bearer {}", app.bearer("alice"));

    let mut by_uri = app.aws_cli(place);
    by_uri.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri);
    by_uri.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", &header);
    let arn = who(&run(by_uri).await);
    assert!(arn.ends_with("/CognitoIdentityCredentials"), "{arn}");

    let mut by_file = app.aws_cli(place);
    by_file.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri);
    by_file.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file("header", &header));
    assert_eq!(who(&run(by_file).await), arn);

    let (binary, bearer) = (env!("CARGO_BIN_EXE_tokenvend"), file("token", &app.bearer("alice")));
    let process = format!("{binary} credentials --url {} --bearer-file {}", app.url(""), bearer.display());
    let config = file("config", &format!("[profile app]\nregion = us-east-1\ncredential_process = {process}\n"));
    let mut by_process = app.aws_cli(place);
    by_process.args(["--profile", "app"]).env("AWS_CONFIG_FILE", config);
    assert_eq!(who(&run(by_process).await), arn);

    let mut refused = app.aws_cli(place);
    refused.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri);
    refused.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", format!("{header}x"));
    let refused = run(refused).await;
    assert!(!refused.status.success() && output_text(&refused).contains("401"), "{}", output_text(&refused));
    assert_eq!(app.credentials_calls().await, 1);
}

/// botocore with one user's credentials and a manual clock.
struct Botocore {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Botocore {
    fn start(app: &TestApp, place: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/credentials_peers.py");
        let mut process = peer(place.join("venv/bin/python"))
            .arg(script)
            .arg(app.emulator.url())
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", app.url("/v1/credentials"))
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", format!("Bearer {}", app.bearer("alice")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }

    fn line(&mut self) -> String {
        tokio::task::block_in_place(|| {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended");
            line.trim().to_owned()
        })
    }

    /// Uses the credentials at this time: the number of its requests so far, and the remaining lifetime.
    fn use_at(&mut self, seconds: u64) -> (u32, u32) {
        writeln!(self.input, "{seconds}").unwrap();
        let line = self.line();
        let (fetches, left) = line.split_once(' ').unwrap();
        (fetches.parse().unwrap(), left.parse().unwrap())
    }
}

impl Drop for Botocore {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Three hours of botocore, which uses its credentials every minute, beside other requests of the same user every two.
/// Returns the number of its requests, and the maximum within one minute.
async fn three_hours_of_use(overlay: &str, place: &Path) -> (u32, u32, u64) {
    let app = TestApp::with(&format!("{ENABLED}\n{overlay}")).await;
    let mut botocore = Botocore::start(&app, place);
    let arn = botocore.line();
    assert!(arn.contains("assumed-role/"), "{arn}");
    let (mut all, mut most) = (0, 0);
    for minute in 1..=180 {
        app.advance(60);
        if minute % 2 == 0 {
            app.credentials("alice").await.source();
        }
        let (fetches, left) = botocore.use_at(minute * 60);
        assert!(left > 600, "botocore was left with {left} s, within its mandatory window");
        (all, most) = (all + fetches, most.max(fetches));
    }
    (all, most, app.credentials_calls().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn botocore_caches_credentials_and_requests_new_ones_once() {
    let Some(place) = peers_or_skip() else { return };
    let (all, most, calls) = three_hours_of_use("", place).await;
    assert_eq!(most, 1, "asked more than once within a minute");
    assert!((3..=36).contains(&all), "asked {all} times in three hours");
    assert!(calls <= 7, "{calls} calls to Cognito for three hours");
    // The reason for `mandatory_window`:
    let (all, most, _) = three_hours_of_use("credentials.mandatory_window = \"11m\"", place).await;
    assert!(most > 1, "with less life than botocore wants it asks {all} times, {most} in a minute");
}
