//! Rate limits: excess requests get `Retry-After`, cost nothing and affect no other client. Also the client address
//! that they count by, which a client cannot choose.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::process::ServiceProcess;
use crate::support::{ADMIN_CREDENTIAL, ApiResponse, DemoIdp, TestApp, until};

/// The service behind a trusted proxy, which is the test.
const BEHIND_PROXY: &str = "http.trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n";
const PER_ADDRESS: &str = "limits.per_address = { rate = \"1/m\", burst = 1 }\n";

async fn answer(request: RequestBuilder) -> ApiResponse {
    ApiResponse::to(request).await
}

/// A request of a new user each time, so that only the address counts.
fn from(app: &TestApp, lines: &[&str]) -> RequestBuilder {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let user = format!("user-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let request = app.request(Method::POST, &user);
    lines.iter().fold(request, |request, line| request.header("x-forwarded-for", *line))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_over_the_limit_gets_retry_after_and_is_served_then() {
    let app = TestApp::with("limits.per_user = { rate = \"2/m\", burst = 3 }").await;
    for _ in 0..3 {
        app.vend("alice").await.source();
    }
    let refused = app.vend("alice").await;
    refused.is_problem(429, "rate-limited");
    assert_eq!(refused.header("retry-after"), "30");
    app.advance(29);
    assert_eq!(app.vend("alice").await.header("retry-after"), "1");
    app.advance(1);
    assert_eq!(app.vend("alice").await.source(), "hit");
    app.vend("alice").await.is_problem(429, "rate-limited");
    // The limit recovers once for the elapsed time, up to the burst.
    app.advance(3600);
    for _ in 0..3 {
        app.vend("alice").await.source();
    }
    app.vend("alice").await.is_problem(429, "rate-limited");
    assert_eq!(app.metric("tokenvend_rate_limited_total{limit=\"user\"}").await, 4.0);
    assert_eq!(app.metric("tokenvend_rate_limited_total{limit=\"address\"}").await, 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_limit_is_its_own_and_covers_all_pools_and_methods() {
    let app = TestApp::with("limits.per_user = { rate = \"1/m\", burst = 2 }").await;
    app.vend("alice").await.source();
    let second = app.vend_with("alice", serde_json::json!({"pool": "second"})).await;
    assert_eq!(second.source(), "miss");
    let calls = app.calls().await;
    app.vend_with("alice", serde_json::json!({"pool": "second"})).await.is_problem(429, "rate-limited");
    for method in [Method::GET, Method::DELETE] {
        answer(app.request(method, "alice")).await.is_problem(429, "rate-limited");
    }
    assert_eq!(app.calls().await, calls);
    assert_eq!(app.vend("bob").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_after_is_rounded_up() {
    let app = TestApp::with("limits.per_user = { rate = \"40/m\", burst = 1 }").await;
    app.vend("alice").await.source();
    assert_eq!(app.vend("alice").await.header("retry-after"), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_over_its_limit_costs_neither_a_signature_check_nor_a_call() {
    let app = TestApp::with(PER_ADDRESS).await;
    app.vend("alice").await.source();
    for user in ["alice", "bob"] {
        let refused = app.vend(user).await;
        refused.is_problem(429, "rate-limited");
        assert_eq!(refused.header("retry-after"), "60");
    }
    for path in ["/openapi.json", "/nowhere"] {
        answer(app.client.get(app.url(path))).await.is_problem(429, "rate-limited");
    }
    assert_eq!(app.calls().await, 1);
    assert_eq!(app.metric("tokenvend_authentications_total{outcome=\"verified\"}").await, 1.0);
    assert_eq!(app.metric("tokenvend_rate_limited_total{limit=\"address\"}").await, 4.0);
    assert_eq!(app.metric("tokenvend_http_requests_total{route=\"/v1/token\",status=\"429\"}").await, 2.0);
    app.advance(60);
    assert_eq!(app.vend("alice").await.source(), "hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_metrics_are_never_limited() {
    let app = TestApp::with(PER_ADDRESS).await;
    app.vend("alice").await.source();
    app.vend("alice").await.is_problem(429, "rate-limited");
    for _ in 0..20 {
        for url in ["/livez", "/readyz"].map(|path| app.url(path)) {
            assert_eq!(answer(app.client.get(url)).await.status, 200);
        }
        for url in ["/livez", "/readyz", "/metrics"].map(|path| app.admin_url(path)) {
            assert_eq!(answer(app.client.get(url)).await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_an_allowed_origin_can_read_a_429_and_its_preflights_are_not_limited() {
    let app = TestApp::with(PER_ADDRESS).await;
    for status in [200, 429] {
        let refused = answer(from(&app, &[]).header("origin", "https://web.example")).await;
        assert_eq!(refused.status, status);
        assert_eq!(refused.header("access-control-allow-origin"), "https://web.example");
        assert!(refused.header("access-control-expose-headers").contains("retry-after"));
        let preflight = app.client.request(Method::OPTIONS, app.url("/v1/token"));
        let preflight = preflight.header("origin", "https://web.example");
        assert_eq!(answer(preflight.header("access-control-request-method", "POST")).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untrusted_peer_cannot_choose_its_address() {
    let app = TestApp::with(PER_ADDRESS).await;
    assert_eq!(answer(from(&app, &["198.51.100.1"])).await.source(), "miss");
    for line in ["198.51.100.2", "10.0.0.1", "127.0.0.1, 198.51.100.3"] {
        answer(from(&app, &[line])).await.is_problem(429, "rate-limited");
        let by_others = from(&app, &[]).header("forwarded", format!("for={line}")).header("x-real-ip", line);
        answer(by_others).await.is_problem(429, "rate-limited");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_trusted_proxies_the_right_most_address_that_is_none_of_them_is_limited() {
    let app = TestApp::with(&format!("{BEHIND_PROXY}{PER_ADDRESS}")).await;
    let status = async |lines: &[&str]| answer(from(&app, lines)).await.status;
    for (lines, expected) in [
        (&["198.51.100.1"][..], StatusCode::OK),
        (&["198.51.100.1"], StatusCode::TOO_MANY_REQUESTS),
        (&["198.51.100.2"], StatusCode::OK),
        // Headers that the client itself sent, in different forms.
        (&["203.0.113.1, 198.51.100.1"], StatusCode::TOO_MANY_REQUESTS),
        (&["203.0.113.2", "198.51.100.1"], StatusCode::TOO_MANY_REQUESTS),
        (&["203.0.113.3", "198.51.100.1, 10.1.2.3"], StatusCode::TOO_MANY_REQUESTS),
        (&["10.0.0.1, \"unknown\", 198.51.100.1:4711", "10.1.2.3"], StatusCode::TOO_MANY_REQUESTS),
        (&["203.0.113.4, ::ffff:198.51.100.1"], StatusCode::TOO_MANY_REQUESTS),
        // None of that counted against those addresses.
        (&["203.0.113.1"], StatusCode::OK),
        (&["203.0.113.3"], StatusCode::OK),
        // IPv6 counts by /64.
        (&["2001:db8:0:1::1"], StatusCode::OK),
        (&["[2001:db8:0:1:aaaa::2]:4711"], StatusCode::TOO_MANY_REQUESTS),
        (&["2001:db8:0:2::1"], StatusCode::OK),
        // An unreadable entry counts as the trusted proxy's own address.
        (&["203.0.113.5, unknown"], StatusCode::OK),
        (&["203.0.113.6, _hidden"], StatusCode::TOO_MANY_REQUESTS),
    ] {
        assert_eq!(status(lines).await, expected, "{lines:?}");
    }
    let thousand = vec!["10.0.0.1"; 500].join(",");
    let sent = ["203.0.113.7", &thousand, "198.51.100.1"];
    assert_eq!(status(&sent).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_header_that_the_proxy_writes_is_read() {
    let overlay = format!("{BEHIND_PROXY}{PER_ADDRESS}http.forwarded_header = \"forwarded\"\n");
    let app = TestApp::with(&overlay).await;
    let status = async |x_forwarded_for: &str, forwarded: &str| {
        answer(from(&app, &[x_forwarded_for]).header("forwarded", forwarded)).await.status
    };
    assert_eq!(status("203.0.113.1", "for=198.51.100.1").await, 200);
    assert_eq!(status("203.0.113.2", "for=203.0.113.9, for=\"198.51.100.1:80\";proto=https").await, 429);
    assert_eq!(status("203.0.113.2", "for=\"203.0.113.9, for=198.51.100.1").await, 429);
    assert_eq!(status("198.51.100.1", "for=203.0.113.2").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_with_too_many_failed_authentications_is_limited_and_no_other() {
    let overlay = format!("{BEHIND_PROXY}limits.failed_authentications = {{ rate = \"1/m\", burst = 3 }}\n");
    let app = TestApp::with(&overlay).await;
    let other_issuer = DemoIdp::start();
    let forged = other_issuer.sign(&other_issuer.claims("alice", app.clock_now()));
    let mut late = app.demo.claims("alice", app.clock_now());
    late["exp"] = (app.clock_now().as_secs() - 3600).into();
    let expired = app.demo.sign(&late);
    let with = async |bearer: &str, address: &str| {
        let request = app.client.post(app.url("/v1/token")).header("x-forwarded-for", address);
        answer(request.bearer_auth(bearer)).await
    };
    // Valid credentials do not count.
    for _ in 0..10 {
        with(&expired, "198.51.100.1").await.is_problem(401, "unauthorized");
        let without = app.client.post(app.url("/v1/token")).header("x-forwarded-for", "198.51.100.1");
        answer(without).await.is_problem(401, "unauthorized");
        assert_eq!(with(&app.bearer("alice"), "198.51.100.1").await.status, 200);
    }
    for bearer in [&forged, "nonsense", &forged] {
        with(bearer, "198.51.100.1").await.is_problem(401, "unauthorized");
    }
    let checked = app.metric("tokenvend_authentications_total{outcome=\"signature\"}").await;
    for bearer in [&forged, &app.bearer("alice")] {
        let refused = with(bearer, "198.51.100.1").await;
        refused.is_problem(429, "rate-limited");
        assert_eq!(refused.header("retry-after"), "60");
    }
    assert_eq!(app.metric("tokenvend_authentications_total{outcome=\"signature\"}").await, checked);
    assert_eq!(app.metric("tokenvend_rate_limited_total{limit=\"failed_authentications\"}").await, 2.0);
    assert_eq!(with(&app.bearer("alice"), "198.51.100.2").await.source(), "hit");
    app.advance(60);
    assert_eq!(with(&app.bearer("alice"), "198.51.100.1").await.source(), "hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_guesses_the_admin_credential_is_rate_limited() {
    let overlay = "admin.credential = \"right\"\nlimits.failed_authentications = { rate = \"1/m\", burst = 2 }\n";
    let app = TestApp::with(overlay).await;
    let with = async |credential: &str| answer(app.client.get(app.admin_url("/metrics")).bearer_auth(credential)).await;
    for _ in 0..2 {
        assert_eq!(with("right").await.status, 200);
        with("wrong").await.is_problem(401, "unauthorized");
    }
    with("right").await.is_problem(429, "rate-limited");
    assert_eq!(answer(app.client.get(app.admin_url("/livez"))).await.status, 200);
    app.advance(60);
    assert_eq!(with("right").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_authentications_at_one_listener_do_not_limit_the_same_address_at_the_other() {
    let overlay = "admin.credential = \"right\"\nlimits.failed_authentications = { rate = \"1/m\", burst = 2 }\n";
    let app = TestApp::with(overlay).await;
    let scrape =
        async |credential: &str| answer(app.client.get(app.admin_url("/metrics")).bearer_auth(credential)).await;
    // Clients of a proxy on this machine.
    for _ in 0..2 {
        app.vend_bearer("nonsense").await.is_problem(401, "unauthorized");
    }
    app.vend("alice").await.is_problem(429, "rate-limited");
    for _ in 0..2 {
        assert_eq!(scrape("right").await.status, 200);
        scrape("wrong").await.is_problem(401, "unauthorized");
    }
    app.advance(60);
    scrape("wrong").await.is_problem(401, "unauthorized");
    scrape("right").await.is_problem(429, "rate-limited");
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_trail_names_the_client_and_not_the_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let audit = format!("audit.sink = \"file\"\naudit.path = \"{}\"\n", path.display());
    let app = TestApp::with(&format!("{BEHIND_PROXY}{PER_ADDRESS}{audit}")).await;
    for _ in 0..2 {
        answer(from(&app, &["203.0.113.1, 198.51.100.1, 10.1.2.3"])).await;
    }
    let events = || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    until(|| async { events().len() == 2 }).await;
    let [served, refused] = events().try_into().unwrap();
    assert_eq!((&served["client"], &served["outcome"]), (&"198.51.100.1".into(), &"success".into()));
    assert_eq!((&refused["client"], &refused["problem"]), (&"198.51.100.1".into(), &"rate-limited".into()));
    assert!(refused.get("user").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn excess_requests_do_not_fill_the_log() {
    let mut served = ServiceProcess::start("limits.per_address = { rate = \"1/h\", burst = 1 }").await;
    answer(served.request("alice")).await.source();
    for _ in 0..100 {
        answer(served.request("alice")).await.is_problem(429, "rate-limited");
    }
    served.terminate();
    assert_eq!(served.ended().await, Some(0));
    let log = served.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<_> = lines.iter().filter(|line| line["message"] == "requests rate limited").collect();
    assert_eq!(found.len(), 1, "{log}");
    assert_eq!((&found[0]["level"], &found[0]["by_address"]), (&"WARN".into(), &1.into()));
    assert!(lines.iter().all(|line| line["status"] != 429), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_over_the_call_rate_limit_is_in_the_access_log() {
    let overlay = format!("admin.credential = \"{ADMIN_CREDENTIAL}\"\nadmin.rate_limit.rate = \"1/h\"\n");
    let overlay = format!("{overlay}admin.rate_limit.max_wait = \"0s\"\n");
    let burst = [("TOKENVEND__ADMIN__RATE_LIMIT__BURST", "1")];
    let mut served = ServiceProcess::start_with(&overlay, &burst).await;
    let list = format!("{}/admin/v1/pools/main/identities", served.admin_url);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for status in [200, 429] {
        assert_eq!(answer(client.get(&list).bearer_auth(ADMIN_CREDENTIAL)).await.status, status);
    }
    served.terminate();
    assert_eq!(served.ended().await, Some(0));
    let log = served.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let limited: Vec<_> = lines.iter().filter(|line| line["status"] == 429).collect();
    assert_eq!(limited.len(), 1, "{log}");
    assert_eq!((&limited[0]["level"], &limited[0]["message"]), (&"INFO".into(), &"request completed".into()));
}
