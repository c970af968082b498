//! Proxies of the environment: plain HTTP on loopback ignores `HTTP_PROXY` and similar variables. A proxy could serve
//! its own keys, accept its own credentials, and read bearer tokens.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clock::{Clock as _, SystemClock};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use crate::process::{ServiceProcess, run_alone};
use crate::support::{ApiResponse, claims_of, jwks_of, new_key};

/// A server that returns the same JSON to each request, also for another host, and counts its connections.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn start(body: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (connections, body) = (Arc::new(AtomicUsize::new(0)), body.to_string());
        let count = connections.clone();
        // Ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = respond(stream.unwrap(), &body);
            }
        });
        Self { url, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The variables that make this server the proxy for all requests.
    fn variables(&self) -> Vec<(&'static str, &str)> {
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        // An empty NO_PROXY: the machine's own may exclude loopback.
        let none = [("NO_PROXY", ""), ("no_proxy", "")];
        names.into_iter().map(|name| (name, self.url.as_str())).chain(none).collect()
    }
}

fn respond(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_over_plain_http_on_loopback_takes_a_proxy() {
    let key = new_key();
    // The proxy returns its own keys, and a user that the app does not know.
    let mut answer: Value = serde_json::from_str(&jwks_of(&key, "one")).unwrap();
    answer["active"] = json!(true);
    answer["sub"] = json!("mallory");
    let proxy = Server::start(&answer);
    let app = Server::start(&json!({"active": true, "sub": "bob"}));
    let overlay = format!(
        r#"
        auth.order = ["app", "opaque", "session"]
        auth.opaque.kind = "introspection"
        auth.opaque.issuer = "https://app.example"
        auth.opaque.url = "{0}/introspect"
        auth.opaque.client_id = "tokenvend"
        auth.opaque.client_secret = "secret"
        auth.session.kind = "forward_auth"
        auth.session.issuer = "https://app.example"
        auth.session.url = "{0}/me"
        auth.session.forward_headers = ["x-session"]
        "#,
        app.url
    );
    // Readiness needs the app's keys. The emulator is plain HTTP on loopback as well.
    let served = ServiceProcess::start_with(&overlay, &proxy.variables()).await;

    let now = SystemClock::new().now();
    let answer = ApiResponse::to(served.request("alice")).await;
    assert!(claims_of(&answer.token())["amr"].to_string().contains(":alice"));
    for kid in ["one", "two"] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        let forged = jsonwebtoken::encode(&header, &served.demo.claims("mallory", now), &key).unwrap();
        served.vend(|request| request.bearer_auth(&forged)).await.is_problem(401, "unauthorized");
    }

    for (name, value) in [("authorization", "Bearer opaque"), ("x-session", "1")] {
        let before = app.connections();
        let answer = served.vend(|request| request.header(name, value)).await;
        assert!(claims_of(&answer.token())["amr"].to_string().contains(":bob"), "{name}");
        assert_eq!(app.connections(), before + 1, "{name}");
    }

    let bearer = served.demo.sign(&served.demo.claims("alice", now));
    for command in ["credentials", "get-open-id-token-for-developer-identity"] {
        let mut variables = proxy.variables();
        variables.push(("TOKENVEND_BEARER", &bearer));
        let ended = run_alone(&[command, "--url", &served.url], &variables, "").await;
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.err);
    }
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_takes_the_proxy_of_the_environment() {
    let proxy = Server::start(&json!({}));
    let token =
        "eyJhbGciOiJSUzUxMiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2NvZ25pdG8taWRlbnRpdHkuYW1hem9uYXdzLmNvbSJ9.AA";
    let pool = cognito_emulator::DEFAULT_POOL;
    let arguments = ["verify", "-", "--pool", pool, "--jwks-url", "https://keys.invalid/jwks"];
    // The answer to CONNECT is followed by JSON instead of a TLS handshake.
    let ended = run_alone(&arguments, &proxy.variables(), token).await;
    assert_eq!((ended.code, proxy.connections()), (Some(69), 1), "{}", ended.err);
}
