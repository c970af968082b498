//! Invalid claims in tokens with a valid signature.

use serde_json::{Value, json};

use super::{are_refused, bearer, honest, now};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_claim_is_refused_although_the_app_signed_it() {
    let app = TestApp::start().await;
    let at = |seconds: i64| json!(now(&app) + seconds);
    let mut rows = Vec::new();
    for (claim, value) in [
        // Another audience, or one that looks like the configured one.
        ("aud", json!("another")),
        ("aud", json!("")),
        ("aud", json!(null)),
        ("aud", json!(true)),
        ("aud", json!("tokenvend2")),
        ("aud", json!("tokenven")),
        ("aud", json!("Tokenvend")),
        ("aud", json!("tokenvend ")),
        ("aud", json!("tokenvend,another")),
        ("aud", json!("another tokenvend")),
        ("aud", json!("*")),
        ("aud", json!([])),
        ("aud", json!(["another", "tokenvend2"])),
        ("aud", json!([["tokenvend"]])),
        ("aud", json!([{"aud": "tokenvend"}])),
        ("aud", json!({"tokenvend": true})),
        ("aud", json!({"0": "tokenvend"})),
        // Another issuer, or one that looks like the configured one.
        ("iss", json!("https://evil.example")),
        ("iss", json!("https://app.example.evil.example")),
        ("iss", json!("https://app.exampl")),
        ("iss", json!("https://app.example/")),
        ("iss", json!("https://app.example/x")),
        ("iss", json!("https://app.example?")),
        ("iss", json!("https://app.example#")),
        ("iss", json!("https://app.example:443")),
        ("iss", json!("https://app.example@evil.example")),
        ("iss", json!("https://APP.example")),
        ("iss", json!("HTTPS://app.example")),
        ("iss", json!("http://app.example")),
        ("iss", json!("app.example")),
        ("iss", json!(" https://app.example")),
        ("iss", json!("https://app.example\n")),
        ("iss", json!("https://app.example\u{0}")),
        ("iss", json!("https://\u{430}pp.example")),
        ("iss", json!("https://app%2Eexample")),
        ("iss", json!(["https://app.example"])),
        ("iss", json!({"iss": "https://app.example"})),
        ("iss", json!("")),
        ("iss", json!(null)),
        // Expired, or not yet valid.
        ("exp", at(-31)),
        ("exp", at(-30)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MIN)),
        ("exp", json!(-1e308)),
        ("exp", json!(now(&app) as f64 - 30.5)),
        ("exp", json!((now(&app) + 600).to_string())),
        ("exp", json!("2999-01-01T00:00:00Z")),
        ("exp", json!("soon")),
        ("exp", json!(true)),
        ("exp", json!(null)),
        ("exp", json!([now(&app) + 600])),
        ("exp", json!({"seconds": now(&app) + 600})),
        ("nbf", at(31)),
        ("nbf", json!(i64::MAX)),
        ("nbf", json!(1e308)),
        ("nbf", json!("0")),
        ("nbf", json!(null)),
        ("iat", at(31)),
        ("iat", json!(u64::MAX)),
        ("iat", json!("0")),
        ("iat", json!(null)),
        // No user id, or one that would forge a line of the log.
        ("sub", json!("")),
        ("sub", json!(" ")),
        ("sub", json!(" alice")),
        ("sub", json!("alice\u{a0}")),
        ("sub", json!("alice\u{2028}")),
        ("sub", json!("null")),
        ("sub", json!("undefined")),
        ("sub", json!("[object Object]")),
        ("sub", json!(null)),
        ("sub", json!(true)),
        ("sub", json!(1.5)),
        ("sub", json!(1e30)),
        ("sub", json!(["alice"])),
        ("sub", json!({"id": "alice"})),
        ("sub", json!("x".repeat(1025))),
        ("sub", json!("😀".repeat(513))),
        ("sub", json!("alice\u{0}")),
        ("sub", json!("al\nice")),
        ("sub", json!("al\rice")),
        ("sub", json!("al\tice")),
        ("sub", json!("al\u{1b}[31mice")),
        ("sub", json!("al\u{7f}ice")),
        ("sub", json!("al\u{85}ice")),
        ("sub", json!("al\u{9b}31mice")),
    ] {
        let mut claims = honest(&app);
        claims[claim] = value.clone();
        rows.push(bearer(format!("{claim} = {value}"), app.demo.sign(&claims)));
    }
    for claim in ["exp", "iss", "aud", "sub"] {
        let mut claims = honest(&app);
        claims.as_object_mut().unwrap().remove(claim);
        rows.push(bearer(format!("no {claim}"), app.demo.sign(&claims)));
    }
    are_refused(&app, rows).await;
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_that_two_parsers_could_read_differently_are_refused() {
    let app = TestApp::start().await;
    let rest = format!(r#""iss":"https://app.example","aud":"tokenvend","exp":{}"#, now(&app) + 600);
    let deep = |open: &str, close: &str, times: usize| {
        format!(r#"{{"sub":"alice","x":{}1{},{rest}}}"#, open.repeat(times), close.repeat(times))
    };
    let rows = [
        ("sub twice", format!(r#"{{"sub":"alice","sub":"bob",{rest}}}"#)),
        ("sub twice, the same", format!(r#"{{"sub":"alice","sub":"alice",{rest}}}"#)),
        ("sub twice, once escaped", format!(r#"{{"sub":"alice","s\u0075b":"bob",{rest}}}"#)),
        ("sub twice, all escaped", format!(r#"{{"\u0073\u0075\u0062":"bob","sub":"alice",{rest}}}"#)),
        ("exp twice", format!(r#"{{"sub":"alice","exp":0,{rest}}}"#)),
        ("aud twice", format!(r#"{{"sub":"alice","aud":"x",{rest}}}"#)),
        ("iss twice", format!(r#"{{"sub":"alice","iss":"https://evil.example",{rest}}}"#)),
        ("a key twice below", format!(r#"{{"sub":"alice","org":{{"id":1,"id":2}},{rest}}}"#)),
        ("a key twice within a list", format!(r#"{{"sub":"alice","x":[{{"a":1,"\u0061":2}}],{rest}}}"#)),
        ("no key for sub but one of another case", format!(r#"{{"Sub":"alice",{rest}}}"#)),
        ("a number that is none", format!(r#"{{"sub":"alice","x":1e999,{rest}}}"#)),
        ("not a number", format!(r#"{{"sub":"alice","x":NaN,{rest}}}"#)),
        ("a hexadecimal number", format!(r#"{{"sub":"alice","x":0x10,{rest}}}"#)),
        ("a number with a leading zero", format!(r#"{{"sub":"alice","x":01,{rest}}}"#)),
        ("a comment", format!(r#"{{"sub":"alice",/*"sub":"bob",*/{rest}}}"#)),
        ("a comma too many", format!(r#"{{"sub":"alice",{rest},}}"#)),
        ("single quotes", format!(r#"{{'sub':'alice',{rest}}}"#)),
        ("a line break within a text", format!("{{\"sub\":\"al\nice\",{rest}}}")),
        ("text behind the claims", format!(r#"{{"sub":"alice",{rest}}}x"#)),
        ("NUL behind the claims", format!("{{\"sub\":\"alice\",{rest}}}\u{0}")),
        ("lists 200 deep", deep("[", "]", 200)),
        ("lists 5,000 deep, never closed", deep("[", "", 5000)),
        ("objects 1,000 deep", deep("{\"x\":", "}", 1000)),
    ];
    let rows = rows.map(|(name, payload)| bearer(name, app.demo.sign_text(&payload))).into();
    are_refused(&app, rows).await;
    let plain = format!(r#"{{"sub":"alice",{rest}}}"#);
    assert_eq!(app.vend_bearer(&app.demo.sign_text(&plain)).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exp_beyond_the_range_of_time_is_accepted() {
    let app = TestApp::with("pools.main.bind_to_session = true").await;
    for exp in [json!(i64::MAX), json!(u64::MAX), json!(1e300), json!(now(&app) as f64 + 1e6 + 0.5)] {
        let mut claims: Value = honest(&app);
        claims["exp"] = exp.clone();
        let answer = app.vend_bearer(&app.demo.sign(&claims)).await;
        assert_eq!(answer.status, 200, "{exp}: {answer:?}");
        // The credential cache and Cognito's token last no longer than for other tokens.
        assert_eq!(answer.json()["expiresIn"], 900, "{exp}");
    }
    assert_eq!(app.calls().await, 1);
}
