//! Remote verification: opaque tokens by introspection, any credential by forward authentication. One request for each
//! credential, a cached result, and no rejection when the endpoint is down.

mod forward;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clock::Clock as _;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;

/// The endpoint's state: its answers by credential, and its requests.
#[derive(Default)]
struct ScriptedAnswers {
    answers: Mutex<HashMap<String, Value>>,
    asked: AtomicUsize,
    is_down: AtomicBool,
    seen: Mutex<Vec<HashMap<String, String>>>,
}

struct AuthEndpoint {
    said: Arc<ScriptedAnswers>,
    handle: ServerHandle,
    url: String,
}

impl AuthEndpoint {
    fn start() -> Self {
        let said = Arc::new(ScriptedAnswers::default());
        let shared = said.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(shared.clone()))
                .route("/introspect", web::post().to(introspect))
                .route("/me", web::get().to(me))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { said, handle, url }
    }

    fn says(&self, credential: &str, answer: Value) {
        self.said.answers.lock().unwrap().insert(credential.to_owned(), answer);
    }

    fn asked(&self) -> usize {
        self.said.asked.load(Ordering::SeqCst)
    }

    fn set_down(&self, down: bool) {
        self.said.is_down.store(down, Ordering::SeqCst);
    }
}

impl Drop for AuthEndpoint {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// A scripted answer that is only a status.
fn bare(answer: &Value) -> Option<HttpResponse> {
    let status = u16::try_from(answer.get("status")?.as_u64()?).unwrap();
    Some(HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish())
}

async fn introspect(
    request: HttpRequest,
    form: web::Form<HashMap<String, String>>,
    said: web::Data<ScriptedAnswers>,
) -> HttpResponse {
    said.asked.fetch_add(1, Ordering::SeqCst);
    // Lets other requests for the same token arrive.
    tokio::task::yield_now().await;
    if said.is_down.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    // "token vend:s%cret", each part encoded first: RFC 6749, section 2.3.1.
    if request.headers().get("authorization").unwrap() != "Basic dG9rZW4rdmVuZDpzJTI1Y3JldA==" {
        return HttpResponse::Unauthorized().finish();
    }
    let answer = said.answers.lock().unwrap().get(&form["token"]).cloned();
    if let Some(status) = answer.as_ref().and_then(bare) {
        return status;
    }
    HttpResponse::Ok().json(answer.unwrap_or(json!({"active": false})))
}

async fn me(request: HttpRequest, said: web::Data<ScriptedAnswers>) -> HttpResponse {
    said.asked.fetch_add(1, Ordering::SeqCst);
    let headers = request.headers().iter();
    let seen = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    said.seen.lock().unwrap().push(seen);
    if said.is_down.load(Ordering::SeqCst) {
        return HttpResponse::BadGateway().finish();
    }
    let text = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let credential = format!("{}{}", text("authorization"), text("cookie"));
    match said.answers.lock().unwrap().get(&credential) {
        Some(answer) if answer.get("login").is_some() => {
            HttpResponse::Found().insert_header(("location", "/login")).finish()
        }
        Some(answer) if answer.get("status").is_some() => bare(answer).unwrap(),
        Some(answer) => {
            let mut response = HttpResponse::Ok();
            for (claim, header) in [("sub", "x-auth-request-user"), ("exp", "x-session-end")] {
                if let Some(text) = answer[claim].as_str() {
                    response.insert_header((header, text));
                }
            }
            response.json(answer)
        }
        None => HttpResponse::Unauthorized().finish(),
    }
}

async fn with_introspection(endpoint: &AuthEndpoint) -> TestApp {
    TestApp::with(&format!(
        r#"
        [auth.opaque]
        kind = "introspection"
        issuer = "https://app.example"
        url = "{}/introspect"
        client_id = "token vend"
        client_secret = "s%cret"
        cache_ttl = "60s"
        "#,
        endpoint.url
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exp_may_be_a_fraction_or_a_text_and_an_invalid_one_is_not_ignored() {
    let endpoint = AuthEndpoint::start();
    let app = with_introspection(&endpoint).await;
    let now = app.clock.now().as_secs();
    for (token, end, status) in [
        ("fraction", json!(now as f64 - 0.5), 401),
        ("text", json!((now - 1).to_string()), 401),
        ("odd", json!("tomorrow"), 503),
        ("later", json!((now + 60).to_string()), 200),
        ("endless", json!(null), 200),
    ] {
        endpoint.says(token, json!({"active": true, "sub": "alice", "exp": end}));
        assert_eq!(app.vend_bearer(token).await.status, status, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opaque_token_is_introspected_once_for_concurrent_requests_and_then_cached() {
    let endpoint = AuthEndpoint::start();
    let app = with_introspection(&endpoint).await;
    endpoint.says("opaque-1", json!({"active": true, "sub": "alice", "exp": app.clock.now().as_secs() + 3600}));
    let answers = join_all((0..50).map(|_| app.vend_bearer("opaque-1"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(endpoint.asked(), 1);
    // The same user as by the app's JWT, because the issuer is the same.
    assert_eq!(app.vend("alice").await.token(), answers[0].token());
    app.advance(59);
    assert_eq!(app.vend_bearer("opaque-1").await.source(), "hit");
    assert_eq!(endpoint.asked(), 1);
    app.advance(1);
    assert_eq!(app.vend_bearer("opaque-1").await.source(), "hit");
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejection_is_cached_briefly_and_affects_no_other_token() {
    let endpoint = AuthEndpoint::start();
    let app = with_introspection(&endpoint).await;
    for _ in 0..5 {
        app.vend_bearer("opaque-1").await.is_problem(401, "unauthorized");
    }
    assert_eq!(endpoint.asked(), 1);
    endpoint.says("opaque-1", json!({"active": true, "sub": "alice"}));
    endpoint.says("opaque-2", json!({"active": true, "sub": "bob"}));
    assert_eq!(app.vend_bearer("opaque-2").await.source(), "miss");
    app.advance(10);
    assert_eq!(app.vend_bearer("opaque-1").await.source(), "miss");
    assert_eq!(app.metric("tokenvend_authentications_total{outcome=\"inactive\"}").await, 5.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_active_and_a_user_id_is_rejected() {
    let endpoint = AuthEndpoint::start();
    let app = with_introspection(&endpoint).await;
    let now = app.clock.now().as_secs();
    for (at, answer) in [
        json!({"sub": "alice"}),
        json!({"active": "true", "sub": "alice"}),
        json!({"active": 1, "sub": "alice"}),
        json!({"active": true}),
        json!({"active": true, "sub": ""}),
        json!({"active": true, "sub": "alice", "exp": now}),
        json!({"active": true, "sub": "alice", "nbf": now + 60}),
        json!({"active": true, "sub": "alice", "iss": "https://evil.example"}),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("opaque-{at}");
        endpoint.says(&token, answer.clone());
        assert_eq!(app.vend_bearer(&token).await.status, 401, "{answer}");
    }
    assert_eq!(app.calls().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cached_opaque_token_expires_at_the_exp_of_its_introspection() {
    let endpoint = AuthEndpoint::start();
    let app = with_introspection(&endpoint).await;
    endpoint.says("opaque-1", json!({"active": true, "sub": "alice", "exp": app.clock.now().as_secs() + 20}));
    assert_eq!(app.vend_bearer("opaque-1").await.source(), "miss");
    app.advance(20);
    app.vend_bearer("opaque-1").await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_app_is_down_cached_callers_continue_and_others_get_503() {
    let endpoint = AuthEndpoint::start();
    let app = with_introspection(&endpoint).await;
    endpoint.says("opaque-1", json!({"active": true, "sub": "alice"}));
    endpoint.says("opaque-2", json!({"active": true, "sub": "bob"}));
    assert_eq!(app.vend_bearer("opaque-1").await.source(), "miss");
    endpoint.set_down(true);
    app.advance(30);
    assert_eq!(app.vend_bearer("opaque-1").await.source(), "hit");
    app.vend_bearer("opaque-2").await.is_problem(503, "auth-unavailable");
    // An unavailable endpoint is not cached.
    endpoint.set_down(false);
    assert_eq!(app.vend_bearer("opaque-2").await.source(), "miss");
    // The app's JWTs are not affected.
    assert_eq!(app.vend("carol").await.source(), "miss");
}
