//! Checks of the keys that verify tokens: those of the authenticators, and Cognito's own.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jose::{Algorithm, KeyProvider, KeySource};
use reqwest::Url;

use super::context::DoctorContext;
use super::report::{Check, CheckId};
use crate::auth::{self, AuthSettings, AuthenticatorSettings, RemoteCheckSettings};

impl DoctorContext {
    /// The keys, or the endpoint, of one authenticator.
    pub(super) fn signing_keys<'s>(&'s self, authenticator: &'s AuthSettings) -> BoxFuture<'s, Vec<Check>> {
        let check = || Check::new(CheckId::SigningKeys, &authenticator.name);
        let checks = async move {
            let jwt = match &authenticator.kind {
                AuthenticatorSettings::Jwt(jwt) => jwt,
                AuthenticatorSettings::Introspection(remote) => {
                    return vec![endpoint(check(), &remote.url, remote.check).await];
                }
                AuthenticatorSettings::ForwardAuth(remote) => {
                    return vec![forward_auth(check(), &remote.url, remote.check).await];
                }
                AuthenticatorSettings::Alb(alb) => {
                    let remote = RemoteCheckSettings {
                        timeout: alb.keys.timeout,
                        negative_cache_ttl: Duration::ZERO,
                        max_concurrent_requests: 1,
                    };
                    return vec![endpoint(check(), &alb.keys.url, remote).await];
                }
                AuthenticatorSettings::Gateway(_)
                | AuthenticatorSettings::StaticKey(_)
                | AuthenticatorSettings::ClientCertificate(_) => {
                    return vec![check().ok("nothing to fetch: the configuration has all that is needed")];
                }
            };
            let (source, algorithms) = (&jwt.keys, jwt.algorithms.as_slice());
            let location = match source {
                KeySource::Jwks(jwks) => jwks.url.to_string(),
                KeySource::File(path) => path.display().to_string(),
                KeySource::Secret(_) => "a shared secret".to_owned(),
            };
            vec![match KeyProvider::fetch_once(source, algorithms).await.map(|keys| keys.usable_for(algorithms)) {
                Ok(0) => check().fail(
                    format!("{location} has no key for {algorithms:?}"),
                    format!("publish one there, or correct auth.{}.algorithms", authenticator.name),
                ),
                Ok(count) => check().with_value("keys", count).ok(format!("{location}: {}", count_keys(count))),
                Err(why) => check().fail(
                    format!("{location} cannot be fetched: {why}"),
                    format!(
                        "check the path to it, or correct auth.{}; without these keys no caller is accepted",
                        authenticator.name
                    ),
                ),
            }]
        };
        self.within_timeout(checks, check()).boxed()
    }

    /// Cognito's own keys. Vending does not need them; linking guests does, because they verify guests' tokens.
    pub(super) fn cognito_keys(&self) -> BoxFuture<'_, Vec<Check>> {
        let check = || Check::new(CheckId::CognitoKeys, "");
        let checks = async move {
            let location = &self.settings.openid_jwks.url;
            let source = KeySource::Jwks(self.settings.openid_jwks.clone());
            let keys = KeyProvider::fetch_once(&source, &[Algorithm::RS512]).await;
            let observed = match keys.map(|keys| keys.usable_for(&[Algorithm::RS512])) {
                Ok(count @ 1..) => {
                    return vec![check().with_value("keys", count).ok(format!("{location}: {}", count_keys(count)))];
                }
                Ok(_) => format!("{location} has no key for RS512"),
                Err(why) => format!("{location} cannot be fetched: {why}"),
            };
            let are_needed = self.settings.pools.iter().any(|pool| pool.linking.guests);
            vec![if are_needed { check().fail(observed, NEEDED) } else { check().warn(observed, NOT_NEEDED) }]
        };
        self.within_timeout(checks, check()).boxed()
    }
}

/// Whether a remote verification endpoint responds. Its status depends on the credential.
async fn endpoint(check: Check, url: &Url, remote: RemoteCheckSettings) -> Check {
    report_response(check, url, auth::probe_endpoint(url, remote).await)
}

fn report_response(check: Check, url: &Url, response: Result<u16, String>) -> Check {
    match response {
        Ok(status) => check.ok(format!("{url} responds ({status} without a credential)")),
        Err(why) => check.fail(
            format!("{url} does not respond: {why}"),
            "check the path to it; without it only cached callers are accepted",
        ),
    }
}

/// As [`endpoint`] for forward authentication, where a request without a credential is unauthenticated, not malformed.
async fn forward_auth(check: Check, url: &Url, remote: RemoteCheckSettings) -> Check {
    match auth::probe_endpoint(url, remote).await {
        Ok(400) => check.warn(
            format!("{url} responds with 400 without a credential"),
            "let it respond with 401 instead, and accept the host name of url (ALLOWED_HOSTS, config.hosts): with a 400 \
             to every request no caller is accepted",
        ),
        response => report_response(check, url, response),
    }
}

const NOT_NEEDED: &str =
    "vending does not need them, verifying tokens does: see upstream.openid_keys_url in config/default.toml";

const NEEDED: &str = "no guest can be linked without them: see upstream.openid_keys_url in config/default.toml";

fn count_keys(keys: usize) -> String {
    if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") }
}
