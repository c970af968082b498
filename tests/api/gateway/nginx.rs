//! nginx as the gateway: it authenticates users itself or by `auth_request`, and names them in a header.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tempfile::TempDir;

use super::{GATEWAY, SECRET, app};
use crate::packages::has_or_skips;
use crate::support::{ApiResponse, TestApp, claims_of, until};

/// An nginx at a Unix socket, so that it needs no port.
struct Nginx {
    process: Child,
    place: TempDir,
}

impl Nginx {
    /// `None`: nginx cannot be installed here.
    async fn start(servers: &str) -> Option<Self> {
        if !has_or_skips("nginx", "nginx") {
            return None;
        }
        let place = TempDir::new().unwrap();
        let root = place.path().display();
        std::fs::write(place.path().join("users"), "alice:{PLAIN}wonderland\nbob:{PLAIN}builder\n").unwrap();
        let configuration = format!(
            "daemon off; pid {root}/pid; error_log stderr; worker_processes 1;\n\
             events {{}}\n\
             http {{\n access_log off; client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;\n\
             fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;\n\
             server {{ listen unix:{root}/socket;\n{servers}\n}} }}\n"
        );
        let configuration = configuration.replace("PLACE", &root.to_string());
        std::fs::write(place.path().join("nginx.conf"), configuration).unwrap();
        // As the user of the test run. If that is root, nginx would change the user of its workers.
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = format!("user {};", String::from_utf8(user).unwrap().trim());
        let process = Command::new("nginx")
            .args(["-e", "stderr", "-g", &user, "-c"])
            .arg(place.path().join("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self { process, place };
        until(|| async { nginx.client().get("http://gateway/nowhere").send().await.is_ok() }).await;
        Some(nginx)
    }

    fn client(&self) -> reqwest::Client {
        let socket: &Path = &self.place.path().join("socket");
        reqwest::Client::builder().no_proxy().unix_socket(socket).build().unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master stops its workers only on this signal.
        if let Ok(pid) = std::fs::read_to_string(self.place.path().join("pid")) {
            let _ = Command::new("kill").args(["-TERM", pid.trim()]).status();
        }
        let _ = self.process.wait();
    }
}

/// The headers that nginx sets, as in docs/authentication.md.
fn pass_to(app: &TestApp, user: &str) -> String {
    format!(
        "proxy_pass http://{};\n proxy_bind {GATEWAY};\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_set_header X-Auth-Request-User {user};\n\
         proxy_set_header X-Auth-Request-Team \"\";\n\
         proxy_set_header X-Gateway-Secret {SECRET};\n\
         proxy_set_header Authorization \"\";\n",
        app.service.public_address()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_signs_users_in_and_overwrites_their_user_headers() {
    let app = app("").await;
    let servers = format!(
        "location /v1/ {{ auth_basic app; auth_basic_user_file PLACE/users; {} }}",
        pass_to(&app, "$remote_user")
    );
    let Some(nginx) = Nginx::start(&servers).await else { return };
    let client = nginx.client();
    let post = || client.post("http://gateway/v1/token");
    let alice = ApiResponse::to(post().basic_auth("alice", Some("wonderland"))).await;
    assert_eq!(alice.source(), "miss");
    assert!(claims_of(&alice.token())["amr"].to_string().contains(":edge:alice"));
    for (name, value) in [
        ("x-auth-request-user", "alice"),
        ("X-Auth-Request-User", "alice, alice"),
        ("x_auth_request_user", "alice"),
        ("x-gateway-secret", "a guess"),
        ("x-auth-request-team", "admins"),
        ("x-forwarded-for", "10.0.0.1"),
    ] {
        let request = post().basic_auth("bob", Some("builder")).header(name, value).header(name, value);
        let bob = ApiResponse::to(request).await;
        assert_eq!(bob.status, 200, "{name}: {bob:?}");
        let claims = claims_of(&bob.token());
        assert!(claims["amr"].to_string().contains(":edge:bob"), "{name}: {claims}");
        assert!(claims.get("https://aws.amazon.com/tags").is_none(), "{name}: {claims}");
    }
    let calls = app.calls().await;
    let wrong = post().basic_auth("alice", Some("guess")).header("x-auth-request-user", "alice").send().await;
    assert_eq!(wrong.unwrap().status(), 401, "nginx says that");
    // A client that bypasses the gateway and knows its headers.
    let around = app.client.post(app.url("/v1/token"));
    let around = around.header("x-auth-request-user", "alice").header("x-gateway-secret", SECRET);
    ApiResponse::to(around).await.is_problem(403, "untrusted-peer");
    assert_eq!(app.calls().await, calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_has_the_app_sign_users_in_by_auth_request() {
    /// The app's endpoint for `auth_request`.
    async fn session(request: HttpRequest) -> HttpResponse {
        match request.headers().get("cookie").and_then(|value| value.to_str().ok()) {
            Some("session=of-alice") => {
                HttpResponse::NoContent().insert_header(("x-auth-request-user", "alice")).finish()
            }
            // A session without a signed-in user.
            Some("session=of-nobody") => HttpResponse::NoContent().finish(),
            _ => HttpResponse::Unauthorized().finish(),
        }
    }
    let app = app("").await;
    let server = HttpServer::new(|| App::new().route("/session", web::get().to(session)));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    let servers = format!(
        "location = /_session {{ internal; proxy_pass http://{address}/session;\n\
         proxy_pass_request_body off; proxy_set_header Content-Length \"\"; }}\n\
         location /v1/ {{ auth_request /_session;\n\
         auth_request_set $user $upstream_http_x_auth_request_user;\n {} }}",
        pass_to(&app, "$user")
    );
    if let Some(nginx) = Nginx::start(&servers).await {
        let client = nginx.client();
        let vend = |cookie: &str| {
            let request = client.get("http://gateway/v1/token").header("cookie", cookie);
            request.header("x-auth-request-user", "mallory")
        };
        let alice = ApiResponse::to(vend("session=of-alice")).await;
        assert_eq!(alice.source(), "miss");
        assert!(claims_of(&alice.token())["amr"].to_string().contains(":edge:alice"));
        assert_eq!(vend("session=stolen").send().await.unwrap().status(), 401, "from nginx");
        ApiResponse::to(vend("session=of-nobody")).await.is_problem(401, "unauthorized");
        assert_eq!(app.calls().await, 1);
    }
    handle.stop(false).await;
}
