//! `tokenvend doctor` as a process, against the emulator and against servers that return the errors of AWS.

mod trust;

use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_sdk_cognitoidentity::config::{Credentials, Region};
use clock::{Clock as _, ManualClock, SharedClock, SystemClock};
use cognito_emulator::{self, AccessKey, PoolSeed, RunningEmulator};
use serde_json::{Value, json};

use crate::process::{ProcessOutput, run_alone};
use crate::support::{self, DemoIdp, SECOND_POOL};

const ROLE: &str = "arn:aws:iam::123456789012:role/mobile-user";

/// A configuration for `doctor`, with the upstream and the identity provider that it names.
struct DoctorRun {
    emulator: RunningEmulator,
    demo: DemoIdp,
    directory: tempfile::TempDir,
}

impl DoctorRun {
    async fn new() -> Self {
        Self::whose_clock_is(Duration::ZERO).await
    }

    /// With an emulator whose clock is ahead by this much.
    async fn whose_clock_is(behind: Duration) -> Self {
        Self::at(behind, support::emulator_settings()).await
    }

    /// With pools that do not allow guests.
    async fn without_guests() -> Self {
        let settings = support::emulator_settings();
        let pools = settings.pools.into_iter().map(|pool| PoolSeed { allow_guests: false, ..pool }).collect();
        Self::at(Duration::ZERO, cognito_emulator::Settings { pools, ..settings }).await
    }

    async fn at(behind: Duration, settings: cognito_emulator::Settings) -> Self {
        let now = SystemClock::new();
        // A clock that stands still would fall behind that of the process.
        let clock: SharedClock =
            if behind.is_zero() { Arc::new(now) } else { Arc::new(ManualClock::new(now.now() + behind)) };
        let emulator = cognito_emulator::start(settings, clock).await.unwrap();
        Self { emulator, demo: DemoIdp::start(), directory: tempfile::tempdir().unwrap() }
    }

    /// Gives both pools an authenticated role.
    async fn with_roles(self) -> Self {
        self.set_roles(&[cognito_emulator::DEFAULT_POOL, SECOND_POOL], &["authenticated"]).await;
        self
    }

    /// Gives these pools one role for each of these kinds.
    async fn set_roles(&self, pools: &[&str], kinds: &[&str]) {
        let AccessKey { id, secret } = AccessKey::default();
        let config = aws_sdk_cognitoidentity::Config::builder()
            .behavior_version_latest()
            .region(Region::new("us-east-1"))
            .endpoint_url(self.emulator.url())
            .credentials_provider(Credentials::new(id, secret, None, None, "test"))
            .build();
        for pool in pools {
            let mut call = aws_sdk_cognitoidentity::Client::from_conf(config.clone()).set_identity_pool_roles();
            for kind in kinds {
                call = call.roles(*kind, ROLE);
            }
            call.identity_pool_id(*pool).send().await.unwrap();
        }
    }

    /// Runs the command with `--json`. These variables override all others.
    async fn examined(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, Value) {
        let ended = self.report(&[&["--json"], arguments].concat(), variables).await;
        (ended.code, serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}")))
    }

    /// Runs the command with valid credentials, unless these variables replace them.
    async fn report(&self, arguments: &[&str], variables: &[(&str, &str)]) -> ProcessOutput {
        let AccessKey { id, secret } = AccessKey::default();
        let good = [("AWS_ACCESS_KEY_ID", id.as_str()), ("AWS_SECRET_ACCESS_KEY", secret.as_str())];
        self.reported_without_credentials(arguments, &[&good, variables].concat()).await
    }

    async fn reported_without_credentials(&self, arguments: &[&str], variables: &[(&str, &str)]) -> ProcessOutput {
        let path = self.directory.path().join("tokenvend.toml");
        std::fs::write(&path, support::configuration(&self.emulator.url(), &self.demo)).unwrap();
        let mut all = vec!["doctor", "--config", path.to_str().unwrap()];
        all.extend(arguments);
        run_alone(&all, variables, "").await
    }
}

/// The check of this name about this subject.
#[track_caller]
fn check<'r>(report: &'r Value, name: &str, about: &str) -> &'r Value {
    let is_it = |check: &&Value| check["check"] == name && check["about"].as_str().unwrap_or("") == about;
    report["checks"].as_array().unwrap().iter().find(is_it).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

/// Asserts the status of a check, and words of its observation and remedy.
#[track_caller]
fn assert_reported(report: &Value, (name, about): (&str, &str), status: &str, words: &[&str]) {
    let check = check(report, name, about);
    assert_eq!(check["status"], status, "{check:#}");
    let reported = format!("{} {}", check["observed"].as_str().unwrap(), check["fix"].as_str().unwrap_or(""));
    for word in words {
        assert!(reported.contains(word), "no {word:?} in {reported:?}");
    }
    let needs_fix = matches!(status, "fail" | "warn");
    assert_eq!(check.get("fix").is_some(), needs_fix, "{check:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_correct_setup_every_check_passes_and_nothing_is_minted() {
    let run = DoctorRun::new().await.with_roles().await;
    let ended = run.report(&[], &[("TOKENVEND__UPSTREAM__RATE_LIMIT__RATE", "50/s")]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    support::snapshot_settings().bind(|| insta::assert_snapshot!("passed", ended.out));
    let secret = AccessKey::default().secret;
    assert!(!ended.out.contains(&secret) && !ended.err.contains(&secret), "{ended:?}");
    let calls = reqwest::get(format!("{}/_emulator/calls", run.emulator.url())).await.unwrap();
    let calls: Value = serde_json::from_str(&calls.text().await.unwrap()).unwrap();
    let counted = &calls["calls"][support::OPERATION];
    assert_eq!(*counted, json!({"ResourceNotFoundException": 2, "total": 2}), "one try a pool, both refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_has_its_own_report_and_exits_with_1() {
    let run = DoctorRun::new().await;
    let not_there = "us-east-1:00000000-0000-4000-8000-00000000ffff";
    for (variables, (name, about), words) in [
        (
            &[("AWS_SECRET_ACCESS_KEY", "wrong"), ("AWS_SESSION_TOKEN", "hush")][..],
            ("permission", "main"),
            &["rejects the credentials", "InvalidSignatureException", "get new credentials"][..],
        ),
        (
            &[("AWS_SECRET_ACCESS_KEY", "wrong")],
            ("identity", ""),
            &["STS rejects the credentials", "SignatureDoesNotMatch"],
        ),
        (
            &[("AWS_ACCESS_KEY_ID", "AKIANOBODY")],
            ("permission", "main"),
            &["UnrecognizedClientException", "get new credentials"],
        ),
        (
            &[("TOKENVEND__POOLS__MAIN__IDENTITY_POOL_ID", not_there)],
            ("pool", "main"),
            &[not_there, "does not exist", "pools.main.identity_pool_id"],
        ),
        (
            &[("TOKENVEND__POOLS__MAIN__DEVELOPER_PROVIDER", "login.other")],
            ("provider", "main"),
            &["login.tokenvend.example, configured is login.other", "pools.main.developer_provider"],
        ),
        (
            &[("TOKENVEND__AUTH__APP__JWKS_URL", "http://127.0.0.1:1/")],
            ("signing-keys", "app"),
            &["http://127.0.0.1:1/ cannot be fetched", "refused", "no caller is accepted"],
        ),
        (
            &[("TOKENVEND__AUTH__APP__ALGORITHMS", "RS256")],
            ("signing-keys", "app"),
            &["has no key for [RS256]", "auth.app.algorithms"],
        ),
        (
            &[("TOKENVEND__UPSTREAM__ENDPOINT_URL", "http://127.0.0.1:1")],
            ("clock", "us-east-1"),
            &["time cannot be read", "upstream.endpoint_url"],
        ),
    ] {
        let (code, report) = run.examined(&[], variables).await;
        assert_eq!((code, &report["status"]), (Some(1), &json!("fail")), "{variables:?}: {report:#}");
        assert_reported(&report, (name, about), "fail", words);
        assert!(!report.to_string().contains("hush"), "{report:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_checks_are_reported_with_a_remedy_each() {
    let run = DoctorRun::new().await;
    let variables = [
        ("AWS_SECRET_ACCESS_KEY", "wrong"),
        ("TOKENVEND__AUTH__APP__JWKS_URL", "http://127.0.0.1:1/"),
        ("TOKENVEND__ADMIN__LISTEN", "0.0.0.0:0"),
    ];
    let ended = run.report(&[], &variables).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    support::snapshot_settings().bind(|| insta::assert_snapshot!("failed", ended.out));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_credentials_only_that_is_reported_and_dependent_checks_are_skipped() {
    let run = DoctorRun::new().await;
    let ended = run.reported_without_credentials(&["--json"], &[]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = serde_json::from_str(&ended.out).unwrap();
    assert_reported(&report, ("credentials", ""), "fail", &["none found", "ECS task role"]);
    assert_reported(&report, ("clock", "us-east-1"), "ok", &[]);
    for about in [("identity", ""), ("permission", "main"), ("pool", "main"), ("flows", "second")] {
        assert_reported(&report, about, "skip", &["no credentials"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_skew_is_a_warning_and_from_5_minutes_on_a_failure() {
    for (behind, status, code, words) in
        [(120, "warn", Some(0), "120 s behind"), (600, "fail", Some(1), "600 s behind")]
    {
        let run = DoctorRun::whose_clock_is(Duration::from_secs(behind)).await;
        let (ended, report) = run.examined(&[], &[]).await;
        // The emulator's clock stands still, that of the process runs.
        let reported = check(&report, "clock", "us-east-1")["observed"].as_str().unwrap().to_owned();
        let seconds: u64 = reported.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert!(seconds.abs_diff(behind) < 60, "{reported}, not {words}");
        assert_reported(&report, ("clock", "us-east-1"), status, &["behind Cognito's", "NTP"]);
        assert_eq!((ended, &report["status"]), (code, &json!(status)), "{report:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_problem_that_does_not_prevent_vending_is_a_warning_and_exits_with_0() {
    let run = DoctorRun::new().await;
    let variables = [
        ("TOKENVEND__UPSTREAM__OPENID_KEYS_URL", "http://127.0.0.1:1/keys"),
        ("TOKENVEND__UPSTREAM__RATE_LIMIT__RATE", "1000/s"),
        ("TOKENVEND__ADMIN__LISTEN", "0.0.0.0:0"),
        ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"),
    ];
    let (code, report) = run.examined(&[], &variables).await;
    assert_eq!((code, &report["status"]), (Some(0), &json!("warn")), "{report:#}");
    assert_reported(&report, ("configuration", ""), "warn", &["admin.listen 0.0.0.0:0"]);
    assert_reported(&report, ("identity", ""), "warn", &["STS does not return the principal", "does not need STS"]);
    assert_reported(&report, ("roles", "main"), "warn", &["no role for authenticated users"]);
    assert_reported(&report, ("call-rate", "us-east-1"), "warn", &["1000 calls a second", "Service Quotas"]);
    assert_reported(&report, ("cognito-keys", ""), "warn", &["http://127.0.0.1:1/keys", "vending does not need"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linking_of_guests_requires_cognitos_keys_and_guests_in_the_pool() {
    let run = DoctorRun::without_guests().await;
    let variables = [
        ("TOKENVEND__POOLS__SECOND__LINKING__GUESTS", "true"),
        ("TOKENVEND__UPSTREAM__OPENID_KEYS_URL", "http://127.0.0.1:1/keys"),
    ];
    let (code, report) = run.examined(&[], &variables).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_reported(&report, ("cognito-keys", ""), "fail", &["cannot be fetched", "no guest can be linked"]);
    assert_reported(&report, ("flows", "second"), "warn", &["guests off", "pools.second.linking.guests"]);
    assert_reported(&report, ("flows", "main"), "ok", &["guests off"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_times_out_is_reported_and_delays_no_other() {
    let run = DoctorRun::new().await;
    let url = format!("{}/_emulator/faults", run.emulator.url());
    reqwest::Client::new().put(url).body(r#"{"latencyMillis": 60000}"#).send().await.unwrap();
    let (code, report) = run.examined(&["--timeout", "300ms"], &[]).await;
    assert_eq!(code, Some(1), "{report:#}");
    for about in [("clock", "us-east-1"), ("pool", "main"), ("pool", "second")] {
        assert_reported(&report, about, "fail", &["no response within 300ms", "--timeout"]);
    }
    assert_reported(&report, ("signing-keys", "app"), "ok", &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_configuration_is_reported_and_exits_with_78() {
    let run = DoctorRun::new().await;
    let (code, report) = run.examined(&[], &[("TOKENVEND__UPSTREAM__RATE_LIMIT__BURST", "0")]).await;
    assert_eq!(code, Some(78), "{report:#}");
    assert_reported(&report, ("configuration", ""), "fail", &["upstream.rate_limit.burst", "print-default-config"]);
    let reported = run.report(&[], &[("TOKENVEND__UPSTREAM__RATE_LIMIT__BURST", "0")]).await;
    assert!(reported.out.contains("1 error(s): upstream.rate_limit.burst"), "{reported:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mint_test_runs_only_on_request_and_verifies_the_token() {
    let run = DoctorRun::new().await;
    let (code, report) = run.examined(&["--test-mint", "alice"], &[]).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert_reported(&report, ("mint-test", "main"), "ok", &["verified", "valid for another"]);
    assert!(!report.to_string().contains("eyJ"), "no token: {report:#}");
    let first = check(&report, "mint-test", "main")["values"]["identityId"].clone();
    let (_, report) = run.examined(&["--test-mint", "alice"], &[]).await;
    assert_eq!(check(&report, "mint-test", "main")["values"]["identityId"], first);
    let (_, report) = run.examined(&["--test-mint", "alice", "--pool", "second"], &[]).await;
    assert_ne!(check(&report, "mint-test", "second")["values"]["identityId"], first);
    let (code, report) = run.examined(&["--test-mint", "alice", "--pool", "third"], &[]).await;
    assert_eq!(code, Some(1));
    assert_reported(&report, ("mint-test", "third"), "fail", &["no such pool", "main, second"]);
    let url = format!("{}/_emulator/faults", run.emulator.url());
    for (tamper, code, status, words) in [
        ("aud", 1, "fail", "its aud is another pool"),
        ("sub", 1, "fail", "another user"),
        ("amr", 1, "fail", "another user"),
        ("opaque", 0, "warn", "accept_opaque_tokens"),
    ] {
        let faults = json!({"tamper": tamper}).to_string();
        reqwest::Client::new().put(&url).body(faults).send().await.unwrap();
        let (ended, report) = run.examined(&["--test-mint", "alice"], &[]).await;
        assert_eq!(ended, Some(code), "{tamper}: {report:#}");
        assert_reported(&report, ("mint-test", "main"), status, &[words]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trust_policy_that_a_pool_s_role_needs_is_printed_whole() {
    let run = DoctorRun::new().await;
    let ended = run.reported_without_credentials(&["--trust-policy", "second"], &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let policy: Value = serde_json::from_str(&ended.out).unwrap();
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Principal"], json!({"Federated": "cognito-identity.amazonaws.com"}));
    assert_eq!(
        statement["Condition"],
        json!({
            "StringEquals": {"cognito-identity.amazonaws.com:aud": SECOND_POOL},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
        })
    );
    assert_eq!(statement["Action"], json!(["sts:AssumeRoleWithWebIdentity"]));
    let variables = [
        ("TOKENVEND__POOLS__SECOND__TAGS__TENANT", "{tenant}"),
        ("TOKENVEND__POOLS__SECOND__IDENTITY_POOL_ID", "cn-north-1:1"),
    ];
    let ended = run.reported_without_credentials(&["--trust-policy", "second"], &variables).await;
    let policy: Value = serde_json::from_str(&ended.out).unwrap();
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Action"], json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]));
    let authority = "cognito-identity.cn-north-1.amazonaws.com.cn";
    assert_eq!(statement["Principal"]["Federated"], authority);
    assert_eq!(statement["Condition"]["StringEquals"][format!("{authority}:aud")], "cn-north-1:1");
    let ended = run.reported_without_credentials(&["--trust-policy", "third"], &[]).await;
    assert_eq!(ended.code, Some(64), "{ended:?}");
}

/// A server that answers each operation by the function and verifies no signature.
fn stand_in(answer: impl Fn(&str, &Value) -> (u16, Value) + Clone + Send + 'static) -> String {
    let respond = move |request: HttpRequest, body: web::Bytes| {
        let target = request.headers().get("x-amz-target").map_or("", |target| target.to_str().unwrap());
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let (status, body) = answer(&operation, &serde_json::from_slice(&body).unwrap_or_default());
        let status = actix_web::http::StatusCode::from_u16(status).unwrap();
        let reply = HttpResponse::build(status).content_type("application/x-amz-json-1.1").body(body.to_string());
        std::future::ready(reply)
    };
    let server = HttpServer::new(move || App::new().default_service(web::to(respond.clone())));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    url
}

fn denied() -> (u16, Value) {
    (400, json!({"__type": "AccessDeniedException", "Message": "User: arn:x is not authorized to perform: y"}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_only_the_required_permission_the_check_passes_and_the_others_are_skipped() {
    let run = DoctorRun::new().await;
    // The responses of AWS for a role with only deploy/iam/policy.json.
    let aws = stand_in(|operation, input| match operation {
        "GetOpenIdTokenForDeveloperIdentity" | "GetOpenIdToken" => {
            let words = format!("Identity '{}' not found.", input["IdentityId"].as_str().unwrap());
            (400, json!({"__type": "ResourceNotFoundException", "message": words}))
        }
        _ => denied(),
    });
    let (code, report) = run.examined(&[], &[("TOKENVEND__UPSTREAM__ENDPOINT_URL", &aws)]).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert_reported(&report, ("permission", "main"), "ok", &[]);
    assert_reported(&report, ("pool", "main"), "ok", &["exists"]);
    for name in ["provider", "flows", "roles"] {
        assert_reported(&report, (name, "main"), "skip", &["not allowed, which is fine"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_the_permission_gets_the_statement_to_add_and_the_pool() {
    let run = DoctorRun::new().await;
    let aws = stand_in(|_, _| denied());
    let (code, report) = run.examined(&[], &[("TOKENVEND__UPSTREAM__ENDPOINT_URL", &aws)]).await;
    assert_eq!(code, Some(1), "{report:#}");
    let arn = format!("arn:aws:cognito-identity:us-east-1:ACCOUNT:identitypool/{SECOND_POOL}");
    assert_reported(&report, ("permission", "second"), "fail", &["AccessDeniedException", &arn, "policy.json"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_pool_and_a_wrong_provider_are_found_without_permission_to_read_the_pool() {
    let run = DoctorRun::new().await;
    let aws = stand_in(|operation, input| match (operation, input["IdentityPoolId"].as_str()) {
        ("GetOpenIdTokenForDeveloperIdentity", Some(SECOND_POOL)) => {
            (400, json!({"__type": "InvalidParameterException", "message": "Please provide a valid provider."}))
        }
        ("GetOpenIdTokenForDeveloperIdentity", pool) => {
            let words = format!("IdentityPool '{}' not found.", pool.unwrap());
            (400, json!({"__type": "ResourceNotFoundException", "message": words}))
        }
        _ => denied(),
    });
    let (code, report) = run.examined(&[], &[("TOKENVEND__UPSTREAM__ENDPOINT_URL", &aws)]).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_reported(&report, ("pool", "main"), "fail", &["does not exist"]);
    assert_reported(&report, ("provider", "second"), "fail", &["rejects a login of login.second.example"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_is_not_iams_does_not_mean_a_missing_permission() {
    let run = DoctorRun::new().await;
    for (name, words) in [
        ("NotAuthorizedException", ["IAM allows the call", "--test-mint"]),
        ("TooManyRequestsException", ["throttles", "quota"]),
    ] {
        let aws = stand_in(move |_, _| (400, json!({"__type": name, "message": "No."})));
        let (code, report) = run.examined(&[], &[("TOKENVEND__UPSTREAM__ENDPOINT_URL", &aws)]).await;
        assert_eq!(code, Some(0), "{report:#}");
        assert_reported(&report, ("permission", "main"), "warn", &words);
        assert_reported(&report, ("flows", "main"), "skip", &[name]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_mints_for_an_unknown_identity_fails_the_permission_check() {
    let run = DoctorRun::new().await;
    let minting = stand_in(|_, input| (200, json!({"IdentityId": input["IdentityId"], "Token": "random"})));
    let variables = [
        ("TOKENVEND__UPSTREAM__ENDPOINT_URL", minting.as_str()),
        ("TOKENVEND__UPSTREAM__ACCEPT_OPAQUE_TOKENS", "false"),
    ];
    let (code, report) = run.examined(&[], &variables).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_reported(&report, ("permission", "main"), "fail", &["this is not Cognito", "left over from a test"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forward_auth_endpoint_that_answers_400_without_a_credential_is_a_warning() {
    let run = DoctorRun::new().await;
    for (status, reported, words) in [
        (401, "ok", &["responds (401 without a credential)"][..]),
        (400, "warn", &["responds with 400 without a credential", "ALLOWED_HOSTS"]),
        (503, "fail", &["the answer is 503"]),
    ] {
        let app = stand_in(move |_, _| (status, json!({})));
        let variables = [
            ("TOKENVEND__AUTH__SESSION__KIND", "forward_auth"),
            ("TOKENVEND__AUTH__SESSION__ISSUER", "https://app.example"),
            ("TOKENVEND__AUTH__SESSION__URL", &app),
        ];
        let (_, report) = run.examined(&[], &variables).await;
        assert_reported(&report, ("signing-keys", "session"), reported, words);
    }
}
