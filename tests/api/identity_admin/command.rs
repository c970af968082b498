//! `tokenvend identities` as a process, against a running service.

use serde_json::Value;

use super::CREDENTIAL;
use crate::process::run;
use crate::support::TestApp;

/// Runs the command for the pool main. Returns exit code, standard output and standard error.
fn identities(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String, String) {
    let url = app.admin_url("");
    let variables = [("TOKENVEND_ADMIN_CREDENTIAL", CREDENTIAL), ("TOKENVEND_ADMIN_URL", url.as_str())];
    tokio::task::block_in_place(|| run(&[&["identities", "--pool", "main"], arguments].concat(), &variables))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_verb_performs_its_operation_and_prints_the_result() {
    let app = TestApp::switched_on("").await;
    let (alice, bob) = (app.identity_of("alice").await, app.identity_of("bob").await);
    let (code, out, err) = identities(&app, &["lookup", "alice"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(&format!("identityId: {alice}\n")) && out.contains("users: 1\n  alice\n"), "{out}");
    assert!(out.contains("cachedTokens: 1\n") && !out.contains("nextToken"), "{out}");
    let (code, out, _) = identities(&app, &["lookup", "alice", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["identityId"]), (Some(0), &Value::from(alice.clone())));
    let (_, out, _) = identities(&app, &["list", "--max-results", "1"]);
    assert!(
        out.contains("identities: 1\n  ") && out.contains("identityId=us-east-1:") && out.contains("nextToken: "),
        "{out}"
    );
    let (_, out, _) = identities(&app, &["describe", &alice]);
    assert!(out.contains("logins: 1\n  login."), "{out}");
    let (code, out, _) = identities(&app, &["purge", "alice"]);
    assert_eq!((code, out.contains("purgedTokens: 1")), (Some(0), true), "{out}");

    let (code, _, err) = identities(&app, &["merge", "alice", "--into", "bob"]);
    assert_eq!(code, Some(64));
    assert!(err.contains("--yes"), "{err}");
    assert_eq!(app.identity_of("alice").await, alice);
    let (code, out, err) = identities(&app, &["merge", "alice", "--into", "bob", "--yes"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(&format!("removedIdentityId: {alice}")), "{out}");
    assert_eq!(app.identity_of("alice").await, bob);
    let (code, out, _) = identities(&app, &["unlink", &bob, "alice"]);
    assert_eq!((code, out.contains("new identity")), (Some(0), true), "{out}");
    let (code, _, _) = identities(&app, &["delete", &bob]);
    assert_eq!(code, Some(64));
    let (code, out, err) = identities(&app, &["delete", "--yes", &bob, "us-east-1:dead"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains(&format!("deleted: 1\n  {bob}\n")), "{out}");
    assert!(out.contains("identityId=us-east-1:dead  reason=unknown"), "{out}");
    assert!(err.contains("1 of the identities could not be deleted"), "{err}");
    assert_ne!(app.identity_of("bob").await, bob);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn errors_have_exit_codes_for_scripts() {
    let app = TestApp::switched_on("").await;
    let (code, out, err) = identities(&app, &["lookup", "nobody"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("(unknown-user, request "), "{err}");
    let (code, out, _) = identities(&app, &["lookup", "nobody", "--json"]);
    let problem: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &problem["status"]), (Some(1), &Value::from(404)));

    let url = app.admin_url("");
    let bare = |arguments: &[&str], variables: &[(&str, &str)]| {
        tokio::task::block_in_place(|| run(&[&["identities", "--admin-url", &url], arguments].concat(), variables))
    };
    let lookup = ["--pool", "main", "lookup", "alice"];
    let (code, _, err) = bare(&lookup, &[]);
    assert_eq!(code, Some(64));
    assert!(err.contains("TOKENVEND_ADMIN_CREDENTIAL") && err.contains("--credential-file"), "{err}");
    let (code, _, err) = bare(&lookup, &[("TOKENVEND_ADMIN_CREDENTIAL", "wrong")]);
    assert_eq!(code, Some(77), "{err}");
    assert!(!err.contains("Bearer wrong"), "{err}");
    let (code, _, err) = bare(&["lookup", "alice"], &[("TOKENVEND_ADMIN_CREDENTIAL", CREDENTIAL)]);
    assert_eq!(code, Some(64));
    assert!(err.contains("--pool"), "{err}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credential");
    std::fs::write(&file, format!("{CREDENTIAL}\n")).unwrap();
    let from_file = ["--credential-file", file.to_str().unwrap()];
    let (code, _, err) = bare(&[&from_file[..], &lookup].concat(), &[]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("unknown-user"), "{err}");
    let gone = ["identities", "--admin-url", "http://127.0.0.1:1", "--pool", "main", "lookup", "alice"];
    let (code, _, err) = run(&gone, &[("TOKENVEND_ADMIN_CREDENTIAL", CREDENTIAL)]);
    assert_eq!(code, Some(69), "{err}");
}
