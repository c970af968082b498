//! The trust policy check of `doctor`: the emulator's IAM with one trust policy after the other.

use std::process::Command;

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_sdk_cognitoidentity::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use clock::{Clock as _, SystemClock};
use cognito_emulator::{AccessKey, DEFAULT_POOL};
use serde_json::{Value, json};

use super::{DoctorRun, ROLE, SECOND_POOL, assert_reported, check};
use crate::packages::peers_or_skip;
use crate::third_party_clients::{self, Moto};

const AUTHORITY: &str = "cognito-identity.amazonaws.com";
const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";

impl DoctorRun {
    /// Replaces a role's trust policy, as `aws iam update-assume-role-policy` does.
    async fn trusts(&self, document: &Value) {
        let parameters = [
            ("Action", "UpdateAssumeRolePolicy"),
            ("Version", "2010-05-08"),
            ("RoleName", "mobile-user"),
            ("PolicyDocument", &document.to_string()),
        ];
        let form = reqwest::Url::parse_with_params("http://form", parameters).unwrap().query().unwrap().to_owned();
        let key = AccessKey::default();
        let identity = Credentials::new(key.id, key.secret, None, None, "test").into();
        let signing = v4::SigningParams::builder().identity(&identity).region("us-east-1").name("iam");
        let signing =
            signing.time(SystemClock::new().now().into()).settings(SigningSettings::default()).build().unwrap().into();
        let content = [("content-type", "application/x-www-form-urlencoded")];
        let url = self.emulator.url();
        let body = SignableBody::Bytes(form.as_bytes());
        let request = SignableRequest::new("POST", &url, content.into_iter(), body).unwrap();
        let (instructions, _) = sign(request, &signing).unwrap().into_parts();
        let mut call = reqwest::Client::new().post(&url).header(content[0].0, content[0].1);
        for (name, value) in instructions.headers() {
            call = call.header(name, value);
        }
        let answer = call.body(form).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }
}

/// A statement that lets authenticated identities of the main pool assume the role.
fn statement(change: impl FnOnce(&mut Value)) -> Value {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"Federated": AUTHORITY},
        "Action": ASSUME,
        "Condition": {
            "StringEquals": {format!("{AUTHORITY}:aud"): DEFAULT_POOL},
            "ForAnyValue:StringLike": {format!("{AUTHORITY}:amr"): "authenticated"},
        },
    });
    change(&mut statement);
    statement
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The same statement with other conditions.
fn conditions(conditions: Value) -> Value {
    policy(&[statement(|statement| statement["Condition"] = conditions)])
}

const OWN_ALONE: &[&str] = &["trusts this pool's users, no other pools and no guests"];
const STRANGERS: &[&str] =
    &["users of other identity pools, any AWS customer's", "aud", DEFAULT_POOL, "--trust-policy main"];
const GUESTS: &[&str] = &["guests", "amr", "aws iam update-assume-role-policy --role-name mobile-user"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trust_policy_is_checked_by_the_principals_that_it_allows_in_any_notation() {
    let run = DoctorRun::new().await;
    run.set_roles(&[DEFAULT_POOL], &["authenticated"]).await;
    let aud = format!("{AUTHORITY}:aud");
    let amr = format!("{AUTHORITY}:amr");
    let signed_in = json!({&amr: "authenticated"});
    let own = json!({&aud: DEFAULT_POOL});
    for (document, status, words) in [
        // Correct policies.
        (policy(&[statement(|_| ())]), "ok", OWN_ALONE),
        (policy(&[statement(|s| s["Action"] = json!(["sts:assumerolewith*", "sts:TagSession"]))]), "ok", OWN_ALONE),
        (json!({"Statement": statement(|_| ())}), "ok", OWN_ALONE),
        (
            conditions(json!({
                "StringEquals": {aud.to_uppercase(): [SECOND_POOL, DEFAULT_POOL]},
                "ForAnyValue:StringEquals": {&amr: ["authenticated"]},
            })),
            "ok",
            OWN_ALONE,
        ),
        (
            conditions(json!({
                "StringEquals": own,
                "ForAllValues:StringNotEquals": {&amr: "unauthenticated"},
                "Null": {&aud: "false"},
            })),
            "ok",
            OWN_ALONE,
        ),
        (conditions(json!({"StringEquals": own, "ForAnyValue:StringLike": {&amr: "login.*:*:*"}})), "ok", OWN_ALONE),
        (
            conditions(json!({
                "StringEquals": own, "ForAnyValue:StringLike": signed_in, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
            })),
            "ok",
            &["no other pools and no guests, where aws:SourceIp allows it"],
        ),
        (
            policy(&[
                statement(|s| s["Principal"]["Federated"] = json!("login.example")),
                statement(|s| s["Principal"]["Federated"] = json!(["accounts.google.com", AUTHORITY])),
            ]),
            "ok",
            OWN_ALONE,
        ),
        (
            policy(&[
                statement(|s| s["Condition"]["StringEquals"] = json!({})),
                statement(|s| {
                    s["Effect"] = json!("Deny");
                    s["Condition"] = json!({"StringNotEquals": own});
                }),
            ]),
            "ok",
            OWN_ALONE,
        ),
        // Policies that let other principals in.
        (conditions(json!({})), "warn", STRANGERS),
        (conditions(json!({"ForAnyValue:StringLike": signed_in})), "warn", STRANGERS),
        (conditions(json!({"StringEquals": own})), "warn", GUESTS),
        (conditions(json!({"StringEquals": own, "ForAnyValue:StringLike": {&amr: "*authenticated"}})), "warn", GUESTS),
        (
            conditions(json!({"StringLike": {&aud: "us-east-1:*"}, "ForAnyValue:StringLike": signed_in})),
            "warn",
            STRANGERS,
        ),
        (
            conditions(json!({"StringNotEquals": {&aud: SECOND_POOL}, "ForAnyValue:StringLike": signed_in})),
            "warn",
            STRANGERS,
        ),
        (
            policy(&[
                statement(|_| ()),
                statement(|s| s["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}})),
            ]),
            "warn",
            STRANGERS,
        ),
        // A single-valued condition on a multivalued key.
        (
            conditions(json!({"StringEquals": {&aud: DEFAULT_POOL, &amr: "authenticated"}})),
            "warn",
            &["may or may not trust"],
        ),
        // Policies that let no user in.
        (policy(&[]), "fail", &["does not trust this pool's signed-in users", "no statement allows", AUTHORITY]),
        (
            policy(&[statement(|s| s["Principal"] = json!({"Service": "ec2.amazonaws.com"}))]),
            "fail",
            &["no statement allows", AUTHORITY, "--trust-policy main"],
        ),
        (
            policy(&[statement(|s| s["Action"] = json!("sts:AssumeRole"))]),
            "fail",
            &["no statement for", "allows", ASSUME],
        ),
        (
            conditions(json!({"StringEquals": {&aud: SECOND_POOL}, "ForAnyValue:StringLike": signed_in})),
            "fail",
            &["StringEquals limits", "aud to", SECOND_POOL],
        ),
        (
            conditions(json!({"StringEquals": own, "ForAnyValue:StringLike": {&amr: "unauthenticated"}})),
            "fail",
            &["ForAnyValue:StringLike limits", "amr to unauthenticated"],
        ),
        (
            policy(&[statement(|_| ()), statement(|s| s["Effect"] = json!("Deny"))]),
            "fail",
            &["a Deny statement applies"],
        ),
        // A policy that IAM itself would reject.
        (json!({"Statement": [{"Effect": "Maybe"}]}), "warn", &["cannot be parsed"]),
    ] {
        run.trusts(&document).await;
        let (code, report) = run.examined(&[], &[]).await;
        assert_reported(&report, ("role-trust", "main"), status, words);
        let values = &check(&report, "role-trust", "main")["values"];
        assert_eq!(values["role"], ROLE, "{document:#}");
        assert_eq!(values["trustPolicy"]["Statement"][0]["Condition"]["StringEquals"][&aud], DEFAULT_POOL);
        assert_eq!(code, Some(i32::from(status == "fail")), "{document:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_pool_has_tags_its_role_must_let_sessions_have_them() {
    let run = DoctorRun::new().await.with_roles().await;
    let tagged = [("TOKENVEND__POOLS__MAIN__TAGS__TENANT", "{tenant}")];
    let (_, report) = run.examined(&[], &tagged).await;
    assert_reported(&report, ("role-trust", "main"), "ok", OWN_ALONE);

    run.trusts(&policy(&[statement(|_| ())])).await;
    let ended = run.report(&[], &tagged).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for line in [
        "FAIL  role-trust main      arn:aws:iam::123456789012:role/mobile-user does not trust this pool's signed-in users with \
         principal tags: no statement for cognito-identity.amazonaws.com allows sts:TagSession",
        "      -> aws iam update-assume-role-policy --role-name mobile-user --policy-document \"$(tokenvend doctor \
         --trust-policy main)\"",
    ] {
        assert!(ended.out.lines().any(|found| found == line), "no {line:?} in\n{}", ended.out);
    }

    // The policy of the remedy passes the check.
    let printed = run.report(&["--trust-policy", "main"], &tagged).await.out;
    run.trusts(&serde_json::from_str(&printed).unwrap()).await;
    let (_, report) = run.examined(&[], &tagged).await;
    assert_reported(&report, ("role-trust", "main"), "ok", OWN_ALONE);
    assert_reported(&report, ("role-trust", "second"), "fail", &["aud to", DEFAULT_POOL]);
}

/// An IAM that returns this to each request.
fn iam(status: u16, body: &'static str) -> String {
    let respond = move || {
        let status = actix_web::http::StatusCode::from_u16(status).unwrap();
        std::future::ready(HttpResponse::build(status).content_type("text/xml").body(body))
    };
    let server = HttpServer::new(move || App::new().default_service(web::to(respond)));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_be_read_is_skipped_and_the_permission_is_named() {
    let run = DoctorRun::new().await.with_roles().await;
    let denied = iam(
        403,
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>AccessDenied\
         </Code><Message>User: arn:x is not authorized to perform: iam:GetRole on resource: role mobile-user\
         </Message></Error><RequestId>1</RequestId></ErrorResponse>",
    );
    let another = iam(
        200,
        "<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::999999999999:role/mobile-user</Arn>\
         <AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>",
    );
    let gone = "http://127.0.0.1:1".to_owned();
    for (url, words) in [
        (&denied, &["not allowed, which is fine", "iam:GetRole on arn:aws:iam::123456789012:role/mobile-user"][..]),
        (&another, &["999999999999", "another account"]),
        (&iam(200, "<html>a portal</html>"), &["IAM does not return the role", "not from IAM"]),
        (&gone, &["IAM cannot be reached", "--trust-policy main"]),
    ] {
        let (code, report) = run.examined(&[], &[("AWS_ENDPOINT_URL_IAM", url)]).await;
        assert_eq!(code, Some(0), "{report:#}");
        assert_reported(&report, ("role-trust", "main"), "skip", words);
    }
    let ended = run.report(&[], &[("AWS_ENDPOINT_URL_IAM", &denied)]).await;
    let line = "skip  role-trust main      not allowed, which is fine: tokenvend does not need it; the check needs iam:GetRole on";
    assert!(ended.out.lines().any(|found| found.starts_with(line)), "{}", ended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_role_is_reported_and_the_role_of_guests_is_checked_too() {
    let run = DoctorRun::new().await.with_roles().await;
    let variables = [
        ("TOKENVEND__POOLS__MAIN__CREDENTIALS__ENABLED", "true"),
        ("TOKENVEND__POOLS__MAIN__CREDENTIALS__CUSTOM_ROLE_ARN", "arn:aws:iam::123456789012:role/nobodys"),
    ];
    let (code, report) = run.examined(&[], &variables).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_reported(&report, ("role-trust", "main"), "ok", OWN_ALONE);
    let words = &["IAM does not have arn:aws:iam::123456789012:role/nobodys", "NoSuchEntity", "get no credentials"];
    assert_reported(&report, ("custom-role-trust", "main"), "fail", words);

    run.set_roles(&[DEFAULT_POOL], &["authenticated", "unauthenticated"]).await;
    let (_, report) = run.examined(&[], &[]).await;
    assert_reported(&report, ("role-trust", "main"), "warn", GUESTS);
    assert_reported(&report, ("guest-role-trust", "main"), "ok", &["trusts this pool's guests, and no other pools"]);
    run.trusts(&policy(&[statement(|_| ())])).await;
    let (_, report) = run.examined(&[], &[]).await;
    let words = &["does not trust this pool's guests", "amr to authenticated", "amr is unauthenticated"];
    assert_reported(&report, ("guest-role-trust", "main"), "fail", words);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_permission_to_read_the_pool_its_role_is_not_checked() {
    let run = DoctorRun::new().await;
    let (_, report) = run.examined(&[], &[]).await;
    assert_reported(&report, ("role-trust", "main"), "skip", &["no role for authenticated users"]);
    let aws = super::stand_in(|_, _| super::denied());
    let (_, report) = run.examined(&[], &[("TOKENVEND__UPSTREAM__ENDPOINT_URL", &aws)]).await;
    assert_reported(&report, ("role-trust", "main"), "skip", &["the role is unknown", "not allowed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn iam_of_a_third_party_is_read_as_well() {
    let Some(place) = peers_or_skip() else { return };
    let moto = Moto::start(place);
    let run = DoctorRun::new().await.with_roles().await;
    let iam = [("AWS_ENDPOINT_URL_IAM", moto.url.as_str())];
    let (code, report) = run.examined(&[], &iam).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_reported(&report, ("role-trust", "main"), "fail", &["IAM does not have", "mobile-user", "NoSuchEntity"]);

    let mut create = Command::new(place.join("venv/bin/aws"));
    let document = run.report(&["--trust-policy", "main"], &[]).await.out;
    create.args(["iam", "create-role", "--role-name", "mobile-user", "--endpoint-url", &moto.url]);
    create.args(["--assume-role-policy-document", &document]);
    let created = third_party_clients::run(create).await;
    assert!(created.status.success(), "{}", third_party_clients::output_text(&created));
    let (_, report) = run.examined(&[], &iam).await;
    assert_reported(&report, ("role-trust", "main"), "ok", OWN_ALONE);
}
