//! TLS: trust on both sides, certificates that change while the service runs, and the same connection limits over TLS
//! and HTTP/2.

pub mod authority;
mod connections;
mod third_party;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::{StatusCode, Version};
use serde_json::Value;
use tokenvend::config::{self, ConfigSource, Environment};

use crate::process::ServiceProcess;
use crate::support::{ApiResponse, TestApp, until};
use authority::{CertificateAuthority, Files, point};

impl TestApp {
    fn https(&self, path: &str) -> String {
        format!("https://{}{path}", self.service.public_address())
    }

    async fn vend_over(&self, client: &reqwest::Client, user: &str) -> Result<ApiResponse, reqwest::Error> {
        let request = client.post(self.https("/v1/token")).bearer_auth(self.bearer(user));
        ApiResponse::try_to(request).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_vended_over_tls_in_both_versions_of_http_to_clients_that_trust_the_ca() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.configuration()).await;
    for (client, version, source) in [
        (ca.trusting_client(), Version::HTTP_2, "miss"),
        (ca.trusting_client().http1_only(), Version::HTTP_11, "hit"),
        (ca.trusting_client().tls_version_max(reqwest::tls::Version::TLS_1_2), Version::HTTP_2, "hit"),
    ] {
        let client = client.build().unwrap();
        let ready = ApiResponse::to(client.get(app.https("/livez"))).await;
        assert_eq!(ready.version, version);
        assert!(ready.headers.contains_key("date"));
        assert_eq!(ready.header("x-content-type-options"), "nosniff");
        let answer = app.vend_over(&client, "alice").await.unwrap();
        assert_eq!(answer.source(), source);
        assert!(answer.token().starts_with("ey"));
        let head = ApiResponse::to(client.head(app.https("/livez"))).await;
        assert_eq!((head.status, head.version), (StatusCode::METHOD_NOT_ALLOWED, version));
        let gone = client.delete(app.https("/v1/token")).bearer_auth(app.bearer("nobody"));
        let gone = ApiResponse::to(gone).await;
        assert_eq!((gone.status, gone.text.as_str()), (StatusCode::NO_CONTENT, ""));
    }
    let untrusting = CertificateAuthority::new("another ca").trusting_client().build().unwrap();
    assert!(app.vend_over(&untrusting, "alice").await.is_err());
    app.until_metric("tokenvend_tls_handshakes_total{outcome=\"failed\"}", 1.0).await;
    // A client may open more connections than it needs.
    assert!(app.metric("tokenvend_tls_handshakes_total{outcome=\"completed\"}").await >= 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_client_ca_only_clients_with_a_valid_certificate_connect_and_are_identified_by_it() {
    let (ca, clients, others) =
        (CertificateAuthority::new("ca"), CertificateAuthority::new("clients"), CertificateAuthority::new("clients"));
    let files = Files::of(&ca.server(90));
    let list = files.write("ca.crl", &clients.revoke(7));
    let trail = files.path("audit.jsonl");
    let overlay = format!(
        "{}http.tls.client_crl_file = {list:?}\naudit.sink = \"file\"\naudit.path = {trail:?}\n",
        files.mutual(&clients)
    );
    let app = TestApp::with(&overlay).await;
    let as_client = |pair: &authority::CertifiedKey| ca.trusting_client().identity(pair.identity());
    let good = clients.client("edge", 1, 30);
    for http1 in [false, true] {
        let client = as_client(&good);
        let client = if http1 { client.http1_only() } else { client }.build().unwrap();
        assert_eq!(app.vend_over(&client, &format!("user-{http1}")).await.unwrap().source(), "miss");
    }
    for (who, client) in [
        ("none", ca.trusting_client()),
        ("of another CA of the same name", as_client(&others.client("edge", 1, 30))),
        ("ended", as_client(&clients.client("edge", 2, 0))),
        ("revoked", as_client(&clients.client("edge", 7, 30))),
        ("a server's", as_client(&ca.server(30))),
    ] {
        let answer = app.vend_over(&client.build().unwrap(), "mallory").await;
        assert!(answer.is_err(), "{who}: {answer:?}");
    }
    assert_eq!(app.calls().await, 2, "a handshake is not asked for what it refuses");
    let short = as_client(&clients.client("short", 3, 1));
    assert!(app.vend_over(&short.build().unwrap(), "user-true").await.is_ok());
    // The same client two days later, by the service's clock.
    app.advance(2 * 86_400);
    let short = as_client(&clients.client("short", 4, 1)).build().unwrap();
    assert!(app.vend_over(&short, "user-true").await.is_err());

    let found = std::fs::read_to_string(trail).unwrap();
    let events: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &good.der);
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for event in &events[..2] {
        let certificate = &event["clientCertificate"];
        assert_eq!(certificate["subject"], "CN=edge,O=Example\\, Inc.,C=CH");
        assert_eq!(certificate["dnsNames"], serde_json::json!(["edge.example"]));
        assert_eq!(certificate["uris"], serde_json::json!(["spiffe://example/edge"]));
        assert_eq!(certificate["sha256"], *digest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_optional_client_certificates_a_client_may_have_none_but_no_invalid_one() {
    let (ca, clients) = (CertificateAuthority::new("ca"), CertificateAuthority::new("clients"));
    let files = Files::of(&ca.server(90));
    let overlay = format!("{}http.tls.client_auth = \"optional\"", files.mutual(&clients));
    let app = TestApp::with(&overlay).await;
    let client = ca.trusting_client().build().unwrap();
    assert_eq!(app.vend_over(&client, "alice").await.unwrap().source(), "miss");
    let bad = ca.trusting_client().identity(CertificateAuthority::new("clients").client("edge", 1, 30).identity());
    assert!(app.vend_over(&bad.build().unwrap(), "alice").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_listener_has_a_certificate_and_clients_of_its_own() {
    let (ca, operators) = (CertificateAuthority::new("ca"), CertificateAuthority::new("operators"));
    let files = Files::of(&ca.server(90));
    let overlay = files.mutual(&operators).replace("http.tls", "admin.tls");
    let app = TestApp::with(&overlay).await;
    assert_eq!(app.vend("alice").await.source(), "miss", "the public listener is as it was");
    let url = format!("https://{}/metrics", app.service.admin_address());
    assert!(ca.trusting_client().build().unwrap().get(&url).send().await.is_err());
    let prometheus = ca.trusting_client().identity(operators.client("prometheus", 1, 30).identity());
    let answer = ApiResponse::to(prometheus.build().unwrap().get(&url)).await;
    let found = "tokenvend_tls_certificate_expiry_timestamp_seconds{listener=\"";
    assert!(answer.text.contains(&format!("{found}admin\"}}")), "{}", answer.text);
    assert!(!answer.text.contains(&format!("{found}http\"}}")), "{}", answer.text);
}

/// The server's certificate of a new request's connection.
async fn shown(app: &TestApp, client: &reqwest::Client) -> Vec<u8> {
    let response = client.get(app.https("/livez")).send().await.unwrap();
    let info = response.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_certificates_are_reloaded_under_load_without_a_failed_request() {
    let ca = CertificateAuthority::new("ca");
    let (first, second) = (ca.server(90), ca.server(60));
    let (old, new) = (Files::of(&first), Files::of(&second));
    // As Kubernetes mounts a secret: one link leads to all files.
    let mount = Files::new();
    std::os::unix::fs::symlink(old.path(""), mount.path("data")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(mount.path("data").join(name), mount.path(name)).unwrap();
    }
    let app = TestApp::with(&mount.configuration()).await;
    let expiry = "tokenvend_tls_certificate_expiry_timestamp_seconds{listener=\"http\"}";
    let first_end = app.metric(expiry).await;
    let client = || ca.trusting_client().tls_info(true).build().unwrap();
    let kept = client();
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = async |keeps_its_connection: bool| {
        while !is_over.load(Ordering::SeqCst) {
            let client = if keeps_its_connection { kept.clone() } else { client() };
            app.vend_over(&client, "alice").await.unwrap().source();
            answered.fetch_add(1, Ordering::SeqCst);
        }
    };
    let twenty_more = async || {
        let goal = answered.load(Ordering::SeqCst) + 20;
        until(|| async { answered.load(Ordering::SeqCst) >= goal }).await;
    };
    let change = async {
        twenty_more().await;
        point(&mount.path("data"), &new.path(""));
        app.advance(10);
        app.until_metric("tokenvend_tls_reloads_total{outcome=\"replaced\"}", 1.0).await;
        twenty_more().await;
        is_over.store(true, Ordering::SeqCst);
    };
    tokio::join!(load(true), load(false), change);
    assert_eq!(shown(&app, &client()).await, second.der);
    assert_eq!(shown(&app, &kept).await, first.der, "a connection under way was cut");
    assert_eq!(first_end - app.metric(expiry).await, 30.0 * 86_400.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_changed_files_are_rejected_and_the_previous_certificate_stays() {
    let ca = CertificateAuthority::new("ca");
    let (good, next) = (ca.server(90), ca.server(60));
    let files = Files::of(&good);
    let app = TestApp::with(&files.configuration()).await;
    let refused = async || app.metric("tokenvend_tls_reloads_total{outcome=\"rejected\"}").await;
    let client = || ca.trusting_client().tls_info(true).build().unwrap();
    let mut count = 0.0;
    let break_with = [
        ("tls.crt", next.certificate.as_str()),
        ("tls.key", "no key at all"),
        ("tls.crt", ""),
        ("tls.crt", &ca.server(0).certificate),
    ];
    for (name, text) in break_with {
        files.write(name, text);
        // Read twice, a minute apart: the other file could have been incomplete.
        until(async || {
            app.advance(10);
            refused().await > count
        })
        .await;
        count += 1.0;
        // Logged once.
        for _ in 0..3 {
            app.advance(10);
            assert_eq!(shown(&app, &client()).await, good.der);
        }
        assert_eq!(refused().await, count, "{name}");
    }
    files.replace(&next);
    until(async || {
        app.advance(10);
        shown(&app, &client()).await == next.der
    })
    .await;
    assert_eq!(refused().await, count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_client_ca_admits_no_client_not_even_by_a_resumed_session() {
    let (ca, clients) = (CertificateAuthority::new("ca"), CertificateAuthority::new("clients"));
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.mutual(&clients)).await;
    // Without idle connections each request has a handshake, which resumes the session if possible.
    let client = ca.trusting_client().identity(clients.client("edge", 1, 30).identity()).pool_max_idle_per_host(0);
    let client = client.http1_only().build().unwrap();
    for _ in 0..3 {
        app.vend_over(&client, "alice").await.unwrap().source();
    }
    files.write("ca.crt", &CertificateAuthority::new("clients").certificate);
    app.advance(10);
    app.until_metric("tokenvend_tls_reloads_total{outcome=\"replaced\"}", 1.0).await;
    assert!(app.vend_over(&client, "alice").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_and_a_world_readable_key_are_logged_as_warnings() {
    use std::os::unix::fs::PermissionsExt as _;
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(0));
    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(files.path("tls.key"), readable).unwrap();
    let client = ca.trusting_client().tls_danger_accept_invalid_certs(true).build().unwrap();
    let served = ServiceProcess::reached_by(client, "https", &files.configuration()).await;
    until(async || {
        let log = served.log();
        log.contains("certificate ended at") && log.contains("is readable by every user")
    })
    .await;
}

#[test]
fn every_error_in_the_tls_files_is_reported_before_the_start() {
    let (ca, clients) = (CertificateAuthority::new("ca"), CertificateAuthority::new("clients"));
    let files = Files::of(&ca.server(90));
    files.write("other.key", &ca.server(90).key);
    files.write("empty.crt", "");
    let dir = files.path("").display().to_string();
    let list = clients.revoke(1);
    files.write("ca.crl", &list);
    for (overlay, expected) in [
        ("certificate_file = \"DIR/tls.crt\"", &["http.tls.key_file", "because http.tls.certificate_file is set"][..]),
        ("key_file = \"DIR/tls.key\"", &["http.tls.certificate_file"]),
        ("client_ca_file = \"DIR/tls.crt\"", &["http.tls.certificate_file"]),
        ("client_crl_file = \"DIR/ca.crl\"", &["http.tls.client_ca_file"]),
        (
            "certificate_file = \"DIR/tls.crt\"\nkey_file = \"DIR/other.key\"",
            &["http.tls.key_file", "DIR/other.key", "does not belong to"],
        ),
        (
            "certificate_file = \"DIR/empty.crt\"\nkey_file = \"DIR/tls.crt\"\nclient_ca_file = \"DIR/none\"\n\
             client_crl_file = \"DIR/tls.key\"",
            &[
                "http.tls.certificate_file",
                "no certificate in it",
                "http.tls.key_file",
                "no such private key",
                "http.tls.client_ca_file",
                "No such file",
                "http.tls.client_crl_file",
                "no revocation list in it",
            ],
        ),
        ("minimum_version = \"1.1\"", &["http.tls.minimum_version", "one of 1.2, 1.3"]),
        ("client_auth = \"maybe\"", &["http.tls.client_auth", "one of required, optional"]),
    ] {
        let text = format!("[http.tls]\n{}", overlay.replace("DIR/", &dir));
        let document = ConfigSource { name: "test".to_owned(), text };
        let found = config::load(&[document], &Environment::default()).unwrap_err().to_string();
        for part in expected {
            assert!(found.contains(&part.replace("DIR/", &dir)), "no {part} in {found}");
        }
        assert!(!found.contains("PRIVATE KEY"), "{found}");
    }
}
