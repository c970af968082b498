//! Forward auth: the app is shown what a request presents, and says whose it is. And cookies that count, or do not.

use clock::Clock as _;
use reqwest::Method;
use serde_json::json;

use super::{Judge, with_introspection};
use crate::support::{Answer, COOKIE_JWT, World, claims_of};

async fn with_forward(judge: &Judge, more: &str) -> World {
    World::with(&format!(
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
        judge.url
    ))
    .await
}

async fn with_cookie(world: &World, method: Method, cookie: &str, origin: Option<&str>) -> Answer {
    let mut request = world.client.request(method, world.url("/v1/token")).header("cookie", cookie);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    Answer::of(request.send().await.unwrap()).await
}

const PAGE: Option<&str> = Some("https://web.example");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_is_shown_what_is_configured_and_says_who_it_is() {
    let judge = Judge::start();
    let world =
        with_forward(&judge, "user_id = \"{user}\"\nclaims = { user = \"x-auth-request-user\" }").await;
    judge.says("session=abc; device=1", json!({"sub": "alice"}));
    let cookies = "theme=dark; session=abc; tracking=xyz; device=1";
    let answer = with_cookie(&world, Method::POST, cookies, PAGE).await;
    assert_eq!(answer.source(), "miss");
    assert!(claims_of(&answer.token())["amr"].to_string().contains(":alice"));
    // Other cookies do not make it another credential, nor are they shown.
    let again = with_cookie(&world, Method::POST, "session=abc; device=1; theme=light", PAGE).await;
    assert_eq!(again.source(), "hit");
    assert_eq!(judge.asked(), 1);
    let seen = judge.said.seen.lock().unwrap()[0].clone();
    assert_eq!(seen["cookie"], "session=abc; device=1");
    assert!(!seen.contains_key("origin") && !seen.contains_key("authorization"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_apps_no_a_login_page_and_a_yes_for_nobody_are_refused_and_its_trouble_is_not() {
    let judge = Judge::start();
    let world = with_forward(&judge, "").await;
    judge.says("session=page", json!({"login": true}));
    judge.says("session=nobody", json!({"name": "no sub"}));
    for cookie in ["session=unknown", "session=page", "session=nobody"] {
        with_cookie(&world, Method::POST, cookie, PAGE).await.is_problem(401, "unauthorized");
    }
    judge.set_down(true);
    with_cookie(&world, Method::POST, "session=abc", PAGE).await.is_problem(503, "auth-unavailable");
    // What shows nothing of the kind is another way's business.
    assert_eq!(world.calls().await, 0);
    assert_eq!(World::vend(&world, "carol").await.status, 503, "the bearer is shown to the app as well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_session_counts_also_as_a_fraction_or_as_text_in_a_body_and_in_a_header() {
    let judge = Judge::start();
    for (more, are_headers) in
        [("", false), ("claims = { sub = \"x-auth-request-user\", exp = \"x-session-end\" }", true)]
    {
        let world = with_forward(&judge, more).await;
        let now = world.clock.now().as_secs();
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
            judge.says(&format!("session={session}"), json!({"sub": "alice", "exp": end}));
            let answer = with_cookie(&world, Method::POST, &format!("session={session}"), PAGE).await;
            assert_eq!(answer.status, status, "{session} {more}");
        }
        // It is remembered until then, and not for the whole minute.
        judge.says("session=later", json!({"login": true}));
        world.advance(20);
        assert_eq!(with_cookie(&world, Method::POST, "session=later", PAGE).await.status, 200);
        world.advance(1);
        assert_eq!(with_cookie(&world, Method::POST, "session=later", PAGE).await.status, 401);
        assert_eq!(with_cookie(&world, Method::POST, "session=endless", PAGE).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_400_of_the_apps_is_a_no_and_a_guess_and_one_of_an_introspection_endpoint_is_trouble() {
    let judge = Judge::start();
    let world = with_forward(&judge, "[limits.failed_authentications]\nrate = \"1/m\"\nburst = 2").await;
    judge.says("session=%%%", json!({"status": 400}));
    let odd = async |cookie: &str| with_cookie(&world, Method::POST, cookie, PAGE).await;
    odd("session=%%%").await.is_problem(401, "unauthorized");
    odd("session=%%%").await.is_problem(401, "unauthorized");
    assert_eq!(judge.asked(), 1, "it is remembered as any no");
    odd("session=%%%").await.is_problem(429, "rate-limited");
    world.advance(60);
    judge.says("session=%%%", json!({"sub": "alice"}));
    assert_eq!(odd("session=%%%").await.source(), "miss");
    // All else is not a no.
    for status in [404, 429, 500] {
        judge.says("session=abc", json!({ "status": status }));
        odd("session=abc").await.is_problem(503, "auth-unavailable");
    }

    // There it says that our own question is bad: RFC 7662, section 2.3.
    let world = with_introspection(&judge).await;
    judge.says("opaque-1", json!({"status": 400}));
    world.vend_bearer("opaque-1").await.is_problem(503, "auth-unavailable");
    judge.says("opaque-1", json!({"active": true, "sub": "alice"}));
    assert_eq!(world.vend_bearer("opaque-1").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_that_counts_for_nothing_is_not_in_the_way_of_a_bearer() {
    let judge = Judge::start();
    let forward = r#"
        [auth.session]
        kind = "forward_auth"
        issuer = "https://app.example"
        url = "JUDGE/me"
        forward_headers = []
        forward_cookies = ["session"]
    "#;
    for session in [COOKIE_JWT, &forward.replace("JUDGE", &judge.url)] {
        let world = World::with(&format!("auth.order = [\"session\", \"app\"]\n{session}")).await;
        let (alice, bob) = (world.bearer("alice"), world.bearer("bob"));
        judge.says(&format!("session={alice}"), json!({"sub": "alice"}));
        let with = async |method, bearer: Option<&str>, origin: Option<&str>| {
            let request = world.client.request(method, world.url("/v1/token"));
            let request = request.header("cookie", format!("session={alice}"));
            let request = bearer.into_iter().fold(request, |request, bearer| request.bearer_auth(bearer));
            let request =
                origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
            Answer::of(request.send().await.unwrap()).await
        };
        let user = |answer: &Answer| claims_of(&answer.token())["amr"][2].to_string();
        for (method, origin) in [
            (Method::GET, None),
            (Method::GET, PAGE),
            (Method::POST, None),
            (Method::POST, Some("https://evil.example")),
        ] {
            let answer = with(method.clone(), Some(&bob), origin).await;
            assert!(user(&answer).ends_with(":bob\""), "{method} {origin:?}: {answer:?}");
            // Alone it is told why, and a bearer that is no good does not make it count.
            with(method.clone(), None, origin).await.is_problem(403, "cross-site");
            with(method, Some("nonsense"), origin).await.is_problem(401, "unauthorized");
        }
        // Where it counts, it decides.
        assert!(user(&with(Method::POST, Some(&bob), PAGE).await).ends_with(":alice\""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_cookie_that_is_a_jwt_is_verified_as_such_under_the_same_rules() {
    let world = World::with(COOKIE_JWT).await;
    let cookie = format!("a=b; session={}", world.bearer("alice"));
    assert_eq!(with_cookie(&world, Method::POST, &cookie, PAGE).await.source(), "miss");
    assert_eq!(world.vend("alice").await.source(), "hit");
    with_cookie(&world, Method::GET, &cookie, PAGE).await.is_problem(403, "cross-site");
    with_cookie(&world, Method::POST, &cookie, None).await.is_problem(403, "cross-site");
    let forged = format!("{cookie}A");
    with_cookie(&world, Method::POST, &forged, PAGE).await.is_problem(401, "unauthorized");
    let twice = format!("{cookie}; session=x");
    with_cookie(&world, Method::POST, &twice, PAGE).await.is_problem(401, "unauthorized");
    assert_eq!(with_cookie(&world, Method::DELETE, &cookie, PAGE).await.status, 204);
}
