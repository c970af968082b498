//! The service as a process: signals, exit codes, logs.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use clock::{Clock as _, SystemClock};
use cognito_emulator::{self, AccessKey, RunningEmulator};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use crate::support::openapi::{self, Listener};
use crate::support::{self, ADMIN_CREDENTIAL, ApiResponse, DemoIdp};

const BINARY: &str = env!("CARGO_BIN_EXE_tokenvend");

/// `tokenvend serve` as a process. The emulator and the identity provider run in the test.
pub struct ServiceProcess {
    child: Child,
    pub emulator: RunningEmulator,
    pub demo: DemoIdp,
    client: reqwest::Client,
    pub url: String,
    pub admin_url: String,
    log: Arc<Mutex<String>>,
    _directory: tempfile::TempDir,
}

impl ServiceProcess {
    pub async fn start(overlay: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self::reached_by(client, "http", overlay).await
    }

    /// With these variables in the environment.
    pub async fn start_with(overlay: &str, variables: &[(&str, &str)]) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self::launch(client, "http", overlay, variables).await
    }

    /// With this scheme of the public listener, and a client for it.
    pub async fn reached_by(client: reqwest::Client, scheme: &str, overlay: &str) -> Self {
        Self::launch(client, scheme, overlay, &[]).await
    }

    async fn launch(client: reqwest::Client, scheme: &str, overlay: &str, variables: &[(&str, &str)]) -> Self {
        let demo = DemoIdp::start();
        let settings = support::emulator_settings();
        let emulator = cognito_emulator::start(settings, Arc::new(SystemClock::new())).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokenvend.toml");
        // Top-level dotted keys come before the tables.
        let linking = "[pools.main.linking]\nproviders = [\"accounts.google.com\"]\nguests = true";
        let text = format!("{overlay}\n{}\n{linking}", support::configuration(&emulator.url(), &demo));
        std::fs::write(&path, text).unwrap();
        let AccessKey { id, secret } = AccessKey::default();
        let mut child = Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(&path)
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("TOKENVEND__POOLS__MAIN__CREDENTIALS__ENABLED", "true")
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (url, admin_url) = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended: {}", log.lock().unwrap());
            log.lock().unwrap().push_str(&line);
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "serving" {
                let address = |key: &str, listener| {
                    let address = line[key].as_str().unwrap().to_owned();
                    openapi::register(address.rsplit(':').next().unwrap().parse().unwrap(), listener);
                    address
                };
                break (
                    format!("{scheme}://{}", address("http.listen", Listener::Public)),
                    format!("http://{}", address("admin.listen", Listener::Admin)),
                );
            }
        };
        let rest = log.clone();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = rest.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let served = Self { child, emulator, demo, client, url, admin_url, log, _directory: directory };
        support::until(|| async {
            let ready = ApiResponse::try_to(served.client.get(format!("{}/readyz", served.url))).await;
            ready.is_ok_and(|ready| ready.status == 200)
        })
        .await;
        served
    }

    pub async fn faults(&self, faults: Value) {
        let url = format!("{}/_emulator/faults", self.emulator.url());
        assert_eq!(self.client.put(url).body(faults.to_string()).send().await.unwrap().status(), 200);
    }

    /// Calls a public operation of Cognito.
    async fn unsigned(&self, operation: &str, input: &Value) -> Value {
        let request = self.client.post(self.emulator.url()).header("content-type", "application/x-amz-json-1.1");
        let request = request.header("x-amz-target", format!("AWSCognitoIdentityService.{operation}"));
        let answer = request.body(input.to_string()).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    pub async fn calls(&self) -> u64 {
        support::calls(&self.client, &self.emulator.url()).await
    }

    pub fn request(&self, user: &str) -> reqwest::RequestBuilder {
        let bearer = self.demo.sign(&self.demo.claims(user, SystemClock::new().now()));
        self.client.post(format!("{}/v1/token", self.url)).bearer_auth(bearer)
    }

    /// Requests a token with a request that the test completes.
    pub async fn vend(&self, complete: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> ApiResponse {
        let request = complete(self.client.post(format!("{}/v1/token", self.url)));
        ApiResponse::to(request).await
    }

    /// Vends for these users at once, each over its own connection.
    pub async fn vend_all(&self, users: impl Iterator<Item = String>) -> Vec<String> {
        let requests: Vec<_> = users.map(|user| self.request(&user)).collect();
        let mut answers: FuturesUnordered<_> =
            requests.into_iter().map(|request| async { ApiResponse::to(request).await }).collect();
        let mut tokens = Vec::new();
        while let Some(answer) = answers.next().await {
            answer.source();
            tokens.push(answer.token());
        }
        tokens
    }

    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for the end of the process. Returns its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        support::until(|| async { child.lock().unwrap().try_wait().unwrap().is_some() }).await;
        self.child.wait().unwrap().code()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_under_load_fails_no_accepted_request() {
    let mut served = ServiceProcess::start("").await;
    // On a busy machine too, the last request must arrive before the first response.
    served.faults(json!({"latencyMillis": 3000})).await;
    let requests: Vec<_> = (0..200).map(|n| served.request(&format!("user-{n}"))).collect();
    let mut answers: FuturesUnordered<_> =
        requests.into_iter().map(|request| async { ApiResponse::to(request).await }).collect();
    let all_in = async {
        let in_flight = || async {
            let text = ApiResponse::to(served.client.get(format!("{}/metrics", served.admin_url))).await.text;
            // The scrape itself counts as one.
            text.lines().any(|line| line == "tokenvend_http_requests_in_flight 201")
        };
        support::until(in_flight).await;
        served.terminate();
    };
    let answered = async {
        let mut count = 0;
        while let Some(answer) = answers.next().await {
            assert_eq!(answer.source(), "miss");
            count += 1;
        }
        count
    };
    let ((), count) = tokio::join!(all_in, answered);
    assert_eq!(count, 200);
    assert_eq!(served.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_drains_it_is_not_ready_still_answers_and_closes_connections() {
    let mut served = ServiceProcess::start("drain.delay = \"1s\"").await;
    served.terminate();
    let ready = || async { ApiResponse::to(served.client.get(format!("{}/readyz", served.url))).await };
    support::until(|| async { ready().await.status == 503 }).await;
    ready().await.is_problem(503, "not-ready");
    let answer = ApiResponse::to(served.request("alice")).await;
    assert_eq!(answer.source(), "miss");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(served.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_level_trace_the_log_and_the_audit_trail_contain_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let trail = directory.path().join("audit");
    let overlay = format!(
        "log.level = \"trace\"\naudit.sink = \"file\"\naudit.path = \"{}\"\nadmin.credential = \"{ADMIN_CREDENTIAL}\"",
        trail.display()
    );
    let served = ServiceProcess::start(&overlay).await;
    let mut secrets = vec![AccessKey::default().secret, ADMIN_CREDENTIAL.to_owned()];
    for faults in [json!({}), json!({"throttleRate": 0.5}), json!({"errorRate": 0.5}), json!({"dropRate": 0.5})] {
        served.faults(faults).await;
        for n in 0..10 {
            let bearer = served.demo.sign(&served.demo.claims(&format!("user-{n}"), SystemClock::new().now()));
            for bearer in [bearer.clone(), format!("{bearer}x"), bearer.replace('.', "!")] {
                let request = served.client.post(format!("{}/v1/token", served.url)).bearer_auth(&bearer);
                let answer = ApiResponse::to(request).await;
                if answer.status == 200 {
                    secrets.push(answer.token());
                }
                let request = served.client.get(format!("{}/v1/credentials", served.url)).bearer_auth(&bearer);
                let answer = ApiResponse::to(request).await;
                if answer.status == 200 {
                    let given = answer.json();
                    secrets.extend(["SecretAccessKey", "Token"].map(|name| given[name].as_str().unwrap().to_owned()));
                }
                secrets.push(bearer);
            }
        }
    }
    for credential in [ADMIN_CREDENTIAL, "a-wrong-guess-at-the-credential"] {
        let url = format!("{}/admin/v1/pools/main/users/user-0", served.admin_url);
        let looked_up = served.client.get(url).bearer_auth(credential);
        assert!(!ApiResponse::to(looked_up).await.text.contains(ADMIN_CREDENTIAL));
        secrets.push(credential.to_owned());
    }
    for tamper in ["aud", "opaque"] {
        served.faults(json!({"tamper": tamper})).await;
        let answer = ApiResponse::to(served.request(tamper)).await;
        if answer.status == 200 {
            secrets.push(answer.token());
        }
    }
    secrets.extend(link_all_kinds(&served).await);
    let log = served.log();
    assert!(log.lines().count() > 40, "{log}");
    assert!(log.contains("\"level\":\"DEBUG\""), "{log}");
    assert!(log.contains("identity link failed"), "{log}");
    let trail = std::fs::read_to_string(trail).unwrap();
    assert!(trail.lines().count() > 100, "{trail}");
    for secret in &secrets {
        // A signature or its prefix is a leak as well.
        let signature = secret.rsplit('.').next().unwrap();
        for part in [secret.as_str(), signature, &signature[..signature.len().min(20)]] {
            assert!(part.len() < 8 || !log.contains(part), "{part} in the log");
            assert!(part.len() < 8 || !trail.contains(part), "{part} in the audit trail");
        }
    }
}

/// Links valid and invalid logins and guests, also while Cognito fails. Returns all tokens of the requests.
async fn link_all_kinds(served: &ServiceProcess) -> Vec<String> {
    let mut secrets = Vec::new();
    for (n, faults) in [json!({}), json!({"errorRate": 0.5}), json!({"dropRate": 1.0})].into_iter().enumerate() {
        served.faults(json!({})).await;
        let pool = json!({"IdentityPoolId": cognito_emulator::DEFAULT_POOL});
        let guest = served.unsigned("GetId", &pool).await;
        let token = served.unsigned("GetOpenIdToken", &guest).await["Token"].as_str().unwrap().to_owned();
        served.faults(faults).await;
        let user = format!("linking-{n}");
        let logins =
            [format!("google-secret-{n}"), "x".repeat(50_000), "e30.eyJzdWIiOiJ4IiwiZXhwIjoxfQ.c2ln".to_owned()];
        let wishes = [&token, &format!("{token}x"), &token.replace('.', "!")].map(|token| json!({"guestToken": token}));
        let wishes = wishes.into_iter().chain(logins.iter().flat_map(|login| {
            [json!({"logins": {"accounts.google.com": login}}), json!({"logins": login}), json!({login: login})]
        }));
        for wish in wishes {
            let bearer = served.demo.sign(&served.demo.claims(&user, SystemClock::new().now()));
            let request = served.client.post(format!("{}/v1/identity/link", served.url)).bearer_auth(&bearer);
            let request = request.header("content-type", "application/json").body(wish.to_string());
            let answer = ApiResponse::to(request).await;
            if answer.status == 200 {
                secrets.push(answer.token());
            }
        }
        secrets.push(token);
        secrets.extend(logins);
    }
    secrets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_ids_that_are_email_addresses_are_logged_once_without_the_address() {
    let mut served = ServiceProcess::start("").await;
    let users = (0..3).map(|n| format!("user-{n}@example.com"));
    assert_eq!(served.vend_all(users).await.len(), 3);
    served.terminate();
    assert_eq!(served.ended().await, Some(0));
    // The last lines may not have arrived yet.
    support::until(|| async { served.log().contains("\"shut down\"") }).await;
    let log = served.log();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("e-mail addresses")).collect();
    assert!(matches!(warnings[..], [only] if only.contains("\"level\":\"WARN\"")), "{log}");
    assert!(!log.contains("@example.com"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_of_an_aws_credential_provider_is_never_logged_even_if_it_is_invalid() {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let broken =
        || async { HttpResponse::Forbidden().body("{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hush-hush\"") };
    let source = HttpServer::new(move || App::new().default_service(web::to(broken)));
    let source = source.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", source.addrs()[0]);
    tokio::spawn(source.run());
    let demo = DemoIdp::start();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokenvend.toml");
    let overlay = "log.level = \"trace\"";
    std::fs::write(&path, format!("{overlay}\n{}", support::configuration("http://127.0.0.1:1", &demo))).unwrap();
    let mut child = Command::new(BINARY)
        .args(["serve", "--config"])
        .arg(&path)
        .env_clear()
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    while !log.contains("aws credentials not available") {
        assert!(lines.read_line(&mut log).unwrap() > 0, "it ended: {log}");
    }
    child.kill().unwrap();
    lines.read_to_string(&mut log).unwrap();
    child.wait().unwrap();
    assert!(!log.contains("hush"), "{log}");
}

pub fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_remove("TOKENVEND_CONFIG").envs(variables.iter().copied());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap().code(), out, err)
}

/// The exit code and the output of a command.
#[derive(Debug)]
pub struct ProcessOutput {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the command with these variables and this input, without the machine's AWS profiles and metadata service.
pub async fn run_alone(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> ProcessOutput {
    use std::io::Write as _;
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // A command that does not read its input may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    ProcessOutput { code: output.status.code(), out, err }
}

#[test]
fn every_configuration_error_is_reported_with_its_own_exit_code() {
    for command in ["serve", "check-config"] {
        let (code, _, err) = run(&[command], &[("TOKENVEND__HTTP__LISTEN", "nowhere")]);
        assert_eq!(code, Some(78), "{err}");
        for expected in ["http.listen (environment variable TOKENVEND__HTTP__LISTEN)", "[pools.NAME]", "[auth.NAME]"] {
            assert!(err.contains(expected), "no {expected} in {err}");
        }
    }
    let (code, _, err) = run(&["serve", "--config", "/nowhere.toml"], &[]);
    assert_eq!(code, Some(78));
    assert!(err.contains("/nowhere.toml"), "{err}");
}

#[test]
fn a_valid_configuration_is_summarized() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    let text = "pools.main.identity_pool_id = \"eu-west-1:1-2\"\npools.main.developer_provider = \"login.x\"\n\
                auth.app.issuer = \"https://a\"\nauth.app.audience = [\"t\"]\nauth.app.algorithms = [\"HS256\"]\n\
                auth.app.secret = \"0123456789abcdef0123456789abcdef\"\nadmin.listen = \"0.0.0.0:1\"\n";
    std::fs::write(&path, text).unwrap();
    let (code, out, err) = run(&["check-config", "--config", path.to_str().unwrap()], &[]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("pool main (default): eu-west-1:1-2, provider login.x, tokens of 900 s"), "{out}");
    assert!(out.contains("warning: admin.listen 0.0.0.0:1"), "{out}");
    assert!(!out.contains("0123456789abcdef"), "{out}");
}

#[test]
fn the_default_configuration_is_printed_unchanged() {
    let (code, out, _) = run(&["print-default-config"], &[]);
    assert_eq!((code, out.as_str()), (Some(0), tokenvend::config::DEFAULT_CONFIG));
}

#[test]
fn a_usage_error_exits_with_64_and_a_failed_health_check_with_69() {
    for arguments in [&["no-such-command"][..], &["serve", "--no-such-option"], &["dev", "--listen", "0.0.0.0"]] {
        let (code, _, err) = run(arguments, &[]);
        assert_eq!(code, Some(64), "{arguments:?}: {err}");
    }
    let (code, _, err) = run(&["healthcheck", "--url", "http://127.0.0.1:1/livez"], &[]);
    assert_eq!(code, Some(69), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_that_dev_prints_work_unchanged() {
    let mut child =
        Command::new(BINARY).args(["dev", "--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut introduction = String::new();
    while !introduction.contains("Ctrl-C") {
        assert!(out.read_line(&mut introduction).unwrap() > 0, "it ended: {introduction}");
    }
    support::snapshot_settings().bind(|| insta::assert_snapshot!("introduction", introduction));
    let lines: Vec<&str> = introduction.lines().filter_map(|line| line.strip_prefix("  curl ")).collect();
    let shell = |line: &str| {
        let output = Command::new("sh").args(["-c", &format!("curl {line}")]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let [token, aws, metrics] = lines[..] else { panic!("{lines:?}") };
    let first = shell(token);
    assert!(first.contains("tokenvend-cache: miss") && first.contains("\"token\":\"ey"), "{first}");
    assert!(shell(token).contains("tokenvend-cache: hit"));
    let aws: Value = serde_json::from_str(&shell(aws)).unwrap();
    assert!(aws["IdentityId"].is_string() && aws["Token"].is_string());
    let counted = shell(metrics);
    assert!(counted.contains("tokenvend_vends_total{cache=\"miss\",kind=\"token\"} 1"), "{counted}");
    assert!(counted.contains("tokenvend_vends_total{cache=\"hit\",kind=\"token\"} 2"), "{counted}");
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    let child = Mutex::new(child);
    support::until(|| async { child.lock().unwrap().try_wait().unwrap().is_some() }).await;
    assert_eq!(child.into_inner().unwrap().wait().unwrap().code(), Some(0));
}
