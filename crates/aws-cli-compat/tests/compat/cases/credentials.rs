//! Where credentials come from when they stand in no variable and no file: STS, a container, a process, the machine,
//! IAM Identity Center. Each of these is played by the same server, before the call itself.

use super::{Case, GOOD, call};
use crate::stub::Reply;

const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

const ASSUMED: Reply = Reply::Answer(
    200,
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
     <AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/app/x</Arn></AssumedRoleUser>\
     <Credentials><AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>assumed\
     </SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult><ResponseMetadata>\
     <RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>",
);
const ASSUMED_BY_WEB_IDENTITY: Reply = Reply::Answer(
    200,
    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
     <AssumeRoleWithWebIdentityResult><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId>\
     <Arn>arn:aws:sts::123456789012:assumed-role/app/x</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAWEB\
     </AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>web</SessionToken><Expiration>2099-01-01T00:00:00Z\
     </Expiration></Credentials></AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>1</RequestId>\
     </ResponseMetadata></AssumeRoleWithWebIdentityResponse>",
);
const DENIED: Reply = Reply::Answer(
    403,
    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied\
     </Code><Message>Not you.</Message></Error><RequestId>1</RequestId></ErrorResponse>",
);
const CONTAINERS: Reply = Reply::Answer(
    200,
    r#"{"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "s", "Token": "container", "Expiration": "2099-01-01T00:00:00Z"}"#,
);
const SSO: Reply = Reply::Answer(
    200,
    r#"{"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "sso", "expiration": 4070908800000}}"#,
);

const START: &str = "https://corp.example/start";
const SESSION: &str = "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n\n\
                       [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";
const LEGACY: &str = "[default]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n\
                      sso_account_id = 123456789012\nsso_role_name = dev\n";
/// The cache's names: the SHA-1 of `corp` and of the start URL.
const SESSION_TOKEN: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f";
const LEGACY_TOKEN: &str = "f7c9b39d0b4c7a7d82c79307585f77e1c5e74378";

/// A call without credentials of its own, at a server that first answers like this.
fn after(first: &[Reply]) -> Case {
    let replies: Vec<_> = first.iter().cloned().chain([Reply::Answer(200, GOOD)]).collect();
    call("").without(&KEYS).replies(replies).env("AWS_ENDPOINT_URL_STS", "{url}")
}

/// A profile that assumes a role, and where from.
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
    after(&[CONTAINERS]).env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{url}/creds?of=me")
}

fn process(command: &str) -> Case {
    after(&[]).config(&format!("[default]\ncredential_process = {command}\n"))
}

/// With the token that `aws sso login` has left under that name.
fn sso(config: &str, name: &str, expiry: &str) -> Case {
    let token = format!(
        r#"{{"accessToken": "the-token", "expiresAt": "{expiry}", "region": "eu-west-1", "startUrl": "{START}"}}"#
    );
    let folder = ".aws/sso/cache";
    after(&[SSO])
        .env("AWS_ENDPOINT_URL_SSO", "{url}")
        .config(config)
        .file(&format!("{folder}/{name}.json"), token)
}

/// What the machine says of its role, in three answers.
fn machine() -> Case {
    const ROLE: Reply = Reply::Answer(
        200,
        r#"{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "s",
            "Token": "machine", "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2099-01-01T00:00:00Z"}"#,
    );
    after(&[Reply::Answer(200, "a-token"), Reply::Answer(200, "app"), ROLE])
        .without(&["AWS_EC2_METADATA_DISABLED"])
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{url}")
}

pub fn all() -> Vec<Case> {
    let key = r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "s"}"#;
    vec![
        // A role, by a profile's keys.
        assumed("source_profile = base\n"),
        assumed("source_profile = base\n").env("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
        assumed("source_profile = base\nrole_session_name = chosen\n"),
        assumed("source_profile = base\nrole_session_name = chosen\nexternal_id = 42\n"),
        // The SDK asks for the usual hour, whatever the profile says.
        assumed("source_profile = base\nduration_seconds = 1800\n").asks_its_own_way(),
        assumed("source_profile = base\nregion = eu-west-3\n").without(&["AWS_DEFAULT_REGION"]),
        assumed("credential_source = Environment\n")
            .env("AWS_ACCESS_KEY_ID", "AKIDENV")
            .env("AWS_SECRET_ACCESS_KEY", "s"),
        call("--profile app")
            .replies([ASSUMED, Reply::Answer(200, GOOD)])
            .env("AWS_ENDPOINT_URL_STS", "{url}")
            .config(&role("credential_source = Environment\n")),
        call("--profile app")
            .replies([ASSUMED, Reply::Answer(200, GOOD)])
            .env("AWS_ENDPOINT_URL_STS", "{url}")
            .config(&role("source_profile = base\n")),
        assumed("source_profile = nobody\n").complains_somehow(),
        assumed("").complains_somehow(),
        assumed("source_profile = base\n").replies([DENIED]).complains_somehow(),
        // One role by another.
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
            .complains_somehow(),
        web_identity()
            .replies([DENIED])
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/token")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app")
            .complains_somehow(),
        // A container.
        container(),
        container().env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer of-mine"),
        container()
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{home}/bearer")
            .file("bearer", "Bearer of-mine"),
        container()
            .env("AWS_ACCESS_KEY_ID", "AKIDENV")
            .env("AWS_SECRET_ACCESS_KEY", "s")
            .replies([Reply::Answer(200, GOOD)]),
        // The CLI asks three times.
        container().replies([Reply::Answer(403, "no")]).complains_somehow().asks_its_own_way(),
        container().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/creds").complains_somehow(),
        // A process.
        process("cat creds.json").file("creds.json", key),
        process("sh -c 'cat creds.json'").file("creds.json", key),
        process("cat 'with blank.json'").file("with blank.json", key),
        process("sh -c 'echo no >&2; exit 3'").complains_somehow(),
        process("echo '{\"Version\": 2}'").complains_somehow(),
        process("cat creds.json")
            .file("creds.json", r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS"}"#)
            .complains_somehow(),
        // IAM Identity Center, by a token that `aws sso login` has left.
        sso(SESSION, SESSION_TOKEN, "2099-01-01T00:00:00Z"),
        sso(SESSION, SESSION_TOKEN, "2020-01-01T00:00:00Z").complains_somehow(),
        sso(SESSION, "another", "2099-01-01T00:00:00Z").complains_somehow(),
        sso(LEGACY, LEGACY_TOKEN, "2099-01-01T00:00:00Z"),
        // The CLI looks at the end of the token, the SDK leaves that to AWS.
        sso(LEGACY, LEGACY_TOKEN, "2020-01-01T00:00:00Z")
            .replies([Reply::Answer(401, "{}")])
            .complains_somehow()
            .asks_its_own_way(),
        sso(SESSION, SESSION_TOKEN, "2099-01-01T00:00:00Z")
            .replies([Reply::Answer(401, "{}")])
            .complains_somehow(),
        // The machine.
        machine(),
    ]
}
