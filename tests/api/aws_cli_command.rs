//! The AWS CLI compatible command: calls to a running service, help, and no secrets in its output.

use std::process::{Command, Output};

use cognito_emulator::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL};
use serde_json::Value;

use crate::support::{TestApp, claims_of};

const COMMAND: &str = "get-open-id-token-for-developer-identity";

/// Runs the binary without inherited variables, off the runtime's threads.
async fn tokenvend(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenvend"));
    command.args(arguments).env_clear().env("HOME", "/nonexistent").envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn a_signed_call_gets_a_token_and_prints_no_secret() {
    let app = TestApp::start().await;
    let key = AccessKey::default();
    let login = format!("{DEFAULT_DEVELOPER_PROVIDER}=a-user-nobody-should-read");
    let arguments = [COMMAND, "--debug", "--identity-pool-id", DEFAULT_POOL, "--logins", &login];
    let environment = [
        ("AWS_ACCESS_KEY_ID", key.id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", key.secret.as_str()),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &app.emulator.url()),
    ];
    let output = tokenvend(&arguments, &environment).await;
    assert!(output.status.success(), "{}", stderr(&output));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let token = answer["Token"].as_str().unwrap();
    assert_eq!(claims_of(token)["sub"], answer["IdentityId"]);
    let found = stderr(&output);
    assert!(found.contains("debug: calling"), "{found}");
    for secret in [token, &key.secret, "a-user-nobody-should-read"] {
        assert!(!found.contains(secret), "{found}");
    }

    // A signature by another secret is rejected: the request is really signed.
    let mut wrong = environment;
    wrong[1].1 = "not-the-secret";
    let output = tokenvend(&arguments, &wrong).await;
    assert_eq!(output.status.code(), Some(255));
    assert!(stderr(&output).contains("An error occurred (InvalidSignatureException) when calling the"), "{output:?}");
}

#[tokio::test]
async fn errors_about_logins_do_not_repeat_the_logins() {
    for logins in [
        "login.example=hush-hush,login.example=hush-hush",
        "login.example=hush-hush,also=[a,",
        r#"{"login.example": "hush-hush""#,
        r#"{"login.example": ["hush-hush"]}"#,
        r#"["hush-hush"]"#,
    ] {
        let output = tokenvend(&[COMMAND, "--identity-pool-id", "p", "--region", "r", "--logins", logins], &[]).await;
        assert_eq!(output.status.code(), Some(255), "{logins}");
        assert!(!stderr(&output).contains("hush-hush"), "{logins}: {}", stderr(&output));
    }
}

#[tokio::test]
async fn a_running_service_is_called_with_the_users_bearer() {
    let app = TestApp::start().await;
    let url = app.url("");
    let bearer = app.bearer("alice");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bearer");
    std::fs::write(&file, format!("{bearer}\n")).unwrap();
    let file = file.to_str().unwrap();

    let vended: Value = app.vend("alice").await.json();
    let output = tokenvend(&[COMMAND, "--url", &url, "--bearer-file", file], &[]).await;
    assert!(output.status.success(), "{}", stderr(&output));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&answer["IdentityId"], &answer["Token"]), (&vended["identityId"], &vended["token"]));
    assert_eq!(answer.as_object().unwrap().len(), 2);

    let environment = [("TOKENVEND_BEARER", bearer.as_str())];
    let query = ["--query", "IdentityId", "--output", "text"];
    let output = tokenvend(&[&[COMMAND, "--url", &url], &query[..]].concat(), &environment).await;
    assert_eq!(stdout(&output), format!("{}\n", vended["identityId"].as_str().unwrap()));

    let output = tokenvend(&[COMMAND, "--url", &url, "--pool", "second"], &environment).await;
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_ne!(answer["IdentityId"], vended["identityId"]);
}

#[tokio::test]
async fn errors_of_the_service_and_of_the_arguments_are_printed() {
    let app = TestApp::start().await;
    let url = app.url("");
    let bearer = app.bearer("alice");
    let environment = [("TOKENVEND_BEARER", bearer.as_str())];
    for (arguments, environment, code, words) in [
        (vec!["--url", &url], &[][..], 2, "--bearer-file"),
        (vec!["--url", &url, "--logins", "a=b"], &environment[..], 2, "argument --logins: not allowed with --url"),
        (vec!["--url", &url, "--region", "r"], &environment[..], 2, "argument --region: not allowed with --url"),
        (vec!["--url", &url], &[("TOKENVEND_BEARER", "nonsense")][..], 255, "when calling the tokenvend service"),
        (vec!["--url", &url, "--pool", "none"], &environment[..], 255, "when calling the tokenvend service"),
        (vec!["--url", "http://tokens.example"], &environment[..], 2, "would be sent unencrypted"),
        (vec!["--url", "http://127.0.0.1:1"], &environment[..], 255, "Could not connect to the endpoint URL"),
        (vec!["--url", &app.emulator.url()], &environment[..], 255, "returned HTTP"),
    ] {
        let output = tokenvend(&[&[COMMAND], &arguments[..]].concat(), environment).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains(&bearer));
        assert_eq!(stdout(&output), "");
    }
}

#[tokio::test]
async fn every_form_of_the_command_prints_the_same_help() {
    // The text itself is in the snapshot of `help.rs`.
    let help = tokenvend(&[COMMAND, "--help"], &[]).await;
    for arguments in [vec![COMMAND, "help"], vec!["cognito-identity", COMMAND, "help"]] {
        let output = tokenvend(&arguments, &[]).await;
        assert!(output.status.success());
        assert_eq!(stdout(&output), stdout(&help));
    }
}
