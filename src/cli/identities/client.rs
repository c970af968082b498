//! Asking the admin listener of a running service.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::{CREDENTIAL, CliError};

/// A running service's admin listener.
#[derive(Debug)]
pub(super) struct AdminClient {
    client: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
    /// Whether users are named as the app names them.
    as_app: bool,
}

/// What it answered.
#[derive(Debug)]
pub(super) struct AdminResponse {
    pub(super) status: StatusCode,
    pub(super) text: String,
    pub(super) body: Value,
}

impl AdminClient {
    /// The service at this address, asked with the credential from the file, or the one given.
    pub(super) fn at(
        url: &str,
        file: Option<&Path>,
        given: Option<&str>,
        as_app: bool,
    ) -> Result<Self, CliError> {
        let credential = match (file, given) {
            (Some(file), _) => std::fs::read_to_string(file)
                .map_err(|error| CliError::usage(format!("cannot read {}: {error}", file.display())))?,
            (None, Some(given)) => given.to_owned(),
            (None, None) => {
                return Err(CliError::usage(format!(
                    "no admin credential: set {CREDENTIAL}, or give --credential-file"
                )));
            }
        };
        let unfit = |_| CliError::usage("the admin credential has characters that no HTTP header can have");
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", credential.trim())).map_err(unfit)?;
        authorization.set_sensitive(true);
        let base = Url::parse(url).ok().filter(|url| !url.cannot_be_a_base());
        let base = base.ok_or_else(|| {
            CliError::usage(format!("--admin-url {url} is no URL; it looks like http://127.0.0.1:8081"))
        })?;
        // Deleting 60 identities looks each of them up first, at the pace of the service's budget. No proxy, and
        // no redirect: the credential is for this service alone.
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(120))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(CliError::unavailable)?;
        Ok(Self { client, base, authorization, as_app })
    }

    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<AdminResponse, CliError> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.ask(self.client.get(url)).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<AdminResponse, CliError> {
        let request = self.client.request(method, self.url(path)?);
        self.ask(match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        })
        .await
    }

    /// Each part of the path becomes one segment, whatever is in it.
    fn url(&self, path: &[&str]) -> Result<Url, CliError> {
        if path.iter().any(|part| matches!(*part, "." | "..")) {
            // A URL cannot name them: every client takes them for directories.
            return Err(CliError::usage("a user called \".\" or \"..\" cannot be named in a URL"));
        }
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["admin", "v1", "pools"]).extend(path);
        }
        if self.as_app && path.contains(&"users") {
            url.query_pairs_mut().append_pair("userIdKind", "app");
        }
        Ok(url)
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<AdminResponse, CliError> {
        let request = request.header(AUTHORIZATION, self.authorization.clone());
        let answer = request.send().await.map_err(|error| CliError::unavailable(error.without_url()))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| CliError::unavailable(error.without_url()))?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).map_err(|_| CliError {
                code: 69,
                words: format!("what answers at {} (status {status}) is no tokenvend", self.base),
            })?
        };
        Ok(AdminResponse { status, text, body })
    }
}
