//! Inputs, valid and invalid: options and their abbreviations, shorthand, JSON, files.

use super::{Case, POOL, bare, call, line};

/// Values of `--logins` in every syntax, valid and invalid.
const LOGINS: &[&str] = &[
    "login.example=alice,accounts.google.com=eyJ.e30.x",
    "login.example=a=b=c",
    "login.example=user@example.com",
    "'login.example = alice , other = bob '",
    "login.example='\"quoted, with = and comma\"'",
    r#""login.example='single, \'escaped\''""#,
    r#"'login.example="double \"escaped\" \\ back"'"#,
    r"'login.example=a\,b'",
    r"'login.example=a\\b'",
    "login.example=日本語",
    "login.example=😀",
    "graph.facebook.com/x:y#z_1=t",
    "login.example=a,b",
    "login.example=[a,b]",
    "'login.example={a=b,c=[d,e]}'",
    "login.example=",
    "=x",
    "login.example",
    "login.example=alice,",
    "login.example=alice,,x=y",
    "login.example=a,login.example=b",
    "'login.example=\"unclosed'",
    "'login.example=a\nb'",
    "'login.example=a]b}c'",
    "login.example=[a",
    "''",
    "' '",
    "'{\"login.example\": \"alice\", \"accounts.google.com\": \"t\"}'",
    "'  {\"login.example\":\"\\u00e9\"}'",
    "'{}'",
    "'{\"login.example\": 5}'",
    "'{\"login.example\": null}'",
    "'{\"login.example\": [\"a\"]}'",
    "'{\"login.example\": \"\"}'",
    "'{\"\": \"x\"}'",
    "'{\"login.example\": \"alice\"'",
    "'{login.example: alice}'",
    "file://logins.json",
    "file://{home}/logins.json",
    "file://~/logins.json",
    "'file://$HOME/logins.json'",
    "'file://${HOME}/logins.json'",
    "file://shorthand.txt",
    "file://windows.txt",
    "file://missing.json",
    "file://latin1.txt",
    "file://.aws",
    "login.example@=file://user.txt",
    "login.example@=file://missing.txt",
    "login.example=file://user.txt",
    "-x",
    "'-x y'",
];

fn with_files(case: Case) -> Case {
    case.file("logins.json", "{\n  \"login.example\": \"from file\"\n}\n")
        .file("shorthand.txt", "login.example=alice\n")
        .file("windows.txt", "{\"login.example\":\r\n\"alice\"}\r\n")
        .file("latin1.txt", b"login.example=\xe9")
        .file("user.txt", "alice\n")
        .file("pool.txt", POOL)
        .file("pool-and-newline.txt", format!("{POOL}\n"))
        .file("input.json", format!(r#"{{"IdentityPoolId": "{POOL}", "Logins": {{"p": "from file"}}}}"#))
}

pub fn all() -> Vec<Case> {
    let mut cases: Vec<_> = LOGINS.iter().map(|logins| with_files(bare(&format!("--logins {logins}")))).collect();
    cases.extend(more().into_iter().map(with_files));
    cases
}

fn more() -> Vec<Case> {
    let json = |more: &str| line(&format!("--endpoint-url {{url}} {more}"));
    vec![
        // Options at all positions and in all forms.
        call("--principal-tags team=red,site=north --token-duration 3600 --identity-id us-east-1:x"),
        line(&format!("--endpoint-url={{url}} --identity-pool-id={POOL} --logins=login.example=alice")),
        line(&format!("--endpoint {{url}} --identity-pool {POOL} --log login.example=alice --tok 60 --prin a=b")),
        line(&format!("--e {{url}} --identity-p {POOL} --l login.example=alice --o text --qu Token --reg eu-west-1")),
        call("--identity-pool-id us-east-1:last --output text --output json"),
        call("--logins login.example=bob"),
        call("--identity us-east-1:x"),
        call("--c auto"),
        call("--no x"),
        call("--p missing"),
        call("--pr missing"),
        call("--debug=1"),
        call("--no-paginate"),
        call("--no-pag"),
        call("--unknown"),
        call("--unknown value another"),
        call("stray"),
        call("one two three"),
        call("-v"),
        call("--"),
        call("-- stray"),
        call("--region"),
        call("--token-duration"),
        line(""),
        bare(""),
        line("--logins a=b"),
        line("--endpoint-url"),
        line(&format!(
            "--endpoint-url {{url}} --region eu-west-1 cognito-identity --output text \
             get-open-id-token-for-developer-identity --identity-pool-id {POOL} --logins a=b"
        )),
        line(&format!(
            "cognito-identity get-open-id-token-for-developer-identity --endpoint-url {{url}} --identity-pool-id \
             {POOL} --logins a=b"
        )),
        line(&format!(
            "--output text get-open-id-token-for-developer-identity --endpoint-url {{url}} --identity-pool-id {POOL} \
             --logins a=b"
        )),
        // Durations.
        call("--token-duration 1"),
        call("--token-duration 0"),
        call("--token-duration 86401"),
        call("--token-duration -5"),
        call("--token-duration abc"),
        call("--token-duration 1.5"),
        call("--token-duration 1_000"),
        call("--token-duration ' 60 '"),
        call("--token-duration +60"),
        call("--token-duration ''"),
        call("--token-duration 99999999999999999999"),
        call("--token-duration file://user.txt"),
        // Lengths and empty values.
        line("--endpoint-url {url} --identity-pool-id '' --logins a=b"),
        call("--identity-id ''"),
        call("--identity-id '' --token-duration 0 --principal-tags =x"),
        call("--principal-tags team="),
        call("--principal-tags '{\"team\": 7, \"site\": {\"a\": [1.5, true, null, \"it''s\"]}}'").any_error_text(),
        bare("--logins '[\"login.example\"]'").any_error_text(),
        call("--principal-tags '{\"team\": \"rød\"}'"),
        call("--principal-tags notags"),
        line("--endpoint-url {url} --identity-pool-id no-pool-at-all --logins a=b"),
        line(&format!("--endpoint-url {{url}} --identity-pool-id {} --logins a=b", "x".repeat(60))),
        // Files.
        line("--endpoint-url {url} --identity-pool-id file://pool.txt --logins a=b"),
        line("--endpoint-url {url} --identity-pool-id file://pool-and-newline.txt --logins a=b"),
        line("--endpoint-url {url} --identity-pool-id fileb://pool.txt --logins a=b"),
        call("--identity-id file://missing"),
        bare("--logins fileb://logins.json").any_error_text(),
        // Input as JSON.
        json("--cli-input-json file://input.json"),
        json("--cli-input-json fileb://input.json"),
        json("--cli-input-json file://missing.json"),
        json("--cli-input-json=file://input.json"),
        json("--cli-input file://input.json"),
        call("--cli-input file://input.json"),
        call("--cli-input-json file://input.json"),
        json(
            r#"--cli-input-json '{"IdentityPoolId": "p", "Logins": {"a": "b"}, "TokenDuration": 60}' --token-duration 7"#,
        ),
        json(
            r#"--cli-input-json '{"Logins": {"a": "b"}, "TokenDuration": 60, "IdentityPoolId": "p"}' --identity-id i"#,
        ),
        json(r#"--cli-input-json '{"Logins": {"a": "b"}}'"#),
        json("--cli-input-json '{}'"),
        json("--cli-input-json '[]'"),
        json("--cli-input-json '\"text\"'"),
        json("--cli-input-json 5"),
        json("--cli-input-json ''"),
        json("--cli-input-json '{'"),
        json("--cli-input-json '{\"a\": 1,}'"),
        json("--cli-input-json '{\"a\": tru}'"),
        json("--cli-input-json '{\"a\" 1}'"),
        json("--cli-input-json '{} x'"),
        json("--cli-input-json '{\"a\": \"\\q\"}'"),
        json("--cli-input-json '{\"a\": \"\\u12\"}'"),
        json("--cli-input-json '{\"a\": \"b'"),
        json(r#"--cli-input-json '{"IdentityPoolId": "p", "Logins": {"a": "b"}, "Unknown": 1, "more": 2}'"#),
        json(r#"--cli-input-json '{"IdentityPoolId": 5, "Logins": [], "TokenDuration": "60", "IdentityId": null}'"#),
        json(r#"--cli-input-json '{"IdentityPoolId": {"a": 1}, "Logins": "x", "TokenDuration": 1.5}'"#),
        json(r#"--cli-input-json '{"IdentityPoolId": "p", "Logins": {"a": "b"}, "TokenDuration": true}'"#),
        json(r#"--cli-input-json '{"IdentityPoolId": "p", "Logins": {"a": "b"}, "TokenDuration": false}'"#),
        json(r#"--cli-input-json '{"IdentityPoolId": "é", "Logins": {"ü": "\ud83d\ude00"}}'"#),
        line("--generate-cli-skeleton --cli-input-json '{'"),
    ]
}
