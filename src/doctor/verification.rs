//! Checks of what verifies credentials and tokens: the keys or the endpoint of each authenticator, and Cognito's keys.

use std::time::Duration;

use jose::{Algorithm, KeyProvider, KeySource};
use reqwest::Url;

use super::context::DoctorContext;
use super::report::Check;
use crate::auth::{self, AuthSettings, AuthenticatorSettings, JwtSettings, RemoteCheckSettings};

impl DoctorContext {
    pub(super) async fn authenticator(&self, check: Check, authenticator: &AuthSettings) -> Check {
        match &authenticator.kind {
            AuthenticatorSettings::Jwt(jwt) => signing_keys(check, &authenticator.name, jwt).await,
            AuthenticatorSettings::Introspection(remote) => endpoint(check, &remote.url, remote.check, false).await,
            AuthenticatorSettings::ForwardAuth(remote) => endpoint(check, &remote.url, remote.check, true).await,
            AuthenticatorSettings::Alb(alb) => {
                let remote = RemoteCheckSettings {
                    timeout: alb.keys.timeout,
                    negative_cache_ttl: Duration::ZERO,
                    max_concurrent_requests: 1,
                };
                endpoint(check, &alb.keys.url, remote, false).await
            }
            AuthenticatorSettings::Gateway(_)
            | AuthenticatorSettings::StaticKey(_)
            | AuthenticatorSettings::ClientCertificate(_) => {
                check.ok("nothing to fetch: the configuration has all that is needed")
            }
        }
    }

    /// Cognito's own keys. Vending does not need them; linking guests does, because they verify guests' tokens.
    pub(super) async fn cognito_keys(&self, check: Check) -> Check {
        let jwks = &self.settings.openid_jwks;
        let algorithms = &[Algorithm::RS512];
        let keys = KeyProvider::fetch_once(&KeySource::Jwks(jwks.clone()), algorithms).await;
        let observed = match keys.map(|keys| keys.usable_for(algorithms)) {
            Ok(count @ 1..) => {
                return check.with_value("keys", count).ok(format!("{}: {}", jwks.url, key_count(count)));
            }
            Ok(_) => format!("{} has no key for RS512", jwks.url),
            Err(why) => format!("{} cannot be fetched: {why}", jwks.url),
        };
        let see = "see upstream.openid_keys_url in config/default.toml";
        if self.settings.pools.iter().any(|pool| pool.linking.guests) {
            check.fail(observed, format!("no guest can be linked without them: {see}"))
        } else {
            check.warn(observed, format!("vending does not need them, verifying tokens does: {see}"))
        }
    }
}

async fn signing_keys(check: Check, authenticator: &str, jwt: &JwtSettings) -> Check {
    let algorithms = jwt.algorithms.as_slice();
    let location = match &jwt.keys {
        KeySource::Jwks(jwks) => jwks.url.to_string(),
        KeySource::File(path) => path.display().to_string(),
        KeySource::Secret(_) => "a shared secret".to_owned(),
    };
    let keys = KeyProvider::fetch_once(&jwt.keys, algorithms).await;
    match keys.map(|keys| keys.usable_for(algorithms)) {
        Ok(0) => check.fail(
            format!("{location} has no key for {algorithms:?}"),
            format!("publish one there, or correct auth.{authenticator}.algorithms"),
        ),
        Ok(count) => check.with_value("keys", count).ok(format!("{location}: {}", key_count(count))),
        Err(why) => check.fail(
            format!("{location} cannot be fetched: {why}"),
            format!("check the path to it, or correct auth.{authenticator}; without these keys no caller is accepted"),
        ),
    }
}

/// Whether a remote verification endpoint responds. Its status depends on the credential; with forward authentication,
/// a request without one is unauthenticated, not malformed.
async fn endpoint(check: Check, url: &Url, remote: RemoteCheckSettings, is_forward_auth: bool) -> Check {
    match auth::probe_endpoint(url, remote).await {
        Ok(400) if is_forward_auth => check.warn(
            format!("{url} responds with 400 without a credential"),
            "let it respond with 401 instead, and accept the host name of url (ALLOWED_HOSTS, config.hosts): with a 400 \
             to every request no caller is accepted",
        ),
        Ok(status) => check.ok(format!("{url} responds ({status} without a credential)")),
        Err(why) => check.fail(
            format!("{url} does not respond: {why}"),
            "check the path to it; without it only cached callers are accepted",
        ),
    }
}

fn key_count(keys: usize) -> String {
    if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") }
}
