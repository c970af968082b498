//! The test harness: the service and everything that it talks to, in one process.

mod app;
mod demo_idp;
mod metrics;
pub mod openapi;
mod response;

pub use app::{TestApp, client, configuration, emulator_settings, until};
pub use demo_idp::{DemoIdp, jwks_of, new_key};
pub use metrics::calls;
pub use response::{ApiResponse, claims_of};

/// Settings of a snapshot whose text has addresses of this run, ids of requests, and error numbers of the system.
pub fn snapshot_settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:PORT");
    settings.add_filter(r"aws request id [0-9a-f-]{36}", "aws request id ID");
    settings.add_filter(r"os error \d+", "os error NUMBER");
    settings
}

pub const SECOND_POOL: &str = "us-east-1:00000000-0000-4000-8000-000000000002";

/// An authenticator for the identity provider's JWT in a cookie.
pub const COOKIE_JWT: &str = r#"
    [auth.session]
    issuer = "https://app.example"
    audience = ["tokenvend"]
    algorithms = ["ES256"]
    jwks_url = "DEMO_IDP/jwks.json"
    credential_source = "cookie:session"
"#;

/// The admin credential, for tests whose overlay configures it.
pub const ADMIN_CREDENTIAL: &str = "0123456789abcdef0123456789abcdef";
pub const OPERATION: &str = "GetOpenIdTokenForDeveloperIdentity";
pub const CREDENTIALS: &str = "GetCredentialsForIdentity";
