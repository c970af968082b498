//! User headers of a gateway: trusted from the gateway's address with its secret, rejected from all other peers.

mod alb;
mod assertions;
mod nginx;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{ApiResponse, TestApp, claims_of};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The gateway's address. A test's own address is 127.0.0.1.
const GATEWAY: &str = "127.0.0.7";

async fn app(more: &str) -> TestApp {
    app_with(GATEWAY, more, "").await
}

/// `more` goes to the top of the configuration, `edge` into the gateway's authenticator.
async fn app_with(gateway: &str, more: &str, edge: &str) -> TestApp {
    TestApp::with(&format!(
        r#"
        {more}
        http.trusted_proxies = ["127.0.0.0/8"]
        auth.app.user_id = "app:{{sub}}"
        [auth.edge]
        kind = "gateway"
        issuer = "https://edge.example"
        user_id = "edge:{{sub}}"
        trusted_peers = ["{gateway}", "fd00::/8"]
        secret_header = "X-Gateway-Secret"
        secret = "{SECRET}"
        {edge}
        claims = {{ sub = "X-Auth-Request-User", team = "X-Auth-Request-Team" }}
        [pools.main.tags]
        team = "{{team}}"
        "#
    ))
    .await
}

/// Headers of a request.
type Sent<'h> = &'h [(&'h str, &'h str)];

/// A client with this local address.
fn at(address: &str) -> reqwest::Client {
    let address: std::net::IpAddr = address.parse().unwrap();
    reqwest::Client::builder().no_proxy().local_address(address).build().unwrap()
}

async fn send(app: &TestApp, from: &str, headers: Sent<'_>) -> ApiResponse {
    let request = at(from).post(app.url("/v1/token"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    ApiResponse::to(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateways_headers_state_the_user_and_its_claims() {
    let app = app("").await;
    let secret = ("x-gateway-secret", SECRET);
    let user = ("X-AUTH-REQUEST-USER", "alice");
    let alice = send(&app, GATEWAY, &[secret, user, ("x-auth-request-team", "red")]).await;
    assert_eq!(alice.source(), "miss");
    let claims = claims_of(&alice.token());
    assert!(claims["amr"][2].as_str().unwrap().ends_with(":edge:alice"), "{claims}");
    assert_eq!(claims["https://aws.amazon.com/tags"]["principal_tags"]["team"][0], "red");
    let bob = send(&app, GATEWAY, &[secret, ("x-auth-request-user", "bob")]).await;
    assert_ne!(bob.json()["identityId"], alice.json()["identityId"]);
    let again = send(&app, GATEWAY, &[secret, user, ("x-auth-request-team", "red")]).await;
    assert_eq!((again.source(), again.token()), ("hit", alice.token()));
    // Without a user header the gateway is an ordinary proxy, and its clients have the app's tokens.
    let bearer = format!("Bearer {}", app.bearer("alice"));
    let by_app = send(&app, GATEWAY, &[secret, ("x-auth-request-user", ""), ("authorization", &bearer)]).await;
    assert_eq!(by_app.source(), "miss");
    assert_ne!(by_app.json()["identityId"], alice.json()["identityId"], "another issuer's alice is another user");
    send(&app, GATEWAY, &[secret]).await.is_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_not_the_gateway_is_refused_with_its_headers_instead_of_ignoring_them() {
    let app = app("auth.order = [\"edge\"]").await;
    let (secret, user) = (("x-gateway-secret", SECRET), ("x-auth-request-user", "alice"));
    let bearer = format!("Bearer {}", app.bearer("mallory"));
    let cases: &[(&str, &str, Sent<'_>)] = &[
        ("another address, which knows the secret", "127.0.0.1", &[secret, user]),
        ("another address, with a credential of its own", "127.0.0.1", &[user, ("authorization", &bearer)]),
        ("another address that says it is the gateway", "127.0.0.1", &[secret, user, ("x-forwarded-for", GATEWAY)]),
        ("the team alone", "127.0.0.1", &[("x-auth-request-team", "red")]),
        ("no secret", GATEWAY, &[user]),
        ("an empty secret", GATEWAY, &[user, ("x-gateway-secret", "")]),
        ("a wrong secret", GATEWAY, &[user, ("x-gateway-secret", "0123456789abcdef0123456789abcdeF")]),
        ("half a secret", GATEWAY, &[user, ("x-gateway-secret", &SECRET[..16])]),
        ("the secret twice", GATEWAY, &[user, secret, secret]),
        ("the right secret and another", GATEWAY, &[user, secret, ("x-gateway-secret", "x")]),
    ];
    for (what, from, headers) in cases {
        let answer = send(&app, from, headers).await;
        assert_eq!(answer.status, 403, "{what}: {answer:?}");
        answer.is_problem(403, "untrusted-peer");
        let detail = answer.json()["detail"].to_string();
        assert!(!answer.text.contains(SECRET) && !detail.contains("trusted"), "{what}: {answer:?}");
    }
    assert_eq!(app.calls().await, 0);
    let counted = app.metric("tokenvend_authentications_total{outcome=\"untrusted_peer\"}").await;
    assert_eq!(counted, cases.len() as f64);
    let own = send(&app, "127.0.0.1", &[("authorization", &bearer)]).await;
    assert_eq!(own.source(), "miss", "without the gateway's headers a caller is who its own credential says");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_come_twice_or_look_alike_are_refused_also_from_the_gateway() {
    let app = app("auth.order = [\"edge\"]").await;
    let (secret, user) = (("x-gateway-secret", SECRET), ("x-auth-request-user", "alice"));
    let cases: &[(&str, Sent<'_>)] = &[
        ("the same twice", &[secret, user, user]),
        ("two users", &[secret, user, ("X-Auth-Request-User", "mallory")]),
        ("an empty one and a full one", &[secret, ("x-auth-request-user", ""), user]),
        ("two users that some proxy joined", &[secret, ("x-auth-request-user", "alice, mallory")]),
        ("an underscore for a dash", &[secret, user, ("x_auth_request_user", "mallory")]),
        ("one underscore", &[secret, user, ("X-Auth_Request-User", "mallory")]),
        ("a dot for a dash", &[secret, user, ("x-auth.request-user", "mallory")]),
        ("a look-alike alone", &[secret, ("x_auth_request_user", "mallory")]),
        ("a look-alike of another claim", &[secret, user, ("x_auth_request_team", "red")]),
        ("a look-alike of the secret", &[secret, user, ("x_gateway_secret", SECRET)]),
        ("a team twice", &[secret, user, ("x-auth-request-team", "red"), ("x-auth-request-team", "blue")]),
        ("no user", &[secret, ("x-auth-request-team", "red")]),
        ("a user that is a slip", &[secret, ("x-auth-request-user", "null")]),
        ("a user that begins with a space of another kind", &[secret, ("x-auth-request-user", "\u{a0}alice")]),
    ];
    for (what, headers) in cases {
        let answer = send(&app, GATEWAY, headers).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        answer.is_problem(401, "unauthorized");
    }
    assert_eq!(app.calls().await, 0);
    assert_eq!(send(&app, GATEWAY, &[secret, user]).await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_ids_that_look_alike_are_different_users() {
    let app = app("").await;
    let vend = async |name: &str| {
        let headers = [("x-gateway-secret", SECRET), ("x-auth-request-user", name)];
        send(&app, GATEWAY, &headers).await.json()["identityId"].to_string()
    };
    let mut identities = Vec::new();
    for name in ["alice", "Alice", "аlice", "alice\u{301}", "ali%63e", "alice;x"] {
        identities.push(vend(name).await);
    }
    identities.sort();
    identities.dedup();
    assert_eq!(identities.len(), 6);
}

#[test]
fn folded_and_smuggled_header_lines_are_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = runtime.block_on(app_with("127.0.0.1", "", ""));
    let address = app.service.public_address();
    for odd in [
        // Obsolete line folding: RFC 9112, section 5.2.
        "X-Auth-Request-User: alice\r\n mallory\r\n",
        "X-Other: x\r\n\tX-Auth-Request-User: mallory\r\n",
        // White space before the colon: section 5.1.
        "X-Auth-Request-User : mallory\r\n",
        "X-Auth-Request-User: al\rice\r\n",
        "X-Auth-Request-User: al\0ice\r\n",
    ] {
        let mut connection = TcpStream::connect(address).unwrap();
        let head = format!(
            "GET /v1/token HTTP/1.1\r\nHost: x\r\nX-Gateway-Secret: {SECRET}\r\n{odd}Connection: close\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = connection.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 400"), "{odd:?}: {answer}");
    }
    assert_eq!(runtime.block_on(app.calls()), 0);
    runtime.block_on(async { drop(app) });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_a_rotation_the_previous_secret_is_accepted_as_well() {
    let previous = "previous_secret = \"an older one, of thirty-two bytes and more\"";
    let app = app_with(GATEWAY, "", previous).await;
    let user = ("x-auth-request-user", "alice");
    for (secret, status) in
        [(SECRET, 200), ("an older one, of thirty-two bytes and more", 200), ("a still older one, …", 403)]
    {
        let answer = send(&app, GATEWAY, &[("x-gateway-secret", secret), user]).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}
