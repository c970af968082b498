//! Cross-site requests of Chromium with the user's session cookie, from a page of an allowed origin and from another.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::packages::has_or_skips;
use crate::support::{COOKIE_JWT, TestApp, claims_of};

/// A server with one page, which reports the responses that it got.
struct PageServer {
    url: String,
    reports: UnboundedReceiver<String>,
}

#[derive(Clone)]
struct Page {
    html: &'static str,
    reports: UnboundedSender<String>,
}

impl PageServer {
    fn start(html: &'static str) -> Self {
        let (sender, reports) = unbounded_channel();
        let page = Page { html, reports: sender };
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(page.clone()))
                .route("/", web::get().to(show))
                .route("/report", web::post().to(report))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { url, reports }
    }
}

/// Also sets the session cookie. Browsers send a host's cookies to each of its ports, `SameSite` or not: these pages
/// are of different origins but of one site.
async fn show(page: web::Data<Page>, query: web::Query<std::collections::HashMap<String, String>>) -> HttpResponse {
    let cookie = format!("session={}; Path=/; HttpOnly; SameSite=Strict", query["session"]);
    HttpResponse::Ok().content_type("text/html").insert_header(("set-cookie", cookie)).body(page.html)
}

async fn report(page: web::Data<Page>, body: String) -> HttpResponse {
    page.reports.send(body).unwrap();
    HttpResponse::NoContent().finish()
}

/// Chromium, with a profile of its own.
struct Browser {
    process: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--no-proxy-server", "--disable-background-networking", "--disable-component-update"]);
        // Chromium leaves files there when it is killed.
        command.env("TMPDIR", profile.path());
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { process, _profile: profile }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The reports of a page of the site that is opened in the browser.
async fn seen(site: &mut PageServer, app: &TestApp, session: &str) -> Value {
    let _browser = Browser::open(&format!("{}/?session={session}&tokenvend={}", site.url, app.url("/v1/token")));
    let reported = tokio::time::timeout(Duration::from_secs(60), site.reports.recv()).await;
    serde_json::from_str(&reported.expect("the browser reports nothing").unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_lets_an_allowed_page_have_the_users_token_by_cookie_and_no_other_page() {
    if !has_or_skips("chromium", "chromium") {
        return;
    }
    let mut allowed = PageServer::start(include_str!("../../peers/allowed_page.html"));
    let mut evil = PageServer::start(include_str!("../../peers/evil_page.html"));
    let app = TestApp::with(&format!("http.allowed_origins = [\"{}\"]\n{COOKIE_JWT}", allowed.url)).await;
    let session = app.bearer("alice");

    let tried = seen(&mut evil, &app, &session).await;
    for way in ["fetch", "get", "json", "signOut"] {
        assert_eq!(tried[way], "TypeError", "{way}: {tried}");
    }
    for way in ["blindly", "blindGet"] {
        assert_eq!(tried[way], "opaque ", "{way}: {tried}");
    }
    assert_eq!((&tried["image"], &tried["form"]), (&"nothing".into(), &"out of reach".into()), "{tried}");
    assert_eq!(app.calls().await, 0);
    // The browser did send the cookie: with the first two, the two opaque ones, the image and the form.
    assert_eq!(app.metric("tokenvend_authentications_total{outcome=\"cross_site\"}").await, 6.0, "{tried}");

    let got = seen(&mut allowed, &app, &session).await;
    assert_eq!((&got["status"], &got["served"]), (&200.into(), &"miss".into()), "{got}");
    let token = got["token"].as_str().unwrap();
    assert!(claims_of(token)["amr"].to_string().contains(":alice\""), "{got}");
}
