//! Environment, profiles, credentials and endpoints.

use super::{Case, POOL, call, line};

const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n\n[work]\n\
                           aws_access_key_id = AKIDWORK\naws_secret_access_key = s\naws_session_token = session\n";
const CONFIG: &str = "[default]\nregion = eu-west-1\noutput = text\n\n[profile work]\nregion = eu-central-1\n\
                      output = table\n\n[profile 'two words']\nregion = us-west-2\n";

/// With profiles, and without credentials in the environment.
fn with_profiles(case: Case) -> Case {
    case.without(&KEYS).file(".aws/credentials", CREDENTIALS).config(CONFIG)
}

pub fn all() -> Vec<Case> {
    let no_endpoint = || line(&format!("--identity-pool-id {POOL} --logins login.example=alice"));
    vec![
        call("--region ap-southeast-2"),
        call("--region us_east_1"),
        call("--region -bad-"),
        call("--region 12"),
        call("--region cn-north-1"),
        call("").without(&["AWS_DEFAULT_REGION"]),
        call("").without(&["AWS_DEFAULT_REGION"]).env("AWS_REGION", "us-west-2"),
        call("").env("AWS_REGION", "us-west-2"),
        call("").without(&["AWS_DEFAULT_REGION"]).config(CONFIG),
        call("").config(CONFIG),
        call("--output json").config(CONFIG),
        call("").config(CONFIG).env("AWS_DEFAULT_OUTPUT", "json"),
        // Credentials.
        call("").env("AWS_SESSION_TOKEN", "session"),
        call("").without(&KEYS),
        call("").without(&["AWS_SECRET_ACCESS_KEY"]),
        call("").without(&["AWS_ACCESS_KEY_ID"]),
        call("--no-sign-request"),
        call("--no-sign").without(&KEYS),
        call("--no-sign-request").without(&["AWS_DEFAULT_REGION"]),
        call("--token-duration 0").without(&KEYS),
        call("--token-duration 0").without(&["AWS_DEFAULT_REGION"]),
        // Profiles.
        with_profiles(call("")),
        with_profiles(call("")).without(&["AWS_DEFAULT_REGION"]),
        with_profiles(call("--profile work")),
        with_profiles(call("--profile work")).without(&["AWS_DEFAULT_REGION"]),
        with_profiles(call("")).env("AWS_PROFILE", "work"),
        with_profiles(call("")).env("AWS_DEFAULT_PROFILE", "work"),
        with_profiles(call("")).env("AWS_DEFAULT_PROFILE", "work").env("AWS_PROFILE", "missing"),
        with_profiles(call("--profile default")).env("AWS_PROFILE", "work"),
        with_profiles(call("--profile 'two words' --no-sign-request")).without(&["AWS_DEFAULT_REGION"]),
        with_profiles(call("--profile work")).env("AWS_ACCESS_KEY_ID", "AKIDENV").env("AWS_SECRET_ACCESS_KEY", "s"),
        with_profiles(call(""))
            .env("AWS_PROFILE", "work")
            .env("AWS_ACCESS_KEY_ID", "AKIDENV")
            .env("AWS_SECRET_ACCESS_KEY", "s"),
        call("--profile missing"),
        call("--profile missing --logins broken"),
        call("--profile missing --cli-input-json '{'"),
        call("--profile missing --unknown"),
        call("--profile default"),
        call("").env("AWS_PROFILE", "missing"),
        line("--generate-cli-skeleton --profile missing"),
        call("").without(&["AWS_DEFAULT_REGION"]).env("AWS_CONFIG_FILE", "~/elsewhere").file("elsewhere", CONFIG),
        with_profiles(call("")).env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        call("").without(&KEYS).config("[default]\naws_access_key_id = AKIDCONFIG\naws_secret_access_key = s\n"),
        call("").without(&KEYS).config("[default]\ncredential_process = cat creds.json\n").file(
            "creds.json",
            r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "s", "SessionToken": "t"}"#,
        ),
        call("").config("nonsense\n").any_failure(),
        // Endpoints.
        no_endpoint().env("AWS_ENDPOINT_URL", "{url}"),
        no_endpoint().env("AWS_ENDPOINT_URL_COGNITO_IDENTITY", "{url}").env("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        no_endpoint().config("[default]\nendpoint_url = {url}\n"),
        no_endpoint().config(
            "[default]\nservices = local\nendpoint_url = http://127.0.0.1:1\n\n[services local]\ncognito_identity =\n  \
             endpoint_url = {url}\n",
        ),
        no_endpoint().env("AWS_ENDPOINT_URL", "{url}").config("[default]\nendpoint_url = http://127.0.0.1:1\n"),
        no_endpoint().config("[default]\nservices = missing\n"),
        call("").env("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        call("").env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        // AWS's own endpoint of a region, through a proxy that does not exist.
        no_endpoint().single_attempt().env("HTTPS_PROXY", "http://127.0.0.1:1").any_error_text(),
        call("").env("HTTP_PROXY", "{url}"),
        call("").env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "127.0.0.1"),
        call("--debug").any_error_text(),
        call("--v2-debug").errors_ignored(),
    ]
}
