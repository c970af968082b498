//! Forward authentication: the app receives a request's credential and returns the user. And which cookies count.

use clock::Clock as _;
use reqwest::Method;
use serde_json::json;

use super::{AuthEndpoint, with_introspection};
use crate::support::{ApiResponse, COOKIE_JWT, TestApp, claims_of};

async fn with_forward(endpoint: &AuthEndpoint, more: &str) -> TestApp {
    TestApp::with(&format!(
        r#"
        auth.order = ["session"]
        [auth.session]
        kind = "forward_auth"
        issuer = "https://app.example"
        url = "{}/me"
        forward_cookies = ["session", "device"]
        cache_ttl = "60s"
        {more}
        "#,
        endpoint.url
    ))
    .await
}

async fn with_cookie(app: &TestApp, method: Method, cookie: &str, origin: Option<&str>) -> ApiResponse {
    let mut request = app.client.request(method, app.url("/v1/token")).header("cookie", cookie);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    ApiResponse::to(request).await
}

const PAGE: Option<&str> = Some("https://web.example");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_gets_the_configured_headers_and_cookies_and_returns_the_user() {
    let endpoint = AuthEndpoint::start();
    let app = with_forward(&endpoint, "user_id = \"{user}\"\nclaims = { user = \"x-auth-request-user\" }").await;
    endpoint.says("session=abc; device=1", json!({"sub": "alice"}));
    let cookies = "theme=dark; session=abc; tracking=xyz; device=1";
    let answer = with_cookie(&app, Method::POST, cookies, PAGE).await;
    assert_eq!(answer.source(), "miss");
    assert!(claims_of(&answer.token())["amr"].to_string().contains(":alice"));
    // Other cookies are not part of the credential, and are not forwarded.
    let again = with_cookie(&app, Method::POST, "session=abc; device=1; theme=light", PAGE).await;
    assert_eq!(again.source(), "hit");
    assert_eq!(endpoint.asked(), 1);
    let seen = endpoint.said.seen.lock().unwrap()[0].clone();
    assert_eq!(seen["cookie"], "session=abc; device=1");
    assert!(!seen.contains_key("origin") && !seen.contains_key("authorization"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_apps_rejection_a_login_page_and_an_answer_without_a_user_are_refused_and_its_failure_is_not() {
    let endpoint = AuthEndpoint::start();
    let app = with_forward(&endpoint, "").await;
    endpoint.says("session=page", json!({"login": true}));
    endpoint.says("session=nobody", json!({"name": "no sub"}));
    for cookie in ["session=unknown", "session=page", "session=nobody"] {
        with_cookie(&app, Method::POST, cookie, PAGE).await.is_problem(401, "unauthorized");
    }
    endpoint.set_down(true);
    with_cookie(&app, Method::POST, "session=abc", PAGE).await.is_problem(503, "auth-unavailable");
    // A request without such a credential is for the next authenticator.
    assert_eq!(app.calls().await, 0);
    assert_eq!(TestApp::vend(&app, "carol").await.status, 503, "the bearer is shown to the app as well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_session_may_be_a_fraction_or_a_text_in_a_body_and_in_a_header() {
    let endpoint = AuthEndpoint::start();
    for (more, are_headers) in
        [("", false), ("claims = { sub = \"x-auth-request-user\", exp = \"x-session-end\" }", true)]
    {
        let app = with_forward(&endpoint, more).await;
        let now = app.clock.now().as_secs();
        for (session, end, status) in [
            ("fraction", json!(now as f64 - 0.5), 401),
            ("past", json!((now as f64 - 0.5).to_string()), 401),
            ("odd", json!("tomorrow"), 503),
            ("infinite", json!("inf"), 503),
            ("later", json!((now as f64 + 20.5).to_string()), 200),
            ("endless", json!(""), 200),
        ] {
            if are_headers && !end.is_string() {
                continue;
            }
            endpoint.says(&format!("session={session}"), json!({"sub": "alice", "exp": end}));
            let answer = with_cookie(&app, Method::POST, &format!("session={session}"), PAGE).await;
            assert_eq!(answer.status, status, "{session} {more}");
        }
        // The credential cache keeps it until its end, not for the whole minute.
        endpoint.says("session=later", json!({"login": true}));
        app.advance(20);
        assert_eq!(with_cookie(&app, Method::POST, "session=later", PAGE).await.status, 200);
        app.advance(1);
        assert_eq!(with_cookie(&app, Method::POST, "session=later", PAGE).await.status, 401);
        assert_eq!(with_cookie(&app, Method::POST, "session=endless", PAGE).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_400_rejects_the_credential_in_forward_auth_and_means_unavailable_in_introspection() {
    let endpoint = AuthEndpoint::start();
    let app = with_forward(&endpoint, "[limits.failed_authentications]\nrate = \"1/m\"\nburst = 2").await;
    endpoint.says("session=%%%", json!({"status": 400}));
    let odd = async |cookie: &str| with_cookie(&app, Method::POST, cookie, PAGE).await;
    odd("session=%%%").await.is_problem(401, "unauthorized");
    odd("session=%%%").await.is_problem(401, "unauthorized");
    assert_eq!(endpoint.asked(), 1, "it is remembered as any no");
    odd("session=%%%").await.is_problem(429, "rate-limited");
    app.advance(60);
    endpoint.says("session=%%%", json!({"sub": "alice"}));
    assert_eq!(odd("session=%%%").await.source(), "miss");
    // All other answers are no rejection.
    for status in [404, 429, 500] {
        endpoint.says("session=abc", json!({ "status": status }));
        odd("session=abc").await.is_problem(503, "auth-unavailable");
    }

    // From introspection, 400 says that the request itself is invalid: RFC 7662, section 2.3.
    let app = with_introspection(&endpoint).await;
    endpoint.says("opaque-1", json!({"status": 400}));
    app.vend_bearer("opaque-1").await.is_problem(503, "auth-unavailable");
    endpoint.says("opaque-1", json!({"active": true, "sub": "alice"}));
    assert_eq!(app.vend_bearer("opaque-1").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ignored_cookie_does_not_affect_a_bearer() {
    let endpoint = AuthEndpoint::start();
    let forward = r#"
        [auth.session]
        kind = "forward_auth"
        issuer = "https://app.example"
        url = "JUDGE/me"
        forward_headers = []
        forward_cookies = ["session"]
    "#;
    for session in [COOKIE_JWT, &forward.replace("JUDGE", &endpoint.url)] {
        let app = TestApp::with(&format!("auth.order = [\"session\", \"app\"]\n{session}")).await;
        let (alice, bob) = (app.bearer("alice"), app.bearer("bob"));
        endpoint.says(&format!("session={alice}"), json!({"sub": "alice"}));
        let with = async |method, bearer: Option<&str>, origin: Option<&str>| {
            let request = app.client.request(method, app.url("/v1/token"));
            let request = request.header("cookie", format!("session={alice}"));
            let request = bearer.into_iter().fold(request, |request, bearer| request.bearer_auth(bearer));
            let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
            ApiResponse::to(request).await
        };
        let user = |answer: &ApiResponse| claims_of(&answer.token())["amr"][2].to_string();
        for (method, origin) in [
            (Method::GET, None),
            (Method::GET, PAGE),
            (Method::POST, None),
            (Method::POST, Some("https://evil.example")),
        ] {
            let answer = with(method.clone(), Some(&bob), origin).await;
            assert!(user(&answer).ends_with(":bob\""), "{method} {origin:?}: {answer:?}");
            // Alone it gets the reason, and an invalid bearer token does not make it count.
            with(method.clone(), None, origin).await.is_problem(403, "cross-site");
            with(method, Some("nonsense"), origin).await.is_problem(401, "unauthorized");
        }
        // With an allowed origin, the cookie is verified.
        assert!(user(&with(Method::POST, Some(&bob), PAGE).await).ends_with(":alice\""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_cookie_that_is_a_jwt_is_verified_as_such_under_the_same_rules() {
    let app = TestApp::with(COOKIE_JWT).await;
    let cookie = format!("a=b; session={}", app.bearer("alice"));
    assert_eq!(with_cookie(&app, Method::POST, &cookie, PAGE).await.source(), "miss");
    assert_eq!(app.vend("alice").await.source(), "hit");
    with_cookie(&app, Method::GET, &cookie, PAGE).await.is_problem(403, "cross-site");
    with_cookie(&app, Method::POST, &cookie, None).await.is_problem(403, "cross-site");
    let forged = format!("{cookie}A");
    with_cookie(&app, Method::POST, &forged, PAGE).await.is_problem(401, "unauthorized");
    let twice = format!("{cookie}; session=x");
    with_cookie(&app, Method::POST, &twice, PAGE).await.is_problem(401, "unauthorized");
    assert_eq!(with_cookie(&app, Method::DELETE, &cookie, PAGE).await.status, 204);
}
