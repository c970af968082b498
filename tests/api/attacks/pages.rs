//! Requests that a page of another site can make a browser send with the user's cookies: forms, images and simple
//! requests, also under an origin that looks like an allowed one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::Method;

use super::{Attack, Refusal, are_refused};
use crate::support::{ApiResponse, COOKIE_JWT, TestApp};

/// Origins that are not `https://web.example`.
const LOOK_ALIKES: [&str; 24] = [
    "null",
    "",
    "*",
    "https://evil.example",
    "https://web.example.evil.example",
    "https://web.example.",
    "https://web.exampl",
    "https://web.examplee",
    "https://evilweb.example",
    "https://evil-web.example",
    "https://www.web.example",
    "https://web-example",
    "https://webxexample",
    "http://web.example",
    "https://web.example:443",
    "https://web.example:8443",
    "https://web.example@evil.example",
    "https://evil.example#https://web.example",
    "https://evil.example/https://web.example",
    "https://web.example/",
    "https://WEB.example",
    "HTTPS://web.example",
    "https://web.example, https://evil.example",
    "https://web.example https://evil.example",
];

/// An endpoint of the app that authenticates each request as alice, and the number of its requests.
fn credulous_app() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let shared = asked.clone();
    let server = HttpServer::new(move || {
        let asked = shared.clone();
        App::new().default_service(web::to(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            async { HttpResponse::Ok().body(r#"{"sub":"alice","active":true}"#) }
        }))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    (url, asked)
}

/// Requests that another site can make a browser send with the user's cookie.
fn forgeries(cookie: &str) -> Vec<Attack> {
    let attack = |name: String, method: Method, more: &[(&'static str, &str)], body: &'static str| {
        let mut headers = vec![("cookie", format!("theme=dark; {cookie}"))];
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Attack { name, method, headers, body, refusal: Refusal::CrossSite }
    };
    let evil = "https://evil.example";
    let mut all = Vec::new();
    for origin in LOOK_ALIKES {
        all.push(attack(format!("POST from {origin:?}"), Method::POST, &[("origin", origin)], ""));
    }
    for kind in
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/json"]
    {
        let body = r#"{"refresh":true,"x":"="}"#;
        all.push(attack(format!("a form of {kind}"), Method::POST, &[("origin", evil), ("content-type", kind)], body));
        all.push(attack(format!("a form of {kind} without Origin"), Method::POST, &[("content-type", kind)], body));
    }
    let page = "https://web.example";
    all.extend([
        attack("an image".to_owned(), Method::GET, &[], ""),
        attack("an image, from an allowed page".to_owned(), Method::GET, &[("origin", page)], ""),
        attack(
            "a script".to_owned(),
            Method::GET,
            &[("sec-fetch-dest", "script"), ("sec-fetch-site", "cross-site")],
            "",
        ),
        attack("a link".to_owned(), Method::GET, &[("referer", "https://web.example/")], ""),
        attack(
            "a GET that says it is a POST".to_owned(),
            Method::GET,
            &[("origin", page), ("x-http-method-override", "POST")],
            "",
        ),
        attack("a referrer in place of an origin".to_owned(), Method::POST, &[("referer", "https://web.example/")], ""),
        attack(
            "the origin by another header".to_owned(),
            Method::POST,
            &[("x-origin", page), ("x-forwarded-host", "web.example")],
            "",
        ),
        attack(
            "two origins, the allowed one first".to_owned(),
            Method::POST,
            &[("origin", page), ("origin", evil)],
            "",
        ),
        attack("two origins, the allowed one last".to_owned(), Method::POST, &[("origin", evil), ("origin", page)], ""),
        attack("the allowed origin twice".to_owned(), Method::POST, &[("origin", page), ("origin", page)], ""),
        attack("a sign-out".to_owned(), Method::DELETE, &[("origin", evil)], ""),
        attack("a sign-out without Origin".to_owned(), Method::DELETE, &[], ""),
    ]);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_site_can_use_a_signed_session_cookie() {
    let app = TestApp::with(COOKIE_JWT).await;
    let cookie = format!("session={}", app.bearer("alice"));
    are_refused(&app, forgeries(&cookie)).await;
    assert_eq!(from_page(&app, Method::POST, &cookie).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_site_can_use_a_session_cookie_of_forward_auth_and_the_app_gets_no_request() {
    for way in [
        "kind = \"forward_auth\"\nforward_cookies = [\"session\"]",
        "kind = \"introspection\"\ncredential_source = \"cookie:session\"\nclient_id = \"x\"\nclient_secret = \"y\"",
    ] {
        let (app, asked) = credulous_app();
        let way = format!("[auth.session]\nissuer = \"https://app.example\"\nurl = \"{app}\"\n{way}");
        let app = TestApp::with(&way).await;
        are_refused(&app, forgeries("session=5f1c9a7e0b3d2468")).await;
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        assert_eq!(from_page(&app, Method::POST, "session=5f1c9a7e0b3d2468").await.source(), "miss");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_site_can_link_a_login_or_read_aws_credentials_by_a_cookie() {
    let app = TestApp::with(&format!(
        "pools.main.credentials.enabled = true\n\
         pools.main.linking.providers = [\"accounts.google.com\"]\n{COOKIE_JWT}"
    ))
    .await;
    let cookie = format!("session={}", app.bearer("alice"));
    let send = async |method: Method, path: &str, kind: &str, origin: Option<&str>| {
        let mut request = app.client.request(method, app.url(path)).header("cookie", &cookie);
        request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        let request = request.header("content-type", kind);
        let request =
            if kind.is_empty() { request } else { request.body(r#"{"logins":{"accounts.google.com":"mallorys"}}"#) };
        ApiResponse::to(request).await
    };
    for origin in [None, Some("null"), Some("https://evil.example"), Some("https://web.example.evil.example")] {
        for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
            let answer = send(Method::POST, "/v1/identity/link", kind, origin).await;
            Refusal::CrossSite.is(&format!("linking by {kind} from {origin:?}"), &answer);
        }
        let answer = send(Method::GET, "/v1/credentials", "", origin).await;
        Refusal::CrossSite.is(&format!("credentials from {origin:?}"), &answer);
    }
    // No page may: an image sends a GET.
    let answer = send(Method::GET, "/v1/credentials", "", Some("https://web.example")).await;
    Refusal::CrossSite.is("credentials from an allowed page", &answer);
    assert_eq!((app.calls().await, app.credentials_calls().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_that_is_there_twice_or_is_another_is_refused() {
    let app = TestApp::with(COOKIE_JWT).await;
    let (alice, mallory) = (app.bearer("alice"), app.bearer("mallory"));
    let attack = |name: &str, cookies: &[String]| {
        let mut headers: Vec<_> = cookies.iter().map(|cookie| ("cookie", cookie.clone())).collect();
        headers.push(("origin", "https://web.example".to_owned()));
        Attack { name: name.to_owned(), method: Method::POST, headers, body: "", refusal: Refusal::Unauthorized }
    };
    let rows = vec![
        attack("twice", &[format!("session={alice}; session={alice}")]),
        attack("two", &[format!("session={alice}; session={mallory}")]),
        attack("two in two headers", &[format!("session={alice}"), format!("session={mallory}")]),
        attack("one that is empty beside it", &[format!("session=; session={alice}")]),
        attack("with a space behind its name", &[format!("session ={alice}")]),
        attack("with a tab before its name", &[format!("a=b;\tsession={alice}")]),
        attack("and one that only space tells apart", &[format!("session={alice}; session ={mallory}")]),
        attack(
            "and one that a space of another kind tells apart",
            &[format!("session={alice};\u{2000}session={mallory}")],
        ),
        attack("of another case", &[format!("Session={alice}")]),
        attack("with a prefix", &[format!("__Host-session={alice}")]),
        attack("with a suffix", &[format!("session2={alice}")]),
        attack("separated by a comma", &[format!("a=b, session={alice}")]),
        attack("in quotes", &[format!("session=\"{alice}\"")]),
        attack("percent-encoded", &[format!("session={}", alice.replace('.', "%2E"))]),
        attack("cut short", &[format!("session={}", &alice[..alice.len() - 1])]),
        attack("with a bearer beside it that is none", &[format!("a=session={alice}")]),
    ];
    are_refused(&app, rows).await;
    assert_eq!(from_page(&app, Method::POST, &format!("session={alice}")).await.source(), "miss");
}

async fn from_page(app: &TestApp, method: Method, cookie: &str) -> ApiResponse {
    let request = app.client.request(method, app.url("/v1/token"));
    let request = request.header("cookie", cookie).header("origin", "https://web.example");
    ApiResponse::to(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_origin_that_looks_like_an_allowed_one_may_neither_request_nor_read() {
    let (plain, cookies) = (TestApp::start().await, TestApp::with(COOKIE_JWT).await);
    for (app, with_cookies) in [(&plain, ""), (&cookies, "true")] {
        let preflight = async |origin: &str| {
            let request = app.client.request(Method::OPTIONS, app.url("/v1/token")).header("origin", origin);
            let request = request.header("access-control-request-method", "POST");
            let request = request.header("access-control-request-headers", "authorization,content-type");
            ApiResponse::to(request).await
        };
        let post = async |origin: &str| {
            let request = app.client.post(app.url("/v1/token")).header("origin", origin);
            ApiResponse::to(request).await
        };
        for origin in LOOK_ALIKES {
            let asked = preflight(origin).await;
            assert!(asked.status.is_client_error(), "{origin:?}: {asked:?}");
            for answer in [asked, post(origin).await] {
                let found = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-allow"));
                assert_eq!(found, None, "{origin:?}: {answer:?}");
            }
        }
        // CORS allows cookies only if an authenticator reads them.
        for answer in [preflight("https://web.example").await, post("https://web.example").await] {
            assert_eq!(answer.header("access-control-allow-origin"), "https://web.example", "{answer:?}");
            assert_eq!(answer.header("access-control-allow-credentials"), with_cookies, "{answer:?}");
        }
        assert_eq!(app.calls().await, 0);
    }
}
