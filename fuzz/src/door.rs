//! Ways of authenticating as a service has them, one for each place that a credential can be in, and who gets in.

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

/// The secret that the tokens are signed with.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The secret that the gateway shows.
pub(crate) const GATEWAY_SECRET: &str = "fedcba9876543210fedcba9876543210";

/// When everything happens, in seconds since 1970.
pub(crate) const NOW: i64 = 1_800_000_000;

const CREDENTIAL_SOURCES: [(&str, &str); 3] =
    [("bearer", "bearer"), ("cookie", "cookie:session"), ("header", "header:x-assertion")];

fn configuration() -> String {
    let pool = r#"
        [pools.main]
        identity_pool_id = "us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7"
        developer_provider = "login.example"
    "#;
    let ways = CREDENTIAL_SOURCES.map(|(name, credential_source)| {
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
    format!("{pool}{}{gateway}", ways.concat())
}

/// The ways of authenticating, and what answers them.
pub(crate) struct Door {
    authenticator: AuthenticatorChain,
    runtime: tokio::runtime::Runtime,
}

impl Door {
    /// Opens it.
    pub(crate) fn open() -> Self {
        let document = ConfigSource { name: "fuzz".to_owned(), text: configuration() };
        let settings = config::load(&[document], &Environment::default()).unwrap().settings;
        let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::from_secs(NOW)));
        let metrics = Arc::new(Metrics::new().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (auth, users) = (&settings.auth, &settings.users);
        let starting = AuthenticatorChain::start(auth, users, BTreeSet::new(), 10, &clock, &metrics);
        let authenticator = runtime.block_on(starting).unwrap();
        Self { authenticator, runtime }
    }

    /// Who calls with these headers, if anybody does, from a trusted gateway's address; and the user for whom.
    ///
    /// # Panics
    /// It is a service, which nobody here can be.
    pub(crate) fn caller(&self, headers: &Listed<'_>) -> Option<(Arc<Caller>, DeveloperUserId)> {
        let peer = Some(PeerAddress::new(IpAddr::from([10, 0, 0, 1])));
        let presented = AuthRequest { headers, peer, certificate: None, is_from_allowed_page: true };
        let caller = self.runtime.block_on(self.authenticator.authenticate(&presented)).ok()?;
        let Subject::User(user) = caller.subject.clone() else { panic!("a service") };
        Some((caller, user))
    }
}

/// A token with these claims, which the app has signed.
pub(crate) fn signed(claims: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

/// The headers of a request: names and values.
pub(crate) struct Listed<'d>(pub(crate) Vec<(&'d str, &'d [u8])>);

impl HeaderView for Listed<'_> {
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8])) {
        self.0.iter().filter(|(own, _)| *own == name).for_each(|(_, value)| show(value));
    }

    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str)) {
        self.0.iter().for_each(|(name, _)| show(name));
    }
}
