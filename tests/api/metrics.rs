//! The metrics endpoint.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::packages::has_or_skips;
use crate::support::{ApiResponse, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_calls_are_counted() {
    let app = TestApp::start().await;
    app.vend("alice").await;
    app.vend("alice").await;
    app.vend_bearer("nonsense").await;
    for (name, value) in [
        ("tokenvend_vends_total{cache=\"miss\",kind=\"token\"}", 1.0),
        ("tokenvend_vends_total{cache=\"hit\",kind=\"token\"}", 1.0),
        ("tokenvend_http_requests_total{route=\"/v1/token\",status=\"200\"}", 2.0),
        ("tokenvend_http_requests_total{route=\"/v1/token\",status=\"401\"}", 1.0),
        ("tokenvend_authentications_total{outcome=\"verified\"}", 2.0),
        ("tokenvend_authentications_total{outcome=\"malformed\"}", 1.0),
        ("tokenvend_upstream_calls_total{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"success\"}", 1.0),
        (
            "tokenvend_upstream_call_duration_seconds_count{operation=\"GetOpenIdTokenForDeveloperIdentity\",outcome=\"success\"}",
            1.0,
        ),
        ("tokenvend_upstream_rate_limit_wait_seconds_count", 1.0),
        ("tokenvend_vended_lifetime_seconds_count{kind=\"token\"}", 2.0),
        ("tokenvend_cache_entries{kind=\"token\"}", 1.0),
        ("tokenvend_jwks_fetches_total{outcome=\"fetched\"}", 1.0),
        ("tokenvend_upstream_calls_in_flight{operation=\"GetOpenIdTokenForDeveloperIdentity\"}", 0.0),
    ] {
        assert_eq!(app.metric(name).await, value, "{name}");
    }
    assert!(app.metric("tokenvend_cache_bytes{kind=\"token\"}").await > 1000.0);
    assert!(app.metric("process_resident_memory_bytes").await > 0.0);
    let text = app.metrics().await;
    assert!(text.contains("tokenvend_build_info{version="), "{text}");
    assert!(!text.contains("alice"), "no user is ever a label");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_on_the_admin_listener_alone_and_behind_its_credential_if_there_is_one() {
    let app = TestApp::with("admin.credential = \"open-sesame\"").await;
    let scrape = async |authorization: &str| {
        let request = app.client.get(app.admin_url("/metrics")).header("authorization", authorization);
        ApiResponse::to(request).await
    };
    for wrong in ["", "Bearer open-sesam", "Bearer open-sesame2", "Basic open-sesame", "open-sesame"] {
        scrape(wrong).await.is_problem(401, "unauthorized");
    }
    let right = scrape("Bearer open-sesame").await;
    assert_eq!(right.status, 200);
    assert!(right.header("content-type").starts_with("text/plain; version=0.0.4"), "{right:?}");
    let health = ApiResponse::to(app.client.get(app.admin_url("/livez"))).await;
    assert_eq!(health.status, 200);
    let public = ApiResponse::to(app.client.get(app.url("/metrics"))).await;
    public.is_problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_accepts_the_metrics() {
    if !has_or_skips("promtool", "prometheus") {
        return;
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let app = TestApp::start().await;
    app.vend("alice").await;
    promtool.stdin.take().unwrap().write_all(app.metrics().await.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
