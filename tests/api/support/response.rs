//! Responses of the service, read to the end and validated against the OpenAPI documents.

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode, Version};
use serde_json::Value;

use super::openapi::{self, RequestLine};

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct ApiResponse {
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
    pub text: String,
}

impl ApiResponse {
    /// Sends a request. A response that the OpenAPI documents do not describe fails the test.
    pub async fn to(request: RequestBuilder) -> Self {
        Self::try_to(request).await.unwrap()
    }

    pub async fn try_to(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let (client, request) = request.build_split();
        let request = request?;
        let line = RequestLine::of(&request);
        let response = client.execute(request).await?;
        let (status, version, headers) = (response.status(), response.version(), response.headers().clone());
        let response = Self { status, version, headers, text: response.text().await? };
        openapi::assert_documented(&line, &response);
        Ok(response)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `Tokenvend-Cache` header of a response, which must be 200.
    pub fn source(&self) -> &str {
        assert_eq!(self.status, 200, "{self:?}");
        self.header("tokenvend-cache")
    }

    pub fn token(&self) -> String {
        self.json()["token"].as_str().unwrap().to_owned()
    }

    /// Asserts that the response is a problem of this status and type.
    #[track_caller]
    pub fn is_problem(&self, status: u16, name: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:tokenvend:error:{name}"), "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        assert_eq!(problem["requestId"], self.header("x-request-id"), "{self:?}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{self:?}");
        if status == 503 {
            assert!(self.header("retry-after").parse::<u64>().unwrap() >= 1, "{self:?}");
        }
    }
}

/// The claims of a token, without verification.
pub fn claims_of(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
