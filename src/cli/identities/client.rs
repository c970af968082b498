//! Client of the admin API of a running service.

use std::path::Path;
use std::time::Duration;

use bounded_http::{ProxyPolicy, client_builder, read_body};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::super::error::CliError;

/// Environment variable with the admin credential. It is no option, because every user of the machine can list
/// arguments.
pub(super) const CREDENTIAL_VARIABLE: &str = "TOKENVEND_ADMIN_CREDENTIAL";

/// Segments of the paths.
pub(super) const USERS: &str = "users";
pub(super) const IDENTITIES: &str = "identities";

/// Which user ids a request and its response have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum UserIdKind {
    /// The developer user id that Cognito has, which may be a pseudonym.
    Cognito,
    /// The app's own user id.
    App,
}

/// Larger than any real response: a page lists at most 60 identities.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Client of one admin listener.
#[derive(Debug)]
pub(super) struct AdminClient {
    client: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
    user_id_kind: UserIdKind,
}

#[derive(Debug)]
pub(super) struct AdminResponse {
    pub(super) status: StatusCode,
    pub(super) text: String,
    pub(super) body: Value,
}

impl AdminClient {
    /// A client with the credential from the file, or else with the value of [`CREDENTIAL_VARIABLE`].
    pub(super) fn new(
        url: &str,
        file: Option<&Path>,
        variable: Option<&str>,
        user_id_kind: UserIdKind,
    ) -> Result<Self, CliError> {
        let credential = match (file, variable) {
            (Some(file), _) => std::fs::read_to_string(file)
                .map_err(|error| CliError::usage(format!("cannot read {}: {error}", file.display())))?,
            (None, Some(value)) => value.to_owned(),
            (None, None) => {
                return Err(CliError::usage(format!(
                    "no admin credential: set {CREDENTIAL_VARIABLE}, or give --credential-file"
                )));
            }
        };
        let invalid = |_| CliError::usage("the admin credential has characters that are invalid in an HTTP header");
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", credential.trim())).map_err(invalid)?;
        authorization.set_sensitive(true);
        let base = Url::parse(url).ok().filter(|url| !url.cannot_be_a_base());
        let base = base.ok_or_else(|| {
            CliError::usage(format!("--admin-url {url} is not a valid URL, such as http://127.0.0.1:8081"))
        })?;
        // Before 60 identities are deleted, each is looked up, within the service's call rate limit. No proxy and no
        // redirect, because the credential is for this service only.
        let client = client_builder(ProxyPolicy::Never, Some(Duration::from_secs(120)))
            .build()
            .map_err(CliError::unavailable_error)?;
        Ok(Self { client, base, authorization, user_id_kind })
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: impl Iterator<Item = (&'static str, String)>,
        body: Option<Value>,
    ) -> Result<AdminResponse, CliError> {
        let request = self.client.request(method, self.url(path, query)?);
        let mut request = request.header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| CliError::unavailable_error(error.without_url()))?;
        let status = response.status();
        let body = read_body(response, MAX_BODY_BYTES).await.map_err(CliError::unavailable_error)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).map_err(|_| {
                CliError::unavailable(format!("the server at {} (status {status}) is not a tokenvend", self.base))
            })?
        };
        Ok(AdminResponse { status, text, body })
    }

    /// Each part of the path becomes one segment, whatever characters it has.
    fn url(&self, path: &[&str], query: impl Iterator<Item = (&'static str, String)>) -> Result<Url, CliError> {
        if path.iter().any(|part| matches!(*part, "." | "..")) {
            // URL parsers remove these segments.
            return Err(CliError::usage("a URL cannot have the user ids \".\" and \"..\""));
        }
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["admin", "v1", "pools"]).extend(path);
        }
        let has_app_ids = self.user_id_kind == UserIdKind::App && path.contains(&USERS);
        for (name, value) in query.chain(has_app_ids.then(|| ("userIdKind", "app".to_owned()))) {
            url.query_pairs_mut().append_pair(name, &value);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_id_kind_is_sent_for_paths_that_name_users() {
        for (kind, path, url) in [
            (UserIdKind::App, ["main", "users", "a/b"], "http://h/admin/v1/pools/main/users/a%2Fb?userIdKind=app"),
            (UserIdKind::App, ["main", "identities", "i"], "http://h/admin/v1/pools/main/identities/i"),
            (UserIdKind::Cognito, ["main", "users", "alice"], "http://h/admin/v1/pools/main/users/alice"),
        ] {
            let client = AdminClient::new("http://h/", None, Some("credential"), kind).unwrap();
            assert_eq!(client.url(&path, std::iter::empty()).unwrap().as_str(), url);
        }
    }
}
