//! `tokenvend credentials` as a process.

use std::process::{Command, Output};

use serde_json::Value;

use super::ENABLED;
use crate::support::TestApp;

async fn run(app: &TestApp, arguments: &[&str], bearer: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenvend"));
    command.arg("credentials").args(arguments).env("TOKENVEND_URL", app.url("/"));
    match bearer {
        Some(bearer) => command.env("TOKENVEND_BEARER", bearer),
        None => command.env_remove("TOKENVEND_BEARER"),
    };
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Asserts that the command failed with this code and these words, and wrote nothing to standard output.
#[track_caller]
fn failed(output: &Output, code: i32, words: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.starts_with("tokenvend: ") && error.contains(words), "no {words:?} in {error}");
    assert!(output.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_prints_the_vended_credentials_in_the_format_of_credential_process() {
    let app = TestApp::with(ENABLED).await;
    let bearer = app.bearer("alice");
    let given = app.credentials("alice").await.json();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    for text in [format!("{bearer}\n"), format!("Bearer {bearer}")] {
        std::fs::write(&file, text).unwrap();
        let path = file.to_str().unwrap();
        for (arguments, from_environment) in
            [(vec!["--bearer-file", path, "--pool", "main"], None), (vec![], Some(bearer.as_str()))]
        {
            let output = run(&app, &arguments, from_environment).await;
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.stderr.is_empty());
            let found: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(found["Version"], 1);
            assert_eq!(found["AccessKeyId"], given["AccessKeyId"]);
            assert_eq!(found["SecretAccessKey"], given["SecretAccessKey"]);
            assert_eq!(found["SessionToken"], given["Token"]);
            assert_eq!(found["Expiration"], given["Expiration"]);
            assert_eq!(found.as_object().unwrap().len(), 5);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_is_printed_to_standard_error_and_sets_the_exit_code() {
    let app = TestApp::with(ENABLED).await;
    let bearer = app.bearer("alice");
    let good = Some(bearer.as_str());
    failed(&run(&app, &[], None).await, 64, "TOKENVEND_BEARER");
    failed(&run(&app, &[], Some("two words")).await, 64, "no token has");
    failed(&run(&app, &["--bearer-file", "/nowhere"], good).await, 69, "/nowhere cannot be read");
    failed(&run(&app, &["--url", "http://tokens.app.example"], good).await, 64, "https");
    failed(
        &run(&app, &["--url", "http://127.0.0.1:1"], good).await,
        69,
        "request to http://127.0.0.1:1/v1/credentials failed",
    );
    failed(&run(&app, &["--url", &app.emulator.url()], good).await, 69, "returned");
    failed(&run(&app, &["--pool", "second"], good).await, 69, "does not vend AWS credentials");
    let refused = run(&app, &[], Some("a.b.c")).await;
    failed(&refused, 69, "401");
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("a.b.c"));
}
