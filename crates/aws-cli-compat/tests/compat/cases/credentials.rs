//! Credentials from STS, a container, a process, the machine and IAM Identity Center. The server of the case plays these
//! endpoints before the call.

use super::{Case, GOOD, call};
use crate::stub::Reply;

const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

const ASSUMED: Reply = Reply::Response(
    200,
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
     <AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/app/x</Arn></AssumedRoleUser>\
     <Credentials><AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>assumed\
     </SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult><ResponseMetadata>\
     <RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>",
);
const ASSUMED_BY_WEB_IDENTITY: Reply = Reply::Response(
    200,
    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
     <AssumeRoleWithWebIdentityResult><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId>\
     <Arn>arn:aws:sts::123456789012:assumed-role/app/x</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAWEB\
     </AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>web</SessionToken><Expiration>2099-01-01T00:00:00Z\
     </Expiration></Credentials></AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>1</RequestId>\
     </ResponseMetadata></AssumeRoleWithWebIdentityResponse>",
);
const DENIED: Reply = Reply::Response(
    403,
    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied\
     </Code><Message>Not you.</Message></Error><RequestId>1</RequestId></ErrorResponse>",
);
const CONTAINER: Reply = Reply::Response(
    200,
    r#"{"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "s", "Token": "container", "Expiration": "2099-01-01T00:00:00Z"}"#,
);
const SSO: Reply = Reply::Response(
    200,
    r#"{"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "sso", "expiration": 4070908800000}}"#,
);

const START_URL: &str = "https://corp.example/start";
const SESSION: &str = "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n\n\
                       [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";
const LEGACY: &str = "[default]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n\
                      sso_account_id = 123456789012\nsso_role_name = dev\n";
/// File names in the cache: the SHA-1 of `corp` and of the start URL.
const SESSION_TOKEN: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f";
const LEGACY_TOKEN: &str = "f7c9b39d0b4c7a7d82c79307585f77e1c5e74378";

/// A call without credentials in the environment, to a server with these replies before that of the call.
fn after(first: &[Reply]) -> Case {
    let replies: Vec<_> = first.iter().cloned().chain([Reply::Response(200, GOOD)]).collect();
    call("").without(&KEYS).replies(replies).env("AWS_ENDPOINT_URL_STS", "{url}")
}

/// A configuration with a profile that assumes a role.
fn role(more: &str) -> String {
    format!(
        "[default]\nregion = us-east-1\n\n[profile app]\nrole_arn = arn:aws:iam::123456789012:role/app\n{more}\n\
         [profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n"
    )
}

fn assumed(more: &str) -> Case {
    after(&[ASSUMED]).env("AWS_PROFILE", "app").config(&role(more))
}

fn web_identity() -> Case {
    after(&[ASSUMED_BY_WEB_IDENTITY]).file("token", "eyJ.e30.x")
}

fn container() -> Case {
    after(&[CONTAINER]).env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{url}/creds?of=me")
}

fn process(command: &str) -> Case {
    after(&[]).config(&format!("[default]\ncredential_process = {command}\n"))
}

/// With the token of `aws sso login` under this name.
fn sso(config: &str, name: &str, expiry: &str) -> Case {
    let token = format!(
        r#"{{"accessToken": "the-token", "expiresAt": "{expiry}", "region": "eu-west-1", "startUrl": "{START_URL}"}}"#
    );
    let folder = ".aws/sso/cache";
    after(&[SSO]).env("AWS_ENDPOINT_URL_SSO", "{url}").config(config).file(&format!("{folder}/{name}.json"), token)
}

/// The three replies of the metadata service of EC2.
fn machine() -> Case {
    const ROLE: Reply = Reply::Response(
        200,
        r#"{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "s",
            "Token": "machine", "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2099-01-01T00:00:00Z"}"#,
    );
    after(&[Reply::Response(200, "a-token"), Reply::Response(200, "app"), ROLE])
        .without(&["AWS_EC2_METADATA_DISABLED"])
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{url}")
}

pub fn all() -> Vec<Case> {
    let key = r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "s"}"#;
    vec![
        // A role, assumed with the keys of a profile.
        assumed("source_profile = base\n"),
        assumed("source_profile = base\n").env("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
        assumed("source_profile = base\nrole_session_name = chosen\n"),
        assumed("source_profile = base\nrole_session_name = chosen\nexternal_id = 42\n"),
        // The SDK requests the default hour and ignores the profile's duration.
        assumed("source_profile = base\nduration_seconds = 1800\n").last_request_only(),
        assumed("source_profile = base\nregion = eu-west-3\n").without(&["AWS_DEFAULT_REGION"]),
        assumed("credential_source = Environment\n")
            .env("AWS_ACCESS_KEY_ID", "AKIDENV")
            .env("AWS_SECRET_ACCESS_KEY", "s"),
        call("--profile app")
            .replies([ASSUMED, Reply::Response(200, GOOD)])
            .env("AWS_ENDPOINT_URL_STS", "{url}")
            .config(&role("credential_source = Environment\n")),
        call("--profile app")
            .replies([ASSUMED, Reply::Response(200, GOOD)])
            .env("AWS_ENDPOINT_URL_STS", "{url}")
            .config(&role("source_profile = base\n")),
        assumed("source_profile = missing\n").any_error_text(),
        assumed("").any_error_text(),
        assumed("source_profile = base\n").replies([DENIED]).any_error_text(),
        // A role, assumed with another role.
        after(&[ASSUMED, ASSUMED]).env("AWS_PROFILE", "app").config(&format!(
            "{}\n[profile middle]\nrole_arn = arn:aws:iam::123456789012:role/middle\nsource_profile = base\n",
            role("source_profile = middle\n")
        )),
        // A web identity.
        web_identity()
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/token")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app"),
        web_identity()
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/token")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app")
            .env("AWS_ROLE_SESSION_NAME", "chosen"),
        web_identity()
            .env("AWS_PROFILE", "app")
            .config(&role("web_identity_token_file = {home}/token\nrole_session_name = chosen\n")),
        web_identity()
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/missing")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app")
            .any_error_text(),
        web_identity()
            .replies([DENIED])
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/token")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app")
            .any_error_text(),
        // A container.
        container(),
        container().env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer of-mine"),
        container().env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{home}/bearer").file("bearer", "Bearer of-mine"),
        container()
            .env("AWS_ACCESS_KEY_ID", "AKIDENV")
            .env("AWS_SECRET_ACCESS_KEY", "s")
            .replies([Reply::Response(200, GOOD)]),
        // The AWS CLI sends three requests.
        container().replies([Reply::Response(403, "no")]).any_error_text().last_request_only(),
        container().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/creds").any_error_text(),
        // A process.
        process("cat creds.json").file("creds.json", key),
        process("sh -c 'cat creds.json'").file("creds.json", key),
        process("cat 'with blank.json'").file("with blank.json", key),
        process("sh -c 'echo no >&2; exit 3'").any_error_text(),
        process("echo '{\"Version\": 2}'").any_error_text(),
        process("cat creds.json")
            .file("creds.json", r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS"}"#)
            .any_error_text(),
        // IAM Identity Center, with the token of `aws sso login`.
        sso(SESSION, SESSION_TOKEN, "2099-01-01T00:00:00Z"),
        sso(SESSION, SESSION_TOKEN, "2020-01-01T00:00:00Z").any_error_text(),
        sso(SESSION, "another", "2099-01-01T00:00:00Z").any_error_text(),
        sso(LEGACY, LEGACY_TOKEN, "2099-01-01T00:00:00Z"),
        // The AWS CLI checks the expiry of the token; the SDK leaves that to AWS.
        sso(LEGACY, LEGACY_TOKEN, "2020-01-01T00:00:00Z")
            .replies([Reply::Response(401, "{}")])
            .any_error_text()
            .last_request_only(),
        sso(SESSION, SESSION_TOKEN, "2099-01-01T00:00:00Z").replies([Reply::Response(401, "{}")]).any_error_text(),
        // The machine.
        machine(),
    ]
}
