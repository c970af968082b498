//! Whether the keys can be had by which tokens are judged: those of callers, and Cognito's own.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use reqwest::Url;

use super::Subject;
use super::report::{Check, CheckId};
use crate::auth::{self, AuthSettings, AuthenticatorSettings, RemoteCheckSettings};
use crate::config::KeySource;
use crate::jws::{Algorithm, KeyProvider};

impl Subject {
    /// The keys of one way of authenticating.
    pub(super) fn callers_keys<'s>(&'s self, way: &'s AuthSettings) -> BoxFuture<'s, Vec<Check>> {
        let check = || Check::new(CheckId::CallersKeys, &way.name);
        let look = async move {
            let jwt = match &way.kind {
                AuthenticatorSettings::Jwt(jwt) => jwt,
                AuthenticatorSettings::Introspection(asked) => {
                    return vec![reached(check(), &asked.url, asked.ask).await];
                }
                AuthenticatorSettings::ForwardAuth(asked) => {
                    return vec![judges(check(), &asked.url, asked.ask).await];
                }
                AuthenticatorSettings::Alb(alb) => {
                    let ask = RemoteCheckSettings {
                        timeout: alb.keys.timeout,
                        negative_cache_ttl: Duration::ZERO,
                        max_concurrent_requests: 1,
                    };
                    return vec![reached(check(), &alb.keys.url, ask).await];
                }
                AuthenticatorSettings::Gateway(_)
                | AuthenticatorSettings::StaticKey(_)
                | AuthenticatorSettings::ClientCertificate(_) => {
                    return vec![check().holds("nothing to fetch: who calls is told by what is configured")];
                }
            };
            let (source, algorithms) = (&jwt.keys, jwt.algorithms.as_slice());
            let place = match source {
                KeySource::Jwks(jwks) => jwks.url.to_string(),
                KeySource::File(path) => path.display().to_string(),
                KeySource::Secret(_) => "a shared secret".to_owned(),
            };
            vec![match KeyProvider::as_they_are(source, algorithms).await.map(|keys| keys.fit(algorithms)) {
                Ok(0) => check().fails(
                    format!("{place} has no key for {algorithms:?}"),
                    format!("publish one there, or mend auth.{}.algorithms", way.name),
                ),
                Ok(count) => check().with("keys", count).holds(format!("{place}: {}", counted(count))),
                Err(why) => check().fails(
                    format!("{place} cannot be had: {why}"),
                    format!(
                        "mend the way to it, or auth.{}; no caller is let in without these keys",
                        way.name
                    ),
                ),
            }]
        };
        self.in_time(look, check()).boxed()
    }

    /// Cognito's own keys. Vending does not need them, upgrading guests does: their tokens are proved by them.
    pub(super) fn cognito_keys(&self) -> BoxFuture<'_, Vec<Check>> {
        let check = || Check::new(CheckId::CognitoKeys, "");
        let look = async move {
            let place = &self.settings.openid_jwks.url;
            let source = KeySource::Jwks(self.settings.openid_jwks.clone());
            let found = KeyProvider::as_they_are(&source, &[Algorithm::RS512]).await;
            let words = match found.map(|keys| keys.fit(&[Algorithm::RS512])) {
                Ok(count @ 1..) => {
                    return vec![check().with("keys", count).holds(format!("{place}: {}", counted(count)))];
                }
                Ok(_) => format!("{place} has no key for RS512"),
                Err(why) => format!("{place} cannot be had: {why}"),
            };
            let are_needed = self.settings.pools.iter().any(|pool| pool.linking.guests);
            vec![if are_needed { check().fails(words, NEEDED) } else { check().warns(words, NOT_NEEDED) }]
        };
        self.in_time(look, check()).boxed()
    }
}

/// Whether anybody answers where credentials are judged. What is answered depends on the credential.
async fn reached(check: Check, url: &Url, ask: RemoteCheckSettings) -> Check {
    told(check, url, auth::probe_endpoint(url, ask).await)
}

fn told(check: Check, url: &Url, outcome: Result<u16, String>) -> Check {
    match outcome {
        Ok(status) => check.holds(format!("{url} answers ({status} without a credential)")),
        Err(why) => check.fails(
            format!("{url} does not answer: {why}"),
            "mend the way to it; without it nobody is let in who was not before",
        ),
    }
}

/// The same of forward auth, where what is asked with nothing to show is nobody's request, and not a bad one.
async fn judges(check: Check, url: &Url, ask: RemoteCheckSettings) -> Check {
    match auth::probe_endpoint(url, ask).await {
        Ok(400) => check.warns(
            format!("{url} answers 400 without a credential"),
            "have it answer 401 there, and to the name in url (ALLOWED_HOSTS, config.hosts): a 400 to everybody is a \
             no to everybody",
        ),
        outcome => told(check, url, outcome),
    }
}

const NOT_NEEDED: &str =
    "vending does not need them, verifying tokens does: see upstream.openid_keys_url in config/default.toml";

const NEEDED: &str =
    "no guest can be upgraded without them: see upstream.openid_keys_url in config/default.toml";

fn counted(keys: usize) -> String {
    if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") }
}
