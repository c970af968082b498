//! `tokenvend inspect` and `tokenvend verify` as processes, with valid and invalid tokens.

use clock::{Clock as _, SystemClock, Timestamp};
use serde_json::{Value, json};
use tokenvend::cognito_token_verifier::TokenVerificationError;

use crate::process::{ProcessOutput, run_alone};
use crate::support::{DemoIdp, SECOND_POOL, TestApp};
use crate::token_verification::{TokenSigner, honest_claims};

const POOL: &str = cognito_emulator::DEFAULT_POOL;

fn now() -> Timestamp {
    SystemClock::new().now()
}

/// Runs `verify` with these keys and the token on standard input.
async fn verify(keys_url: &str, token: &str, arguments: &[&str]) -> ProcessOutput {
    let all = [&["verify", "-", "--pool", POOL, "--jwks-url", keys_url], arguments].concat();
    run_alone(&all, &[], token).await
}

async fn inspect(input: &str, arguments: &[&str]) -> ProcessOutput {
    run_alone(&[&["inspect", "-"], arguments].concat(), &[], input).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vended_token_is_verified_against_the_emulator_in_every_form_that_an_answer_has() {
    let app = TestApp::start().await;
    let answer = app.vend("alice").await;
    let (identity, token) = (answer.json()["identityId"].as_str().unwrap().to_owned(), answer.token());
    let url = app.emulator.url();
    let arguments = ["verify", "-", "--pool", POOL, "--endpoint-url", &url];
    for input in [
        token.clone(),
        format!("{token}\n"),
        json!(token).to_string(),
        answer.text.clone(),
        json!({"Token": token}).to_string(),
    ] {
        let ended = run_alone(&arguments, &[], &input).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let expected = format!("verified: {identity} of pool {POOL}, developer user \"alice\" of ");
        assert!(ended.out.starts_with(&expected) && ended.out.lines().count() == 1, "{ended:?}");
        assert!(ended.out.contains("14m") && ended.out.ends_with(" s) left\n"), "{ended:?}");
    }
    let ended = run_alone(&[&arguments[..], &["--json"]].concat(), &[], &token).await;
    let found: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&found["verified"], &found["identityId"]), (&json!(true), &json!(identity)), "{found:#}");
    assert_eq!(found["origin"]["user"], "alice", "{found:#}");
    let other_pool = run_alone(&["verify", &token, "--pool", SECOND_POOL, "--endpoint-url", &url], &[], "").await;
    assert_eq!((other_pool.code, other_pool.out.as_str()), (Some(1), "rejected: its aud is another pool\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_forgery_is_rejected_with_its_reason_and_exits_with_1() {
    let signer = TokenSigner::start();
    let keys_url = signer.keys_url();
    let honest = verify(&keys_url, &signer.sign(&honest_claims(now())), &[]).await;
    assert_eq!(honest.code, Some(0), "{honest:?}");
    for (token, why) in signer.forgeries(now()) {
        let ended = verify(&keys_url, &token, &[]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.out, format!("rejected: {why}\n"));
        assert_eq!(ended.err, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_further_condition_must_hold() {
    let signer = TokenSigner::start();
    let token = signer.sign(&honest_claims(now()));
    let identity = "us-east-1:00000000-0000-4000-8000-00000000000a";
    for (arguments, reason) in [
        (&["--identity-id", identity, "--user", "alice", "--min-ttl", "10m"][..], None),
        (&["--identity-id", "us-east-1:b"], Some("identity")),
        (&["--user", "bob"], Some("user")),
        (&["--min-ttl", "16m"], Some("life")),
    ] {
        let ended = verify(&signer.keys_url(), &token, &[&["--json"], arguments].concat()).await;
        let found: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(ended.code, Some(i32::from(reason.is_some())), "{arguments:?}: {found:#}");
        assert_eq!(found["verified"], reason.is_none(), "{found:#}");
        assert_eq!(found["reason"].as_str(), reason, "{found:#}");
    }
    // A token is valid in its last second and not after it, whatever clock skew AWS tolerates.
    let mut claims = honest_claims(now());
    claims["exp"] = json!(now().as_secs());
    let ended = verify(&signer.keys_url(), &signer.sign(&claims), &[]).await;
    assert_eq!(ended.out, format!("rejected: {}\n", TokenVerificationError::Expired));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_cognitos_keys_a_token_is_neither_accepted_nor_rejected() {
    let signer = TokenSigner::start();
    let token = signer.sign(&honest_claims(now()));
    signer.idp.set_broken(true);
    for url in [signer.keys_url().as_str(), "http://127.0.0.1:1/keys"] {
        let ended = verify(url, &token, &[]).await;
        assert_eq!(ended.code, Some(69), "{ended:?}");
        assert!(ended.err.contains(url) && ended.out.is_empty(), "{ended:?}");
    }
    // Over plain HTTP from another host, an attacker on the path could replace the keys.
    let ended = verify("http://keys.example/", &token, &[]).await;
    assert_eq!(ended.code, Some(64), "{ended:?}");
    let ended = run_alone(&["verify", "-"], &[], &token).await;
    assert_eq!(ended.code, Some(64), "a pool must be named: {ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inspect_prints_the_claims_as_unverified_and_never_the_signature() {
    let signer = TokenSigner::start();
    let claims = honest_claims(now());
    let token = signer.sign(&claims);
    let signature = token.rsplit('.').next().unwrap();
    for arguments in [&[][..], &["--json"]] {
        let ended = inspect(&token, arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.out.contains(&signature[..20]) && ended.err.is_empty(), "{ended:?}");
    }
    let ended = inspect(&token, &[]).await;
    for expected in [
        "NOT VERIFIED",
        "\"alg\": \"RS512\"",
        "\"sub\": \"us-east-1:00000000-0000-4000-8000-00000000000a\"",
        ", in 14m ",
        "user     developer user \"alice\" of login.example",
    ] {
        assert!(ended.out.contains(expected), "no {expected:?} in {}", ended.out);
    }
    let found: Value = serde_json::from_str(&inspect(&token, &["--json"]).await.out).unwrap();
    assert_eq!((&found["verified"], &found["claims"]), (&json!(false), &claims), "{found:#}");
    assert!((890..=900).contains(&found["expiresIn"].as_i64().unwrap()), "{found:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inspect_tells_guests_public_logins_ended_tokens_and_the_app_s_own_apart() {
    let signer = TokenSigner::start();
    let with = |changes: Value| {
        let mut claims = honest_claims(now());
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        signer.sign(&claims)
    };
    let demo = DemoIdp::start();
    for (token, expected) in [
        (with(json!({"amr": ["unauthenticated"]})), "user     a guest"),
        (with(json!({"amr": ["authenticated", "accounts.google.com"]})), "a public login at accounts.google.com"),
        (with(json!({"exp": now().as_secs() - 90})), " ago (-9"),
        (with(json!({"exp": null})), "expires  unknown: the token has no exp"),
        (demo.sign(&demo.claims("bob", now())), "\"iss\": \"https://app.example\""),
    ] {
        let ended = inspect(&token, &[]).await;
        assert!(ended.code == Some(0) && ended.out.contains(expected), "no {expected:?} in {ended:?}");
    }
    let app = inspect(&demo.sign(&demo.claims("bob", now())), &[]).await;
    assert!(!app.out.contains("user     "), "an app's token says nothing of Cognito's: {app:?}");
    let odd = inspect(&with(json!({"sub": "\u{1b}]0;x\u{7}\u{9b}31m"})), &[]).await;
    assert!(!odd.out.contains(['\u{1b}', '\u{9b}', '\u{7}']), "{odd:?}");
    assert!(odd.out.contains(r#""sub": "\u001b]0;x\u0007\u009b31m""#), "{odd:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_no_token_is_reported_and_exits_with_65() {
    for (input, expected) in [
        ("", "the input is empty"),
        ("opaque", "no dots"),
        ("a.b", "2 parts"),
        ("a.b.c.d.e", "encrypted"),
        ("!.e30.x", "header"),
        ("e30.bm8.x", "claims"),
        (r#"{"type": "urn:tokenvend:error:unauthorized"}"#, "no member \"token\""),
        (r#"{"token": 7}"#, "no member \"token\""),
        ("{", "neither a token nor JSON"),
        ("\"a", "neither a token nor JSON"),
    ] {
        let ended = inspect(input, &[]).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(65), ""), "{ended:?}");
        assert!(ended.err.contains(expected), "no {expected:?} in {ended:?}");
    }
}
