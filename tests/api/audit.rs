//! The audit trail: complete, written before the response if so configured, and without secrets.

use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{ServiceProcess, run};
use crate::support::{ApiResponse, TestApp, until};
use crate::upstream_failures::vend_while_time_advances;

/// A directory for an audit file, and the configuration that names it.
pub struct AuditFile {
    directory: tempfile::TempDir,
}

impl AuditFile {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }

    pub fn overlay(&self) -> String {
        to_file(&self.path())
    }

    /// All events, as soon as there are at least this many.
    pub async fn events(&self, count: usize) -> Vec<Value> {
        let path = self.path();
        until(|| async { read(&path).len() >= count }).await;
        let events = read(&path);
        assert_eq!(events.len(), count, "{events:#?}");
        events
    }
}

pub fn to_file(path: &Path) -> String {
    format!("audit.sink = \"file\"\naudit.path = \"{}\"\n", path.display())
}

fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // A line that is being written has no line feed yet.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

const LINKING: &str = "[pools.main.linking]\nproviders = [\"accounts.google.com\"]\n";

async fn link(app: &TestApp, provider: &str) -> ApiResponse {
    let request = app.client.post(app.url("/v1/identity/link")).bearer_auth(app.bearer("alice"));
    let body = json!({"logins": {provider: "google-secret"}}).to_string();
    let request = request.header("content-type", "application/json").body(body);
    ApiResponse::to(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_recorded_before_the_call_and_after_it() {
    let trail = AuditFile::new();
    let app = TestApp::with(&format!("{}{LINKING}", trail.overlay())).await;
    let linked = link(&app, "accounts.google.com").await;
    link(&app, "evil.example").await.is_problem(403, "provider-not-allowed");
    let events = trail.events(4).await;
    let found: Vec<_> = events.iter().map(|event| (&event["action"], &event["outcome"], &event["links"])).collect();
    let (act, google, nothing) = (json!("link"), json!(["accounts.google.com"]), Value::Null);
    let [begun, done, refused] = ["started", "success", "denied"].map(|outcome| json!(outcome));
    let expected = [(&begun, &google), (&done, &google), (&begun, &nothing), (&refused, &nothing)];
    assert_eq!(found, expected.map(|(outcome, links)| (&act, outcome, links)));
    assert_eq!(events[1]["identityId"], linked.json()["identityId"]);
    assert_eq!(events[1]["tokenSha256"], sha256(&linked.token()));
    assert_eq!((&events[0]["user"], &events[3]["problem"]), (&json!("alice"), &json!("provider-not-allowed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vended_token_is_recorded_with_its_caller_and_its_cache_status() {
    let trail = AuditFile::new();
    let app = TestApp::with(&trail.overlay()).await;
    let request = app.request(Method::POST, "alice").header("x-request-id", "edge-1");
    let answer = ApiResponse::to(request).await;
    assert_eq!(app.vend("alice").await.source(), "hit");
    let [mut miss, hit]: [Value; 2] = trail.events(2).await.try_into().unwrap();
    assert_eq!((&miss["cache"], &hit["cache"]), (&json!("miss"), &json!("hit")));
    assert_eq!(miss["awsRequestId"], hit["awsRequestId"]);
    assert_eq!(miss["tokenSha256"], hit["tokenSha256"]);
    let event = miss.as_object_mut().unwrap();
    assert!(event.remove("awsRequestId").unwrap().as_str().unwrap().len() > 20);
    assert!(event.remove("durationMs").unwrap().as_f64().unwrap() >= 0.0);
    let answered = answer.json();
    let instant = |text: &str| text.replace("Z", ".000Z");
    assert_eq!(
        miss,
        json!({
            "time": app.clock_text(), "action": "vend-token", "outcome": "success", "status": 200,
            "requestId": "edge-1", "client": "127.0.0.1", "authenticator": "app", "issuer": "https://app.example",
            "user": "alice", "pool": "main", "identityPoolId": answered["identityPoolId"],
            "identityId": answered["identityId"], "cache": "miss", "tokenDurationSeconds": 900,
            "tokenSha256": sha256(&answer.token()),
            "expiresAt": instant(answered["expiresAt"].as_str().unwrap()),
        })
    );
    assert_eq!(app.metric("tokenvend_audit_events_total{outcome=\"written\"}").await, 2.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_is_recorded_with_its_reason_and_everything_else_leaves_no_event() {
    let trail = AuditFile::new();
    let app = TestApp::with(&format!("{}upstream.max_attempts = 1\n", trail.overlay())).await;
    let long = app.client.post(app.url("/v1/token")).header("x-long", "x".repeat(20_000));
    for path in ["/livez", "/readyz", "/openapi.json", "/nowhere"] {
        ApiResponse::to(app.client.get(app.url(path))).await;
    }
    app.metrics().await;
    let preflight = app.client.request(Method::OPTIONS, app.url("/v1/token"));
    ApiResponse::to(preflight.header("origin", "https://web.example")).await;
    let other_issuer = crate::support::DemoIdp::start();
    let forged = other_issuer.sign(&other_issuer.claims("alice", app.clock_now()));
    app.vend_bearer(&forged).await.is_problem(401, "unauthorized");
    app.vend_bearer("nonsense").await.is_problem(401, "unauthorized");
    ApiResponse::to(app.client.post(app.url("/v1/token"))).await;
    app.vend_with("alice", json!({"pool": "nowhere"})).await.is_problem(404, "unknown-pool");
    app.vend_with("alice", json!({"who": "bob"})).await.is_problem(400, "invalid-request");
    app.vend_with("alice", json!({"minTtl": 5000})).await.is_problem(422, "min-ttl-too-long");
    ApiResponse::to(app.request(Method::PUT, "alice")).await;
    ApiResponse::to(long).await.is_problem(431, "headers-too-large");
    app.faults(json!({"errorRate": 1.0})).await;
    app.vend("alice").await.is_problem(503, "upstream-unavailable");
    app.sign_out("alice").await;
    let events = trail.events(10).await;
    let found: Vec<Value> = events
        .iter()
        .map(|event| {
            let of = |name: &str| event[name].clone();
            json!([of("action"), of("outcome"), of("status"), of("problem"), of("reason"), of("user")])
        })
        .collect();
    assert_eq!(
        json!(found),
        json!([
            ["vend-token", "denied", 401, "unauthorized", "signature", null],
            ["vend-token", "denied", 401, "unauthorized", "malformed", null],
            ["vend-token", "denied", 401, "unauthorized", "missing", null],
            ["vend-token", "denied", 404, "unknown-pool", null, "alice"],
            ["vend-token", "denied", 400, "invalid-request", null, "alice"],
            ["vend-token", "denied", 422, "min-ttl-too-long", null, "alice"],
            ["vend-token", "denied", 405, "method-not-allowed", null, null],
            ["vend-token", "denied", 431, "headers-too-large", null, null],
            ["vend-token", "error", 503, "upstream-unavailable", null, "alice"],
            ["sign-out", "success", 204, null, null, "alice"],
        ])
    );
    assert!(events.iter().all(|event| event.get("tokenSha256").is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_hits_can_be_left_out_of_the_audit_trail() {
    let trail = AuditFile::new();
    let app = TestApp::with(&format!("{}audit.record_cache_hits = false\n", trail.overlay())).await;
    for _ in 0..3 {
        app.vend("alice").await.source();
    }
    app.vend("bob").await.source();
    let users: Vec<Value> = trail.events(2).await.iter().map(|event| event["user"].clone()).collect();
    assert_eq!(users, ["alice", "bob"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_tokens_are_vended_and_lost_events_are_counted() {
    let app = TestApp::with(&to_file(Path::new("/dev/full"))).await;
    assert_eq!(app.vend("alice").await.source(), "miss");
    assert_eq!(app.vend("alice").await.source(), "hit");
    app.until_metric("tokenvend_audit_events_total{outcome=\"failed\"}", 2.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_a_fail_closed_audit_vends_nothing() {
    let overlay = format!("{}audit.on_failure = \"reject\"\n", to_file(Path::new("/dev/full")));
    let app = TestApp::with(&overlay).await;
    for _ in 0..2 {
        let refused = app.vend("alice").await;
        refused.is_problem(503, "audit-unavailable");
        assert_eq!(refused.header("retry-after"), "5");
        assert!(!refused.text.contains("ey"), "{refused:?}");
        assert_eq!(refused.header("tokenvend-cache"), "");
    }
    app.vend_bearer("nonsense").await.is_problem(401, "unauthorized");
    assert_eq!(app.metric("tokenvend_audit_events_total{outcome=\"failed\"}").await, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_a_fail_closed_audit_links_nothing() {
    let rejecting = "audit.on_failure = \"reject\"\n";
    let app = TestApp::with(&format!("{}{rejecting}{LINKING}", to_file(Path::new("/dev/full")))).await;
    link(&app, "accounts.google.com").await.is_problem(503, "audit-unavailable");
    assert_eq!(app.calls().await, 0, "what cannot be taken back was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fail_closed_audit_writes_the_event_before_the_response() {
    let trail = AuditFile::new();
    let app = TestApp::with(&format!("{}audit.on_failure = \"reject\"\n", trail.overlay())).await;
    for count in 1..=20 {
        app.vend("alice").await.source();
        assert_eq!(read(&trail.path()).len(), count, "no waiting here");
    }
}

/// A pipe without a reader: it takes 64 KiB.
fn unread_pipe(trail: &AuditFile) -> std::fs::File {
    assert!(Command::new("mkfifo").arg(trail.path()).status().unwrap().success());
    std::fs::OpenOptions::new().read(true).write(true).open(trail.path()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_destination_delays_no_response_and_lost_events_are_counted() {
    let trail = AuditFile::new();
    let _pipe = unread_pipe(&trail);
    let app = TestApp::with(&format!("{}audit.queue_capacity = 1\n", trail.overlay())).await;
    let is_lossy = || async {
        app.vend("alice").await.source();
        app.metric("tokenvend_audit_events_total{outcome=\"dropped\"}").await >= 3.0
    };
    until(is_lossy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_destination_delays_a_response_by_no_more_than_the_timeout() {
    let trail = AuditFile::new();
    let _pipe = unread_pipe(&trail);
    let overlay = "audit.queue_capacity = 1\naudit.on_failure = \"reject\"\naudit.max_wait = \"500ms\"\n";
    let app = TestApp::with(&format!("{}{overlay}", trail.overlay())).await;
    let answer = loop {
        let answer = vend_while_time_advances(&app, "alice").await;
        if answer.status != 200 {
            break answer;
        }
    };
    answer.is_problem(503, "audit-unavailable");
    // The writer has that event, the queue has room for the next one, and none for the third.
    for _ in 0..2 {
        vend_while_time_advances(&app, "alice").await.is_problem(503, "audit-unavailable");
    }
    assert_eq!(app.metric("tokenvend_audit_events_total{outcome=\"dropped\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_file_is_reopened_without_a_signal() {
    let trail = AuditFile::new();
    let app = TestApp::with(&trail.overlay()).await;
    app.vend("alice").await.source();
    trail.events(1).await;
    let moved = trail.directory.path().join("audit.jsonl.1");
    std::fs::rename(trail.path(), &moved).unwrap();
    app.vend("bob").await.source();
    let after = trail.events(1).await;
    assert_eq!((&read(&moved)[0]["user"], &after[0]["user"]), (&json!("alice"), &json!("bob")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_stream_events_and_log_lines_stay_whole_until_the_end() {
    let mut served = ServiceProcess::start("audit.sink = \"stderr\"").await;
    served.vend_all((0..50).map(|n| format!("user-{n}"))).await;
    served.terminate();
    assert_eq!(served.ended().await, Some(0));
    let vends = || {
        let log = served.log();
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["action"] == "vend-token").count()
    };
    until(|| async { vends() == 50 }).await;
}

#[test]
fn an_audit_file_that_cannot_be_written_prevents_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    let text = "pools.main.identity_pool_id = \"eu-west-1:1-2\"\npools.main.developer_provider = \"login.x\"\n\
                auth.app.issuer = \"https://a\"\nauth.app.audience = [\"t\"]\nauth.app.algorithms = [\"HS256\"]\n\
                auth.app.secret = \"0123456789abcdef0123456789abcdef\"\naudit.sink = \"file\"\n";
    std::fs::write(&path, text).unwrap();
    let serve = ["serve", "--config", path.to_str().unwrap()];
    let (code, _, err) = run(&serve, &[]);
    assert_eq!(code, Some(78), "{err}");
    assert!(err.contains("audit.path"), "{err}");
    let (code, _, err) = run(&serve, &[("TOKENVEND__AUDIT__PATH", "/nowhere/audit.jsonl")]);
    assert_eq!(code, Some(69), "{err}");
    assert!(err.contains("/nowhere/audit.jsonl (audit.path): No such file"), "{err}");
    let off = [("TOKENVEND__AUDIT__SINK", "off"), ("TOKENVEND__AUDIT__ON_FAILURE", "reject")];
    let (code, out, err) = run(&["check-config", "--config", path.to_str().unwrap()], &off);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("warning: audit.on_failure is \"reject\", but audit.sink is \"off\""), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vended_credentials_are_recorded_by_access_key_id_and_never_by_secret() {
    let trail = AuditFile::new();
    let app = TestApp::with(&format!("{}pools.main.credentials.enabled = true", trail.overlay())).await;
    let given = app.credentials("alice").await.json();
    let token = app.vend("alice").await;
    app.credentials_with("alice", "?pool=second").await.is_problem(404, "credentials-disabled");
    let [out, _, refused]: [Value; 3] = trail.events(3).await.try_into().unwrap();
    assert_eq!((&out["action"], &out["outcome"]), (&json!("vend-credentials"), &json!("success")));
    assert_eq!((&out["user"], &out["cache"]), (&json!("alice"), &json!("miss")));
    assert_eq!(out["accessKeyId"], given["AccessKeyId"]);
    assert_eq!(out["identityId"], token.json()["identityId"]);
    assert_eq!(out["expiresAt"], given["Expiration"].as_str().unwrap().replace("Z", ".000Z"));
    assert!(out["awsRequestId"].as_str().unwrap().len() > 20);
    assert!(out.get("tokenSha256").is_none(), "no token was handed out: {out}");
    assert_eq!((&refused["outcome"], &refused["problem"]), (&json!("denied"), &json!("credentials-disabled")));
    let text = std::fs::read_to_string(trail.path()).unwrap();
    for secret in ["SecretAccessKey", "Token"] {
        assert!(!text.contains(given[secret].as_str().unwrap()), "{secret} in {text}");
    }
}
