//! Assertions of Cloudflare Access and Google's Identity-Aware Proxy: JWTs in a header of their own.

use clock::Clock as _;
use serde_json::json;

use crate::support::{ApiResponse, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assertions_of_cloudflare_access_and_googles_proxy_are_jwts_in_their_headers() {
    let app = TestApp::with(
        r#"
        auth.app.user_id = "app:{sub}"
        [auth.cloudflare]
        issuer = "https://team.cloudflareaccess.com"
        user_id = "cloudflare:{sub}"
        credential_source = "header:Cf-Access-Jwt-Assertion"
        audience = ["4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2"]
        algorithms = ["ES256"]
        jwks_url = "DEMO_IDP/jwks.json"
        [auth.iap]
        issuer = "https://cloud.google.com/iap"
        user_id = "google:{sub}"
        credential_source = "header:X-Goog-IAP-JWT-Assertion"
        audience = ["/projects/123456789/apps/my-project"]
        algorithms = ["ES256"]
        jwks_url = "DEMO_IDP/jwks.json"
        "#,
    )
    .await;
    let assertion = |issuer: &str, audience: &str| {
        let mut claims = app.demo.claims("alice", app.clock.now());
        claims["iss"] = json!(issuer);
        claims["aud"] = json!([audience]);
        app.demo.sign(&claims)
    };
    let send = async |header: &str, token: &str| {
        ApiResponse::to(app.client.post(app.url("/v1/token")).header(header, token)).await
    };
    let mut identities = Vec::new();
    for (header, issuer, audience) in [
        (
            "cf-access-jwt-assertion",
            "https://team.cloudflareaccess.com",
            "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2",
        ),
        ("x-goog-iap-jwt-assertion", "https://cloud.google.com/iap", "/projects/123456789/apps/my-project"),
    ] {
        // An assertion of another team, or for another application of the same team.
        for (issuer, audience) in [("https://evil.cloudflareaccess.com", audience), (issuer, "another")] {
            send(header, &assertion(issuer, audience)).await.is_problem(401, "unauthorized");
        }
        let good = assertion(issuer, audience);
        let answer = send(header, &good).await;
        assert_eq!(answer.source(), "miss");
        identities.push(answer.json()["identityId"].clone());
        // It is read from its own header only.
        send("x-assertion", &good).await.is_problem(401, "unauthorized");
        app.vend_bearer(&good).await.is_problem(401, "unauthorized");
    }
    assert_ne!(identities[0], identities[1]);
    assert_eq!(app.calls().await, 2);
}
