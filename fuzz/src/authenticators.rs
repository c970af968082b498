//! Authenticators as a configuration has them, one for each credential source, and the caller that they verify.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::{ManualClock, SharedClock, Timestamp};
use cognito_types::DeveloperUserId;
use jsonwebtoken::{Algorithm, EncodingKey};
use tokenvend::auth::{AuthRequest, AuthenticatorChain, Caller, HeaderView, Subject};
use tokenvend::client_address::PeerAddress;
use tokenvend::config::{self, ConfigSource, Environment};
use tokenvend::metrics::Metrics;

/// The key of the tokens' signatures.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The secret that the gateway sends.
pub(crate) const GATEWAY_SECRET: &str = "fedcba9876543210fedcba9876543210";

/// The time of all requests, in seconds since 1970.
pub(crate) const NOW: i64 = 1_800_000_000;

const CREDENTIAL_SOURCES: [(&str, &str); 3] =
    [("bearer", "bearer"), ("cookie", "cookie:session"), ("header", "header:x-assertion")];

fn configuration() -> String {
    let pool = r#"
        [pools.main]
        identity_pool_id = "us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7"
        developer_provider = "login.example"
    "#;
    let authenticators = CREDENTIAL_SOURCES.map(|(name, credential_source)| {
        format!(
            r#"
            [auth.{name}]
            issuer = "https://app.example"
            audience = ["tokenvend"]
            algorithms = ["HS256"]
            secret = "{SECRET}"
            cache_ttl = "0s"
            user_id = "app|{{tenant}}|{{/org/name}}-{{sub}}"
            credential_source = "{credential_source}"
            "#
        )
    });
    let gateway = format!(
        r#"
        [auth.gateway]
        kind = "gateway"
        issuer = "https://app.example"
        user_id = "app|{{user}}"
        trusted_peers = ["10.0.0.0/8"]
        secret_header = "x-gateway-secret"
        secret = "{GATEWAY_SECRET}"
        claims = {{ user = "x-auth-user" }}
    "#
    );
    format!("{pool}{}{gateway}", authenticators.concat())
}

/// The authenticators, and the runtime that they run on.
pub(crate) struct Authenticators {
    chain: AuthenticatorChain,
    runtime: tokio::runtime::Runtime,
}

impl Authenticators {
    pub(crate) fn start() -> Self {
        let document = ConfigSource { name: "fuzz".to_owned(), text: configuration() };
        let settings = config::load(&[document], &Environment::default()).unwrap().settings;
        let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::from_secs(NOW)));
        let metrics = Arc::new(Metrics::new().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (auth, users) = (&settings.auth, &settings.users);
        let starting = AuthenticatorChain::start(auth, users, BTreeSet::new(), 10, &clock, &metrics);
        let chain = runtime.block_on(starting).unwrap();
        Self { chain, runtime }
    }

    /// The caller and the user of a request with these headers from a trusted gateway's address, if it is authenticated.
    ///
    /// # Panics
    /// The caller is a service: none is configured.
    pub(crate) fn authenticate(&self, headers: &HeaderList<'_>) -> Option<(Arc<Caller>, DeveloperUserId)> {
        let peer = Some(PeerAddress::new(IpAddr::from([10, 0, 0, 1])));
        let request = AuthRequest { headers, peer, certificate: None, is_from_allowed_page: true };
        let caller = self.runtime.block_on(self.chain.authenticate(&request)).ok()?;
        let Subject::User(user) = caller.subject.clone() else { panic!("a service") };
        Some((caller, user))
    }
}

/// A token with these claims and the app's signature.
pub(crate) fn signed(claims: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

/// The headers of a request: names and values.
pub(crate) struct HeaderList<'d>(pub(crate) Vec<(&'d str, &'d [u8])>);

impl HeaderView for HeaderList<'_> {
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8])) {
        self.0.iter().filter(|(own, _)| *own == name).for_each(|(_, value)| show(value));
    }

    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str)) {
        self.0.iter().for_each(|(name, _)| show(name));
    }
}
