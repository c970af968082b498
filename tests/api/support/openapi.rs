//! Validation of responses against the OpenAPI documents: status, headers, content type and body of each operation.
//!
//! Exempt is what `info.description` of the documents says of all paths: unknown paths, CORS preflights, and the
//! responses of the HTTP parser.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::{Draft, Validator};
use reqwest::header::{ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Request};
use serde_json::{Value, json};

use super::ApiResponse;

/// The listeners, by their place in `DOCUMENTS`.
#[derive(Debug, Clone, Copy)]
pub enum Listener {
    Public,
    Admin,
}

/// The listeners of this process's tests, by port.
static LISTENERS: LazyLock<Mutex<HashMap<u16, Listener>>> = LazyLock::new(Mutex::default);

/// Has responses from this port validated against the document of this listener only. A response from another port
/// (of nginx, for example) may be in either document.
pub fn register(port: u16, listener: Listener) {
    LISTENERS.lock().unwrap().insert(port, listener);
}

static DOCUMENTS: LazyLock<[Document; 2]> = LazyLock::new(|| {
    [include_str!("../../../docs/openapi/public.json"), include_str!("../../../docs/openapi/admin.json")]
        .map(|text| Document::new(serde_json::from_str(text).unwrap()))
});

/// What the documents need to know of a request.
#[derive(Debug)]
pub struct RequestLine {
    listener: Option<Listener>,
    method: Method,
    path: String,
    is_preflight: bool,
}

impl RequestLine {
    pub fn of(request: &Request) -> Self {
        let port = request.url().port();
        Self {
            listener: port.and_then(|port| LISTENERS.lock().unwrap().get(&port).copied()),
            method: request.method().clone(),
            path: request.url().path().to_owned(),
            is_preflight: request.method() == Method::OPTIONS
                && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD),
        }
    }
}

/// Panics if a response differs from the document of its listener.
pub fn assert_documented(request: &RequestLine, response: &ApiResponse) {
    if let Err(difference) = check(&*DOCUMENTS, request, response) {
        panic!(
            "{} {} answered {} other than its OpenAPI document says: {difference}\nheaders: {:?}\nbody: {}",
            request.method, request.path, response.status, response.headers, response.text
        );
    }
}

/// One of the documents must describe the response, or that of the listener if it is known.
fn check(documents: &[Document], request: &RequestLine, response: &ApiResponse) -> Result<(), String> {
    if request.is_preflight || is_of_the_http_parser(response) {
        return Ok(());
    }
    let documents = match request.listener {
        Some(listener) => &documents[listener as usize..=listener as usize],
        None => documents,
    };
    let mut result = Ok(());
    for document in documents {
        let Some(path) = document.path(&request.path) else { continue };
        result = document.check(&path, &request.method, response);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// The parser answers without a body, or to plain HTTP at a TLS listener with a text, and without a request id.
fn is_of_the_http_parser(response: &ApiResponse) -> bool {
    let is_text = response.status == 400 && response.header("content-type") == "text/plain";
    matches!(response.status.as_u16(), 400 | 408 | 431)
        && (response.text.is_empty() || is_text)
        && !response.headers.contains_key("x-request-id")
}

struct Document {
    root: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    fn new(root: Value) -> Self {
        Self { root, validators: Mutex::default() }
    }

    /// The JSON pointer of the path template that matches, the one with the fewest parameters if several do.
    fn path(&self, path: &str) -> Option<String> {
        let matches = |template: &str| {
            let pairs = template.split('/').zip(path.split('/'));
            template.split('/').count() == path.split('/').count()
                && pairs.fold(true, |all, (template, segment)| {
                    all && (template == segment || (template.starts_with('{') && !segment.is_empty()))
                })
        };
        let templates = self.root["paths"].as_object().unwrap().keys();
        let template = templates.filter(|template| matches(template)).min_by_key(|t| t.matches('{').count())?;
        Some(format!("/paths/{}", escape(template)))
    }

    fn check(&self, path: &str, method: &Method, response: &ApiResponse) -> Result<(), String> {
        let status = response.status.as_u16().to_string();
        let operations = self.root.pointer(path).unwrap().as_object().unwrap();
        let method_key = method.as_str().to_ascii_lowercase();
        let operation = match operations.get_key_value(&method_key) {
            Some((operation, _)) => operation,
            // Every operation of the path lists the responses that do not depend on the method.
            None if matches!(status.as_str(), "405" | "429" | "431") => operations.keys().next().unwrap(),
            None => return Err(format!("the path has no operation {method_key}: 405 was expected")),
        };
        let responses = format!("{path}/{operation}/responses");
        let listed = self.root.pointer(&responses).unwrap().as_object().unwrap();
        if !listed.contains_key(&status) {
            let listed: Vec<_> = listed.keys().map(String::as_str).collect();
            return Err(format!("status {status} is not among those of the operation: {}", listed.join(", ")));
        }
        let declared = self.resolve(format!("{responses}/{status}"));
        self.check_headers(&declared, &response.headers)?;
        if *method == Method::HEAD {
            return Ok(());
        }
        self.check_body(&declared, response)
    }

    fn check_headers(&self, response: &str, headers: &HeaderMap) -> Result<(), String> {
        let declared = self.root.pointer(&format!("{response}/headers")).and_then(Value::as_object);
        for name in declared.into_iter().flat_map(|headers| headers.keys()) {
            let pointer = self.resolve(format!("{response}/headers/{}", escape(name)));
            let header = self.root.pointer(&pointer).unwrap();
            if header["required"] == true && !headers.contains_key(name) {
                return Err(format!("the header {name} is required and missing"));
            }
            for value in headers.get_all(name) {
                let text = value.to_str().map_err(|_| format!("the header {name} is not text"))?;
                // OpenAPI's style `simple`: a number is written as such, without quotes.
                let value = match header["schema"]["type"].as_str() {
                    Some("integer" | "number") => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
                    _ => json!(text),
                };
                self.validate(format!("{pointer}/schema"), &value)
                    .map_err(|error| format!("the header {name}: {error}"))?;
            }
        }
        Ok(())
    }

    fn check_body(&self, declared: &str, response: &ApiResponse) -> Result<(), String> {
        let content = format!("{declared}/content");
        let Some(types) = self.root.pointer(&content).and_then(Value::as_object) else {
            let is_empty = response.text.is_empty();
            return if is_empty { Ok(()) } else { Err("a body where none is declared".to_owned()) };
        };
        let content_type = response.headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or(""));
        if !types.contains_key(content_type) {
            let listed: Vec<_> = types.keys().map(String::as_str).collect();
            return Err(format!("content type {content_type:?} is not among {}", listed.join(", ")));
        }
        let body = if content_type.ends_with("json") {
            serde_json::from_str(&response.text).map_err(|error| format!("the body is not JSON: {error}"))?
        } else {
            json!(response.text)
        };
        self.validate(format!("{content}/{}/schema", escape(content_type)), &body)
            .map_err(|error| format!("the body: {error}"))
    }

    fn validate(&self, schema: String, value: &Value) -> Result<(), String> {
        let validator = self.validator(schema);
        let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{} {e}", e.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }

    /// Schemas of OpenAPI 3.1 are JSON Schema 2020-12. A schema is compiled as a reference into the whole document,
    /// so that the references in it resolve.
    fn validator(&self, schema: String) -> Arc<Validator> {
        let compile = |schema: &String| {
            let mut root = self.root.clone();
            root["$ref"] = json!(fragment(schema));
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            Arc::new(options.build(&root).unwrap_or_else(|error| panic!("{schema}: {error}")))
        };
        let mut validators = self.validators.lock().unwrap();
        validators.entry(schema).or_insert_with_key(compile).clone()
    }

    /// Follows the references of a response or a header object. It may have a description beside its `$ref`.
    fn resolve(&self, mut pointer: String) -> String {
        let reference = |pointer: &str| {
            let node = self.root.pointer(pointer).unwrap_or_else(|| panic!("the document has no {pointer}"));
            node.get("$ref").map(|target| target.as_str().unwrap().strip_prefix('#').unwrap().to_owned())
        };
        while let Some(target) = reference(&pointer) {
            pointer = target;
        }
        pointer
    }
}

/// A JSON pointer as a URI fragment (RFC 6901, section 6).
fn fragment(pointer: &str) -> String {
    let mut fragment = "#".to_owned();
    for byte in pointer.bytes() {
        match byte {
            b'/' | b'~' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => fragment.push(byte.into()),
            _ => fragment.push_str(&format!("%{byte:02X}")),
        }
    }
    fragment
}

/// A key as a segment of a JSON pointer (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

mod tests {
    use super::*;

    const TOKEN_PROBLEM: &str = "urn:tokenvend:error:unauthorized";

    fn response(status: u16, headers: &[(&'static str, &'static str)], body: &Value) -> ApiResponse {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.insert(*name, value.parse().unwrap());
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        ApiResponse { status: status.try_into().unwrap(), version: reqwest::Version::HTTP_11, headers: all, text }
    }

    fn unauthorized() -> Value {
        json!({
            "type": TOKEN_PROBLEM, "title": "Unauthorized", "status": 401,
            "detail": "The credential is missing.", "requestId": "a",
        })
    }

    const HEADERS: [(&str, &str); 3] = [
        ("content-type", "application/problem+json"),
        ("x-request-id", "a"),
        ("www-authenticate", "Bearer realm=\"tokenvend\""),
    ];

    fn verdict(method: Method, path: &str, response: &ApiResponse) -> Result<(), String> {
        let request = RequestLine { listener: None, method, path: path.to_owned(), is_preflight: false };
        check(&*DOCUMENTS, &request, response)
    }

    #[track_caller]
    fn differs(method: Method, path: &str, response: &ApiResponse, words: &str) {
        let difference = verdict(method, path, response).unwrap_err();
        assert!(difference.contains(words), "{difference}");
    }

    #[test]
    fn a_response_that_differs_from_its_document_is_reported_with_the_difference() {
        let good = response(401, &HEADERS, &unauthorized());
        assert_eq!(verdict(Method::GET, "/v1/token", &good), Ok(()));
        let get = |response: &ApiResponse, words| differs(Method::GET, "/v1/token", response, words);
        get(&response(402, &HEADERS, &unauthorized()), "status 402 is not among those of the operation");
        get(&response(401, &HEADERS[..2], &unauthorized()), "WWW-Authenticate is required and missing");
        let other = [("content-type", "application/json"), HEADERS[1], HEADERS[2]];
        get(&response(401, &other, &unauthorized()), "content type \"application/json\" is not among");
        get(&response(401, &[HEADERS[0], ("x-request-id", "a b"), HEADERS[2]], &unauthorized()), "X-Request-Id");
        for (member, value) in [
            ("type", json!("urn:tokenvend:error:not-found")),
            ("status", json!(400)),
            ("detail", json!("")),
            ("more", json!(true)),
        ] {
            let mut body = unauthorized();
            body[member] = value;
            get(&response(401, &HEADERS, &body), "the body: ");
        }
        let mut body = unauthorized();
        body.as_object_mut().unwrap().remove("requestId");
        get(&response(401, &HEADERS, &body), "requestId");
        differs(Method::PATCH, "/v1/token", &good, "the path has no operation patch");
        let with_body = response(204, &HEADERS[1..2], &unauthorized());
        differs(Method::DELETE, "/v1/token", &with_body, "a body where none is declared");
    }

    #[test]
    fn each_schema_of_the_documents_compiles() {
        fn responses<'d>(document: &'d Document) -> impl Iterator<Item = String> + 'd {
            let paths = document.root["paths"].as_object().unwrap().iter();
            let operations = paths.flat_map(|(path, operations)| {
                operations.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
            });
            operations.flat_map(|(path, method, operation)| {
                let base = format!("/paths/{}/{method}/responses", escape(path));
                operation["responses"].as_object().unwrap().keys().map(move |status| format!("{base}/{status}"))
            })
        }
        for document in &*DOCUMENTS {
            let mut count = 0;
            for response in responses(document) {
                let response = document.resolve(response);
                let content = document.root.pointer(&format!("{response}/content")).and_then(Value::as_object);
                for content_type in content.into_iter().flat_map(|content| content.keys()) {
                    document.validator(format!("{response}/content/{}/schema", escape(content_type)));
                    count += 1;
                }
            }
            assert!(count > 50, "{count}");
        }
    }

    #[test]
    fn a_document_that_differs_from_the_response_is_reported() {
        let live = response(200, &[("content-type", "application/json"), HEADERS[1]], &json!({"status": "live"}));
        assert_eq!(verdict(Method::GET, "/livez", &live), Ok(()));
        let mut root = DOCUMENTS[0].root.clone();
        let schema = "/paths/~1livez/get/responses/200/content/application~1json/schema/properties/status/const";
        *root.pointer_mut(schema).unwrap() = json!("alive");
        let doctored = Document::new(root);
        assert!(doctored.check("/paths/~1livez", &Method::GET, &live).unwrap_err().contains("/status"));
    }

    #[test]
    fn only_unknown_paths_preflights_and_the_http_parser_are_exempt() {
        let odd = response(418, &[], &json!("x"));
        assert_eq!(verdict(Method::GET, "/v1/tokens", &odd), Ok(()));
        let preflight =
            RequestLine { listener: None, method: Method::OPTIONS, path: "/v1/token".to_owned(), is_preflight: true };
        assert_eq!(check(&*DOCUMENTS, &preflight, &response(200, &[], &Value::Null)), Ok(()));
        let elsewhere = |listener, path: &str| {
            let line = RequestLine { listener, method: Method::GET, path: path.to_owned(), is_preflight: false };
            check(&*DOCUMENTS, &line, &odd)
        };
        assert_eq!(elsewhere(Some(Listener::Public), "/metrics"), Ok(()));
        assert!(elsewhere(Some(Listener::Admin), "/metrics").is_err());
        assert!(elsewhere(Some(Listener::Public), "/v1/token").is_err());
        assert_eq!(verdict(Method::POST, "/v1/token", &response(408, &[], &Value::Null)), Ok(()));
        assert!(verdict(Method::POST, "/v1/token", &response(413, &[], &Value::Null)).is_err());
        assert!(verdict(Method::OPTIONS, "/v1/token", &response(200, &[], &Value::Null)).is_err());
        differs(Method::GET, "/admin/v1/pools/main/identities/us-east-1:x", &odd, "status 418");
        differs(Method::GET, "/metrics", &response(200, &[HEADERS[1]], &json!("x")), "content type \"\"");
        differs(Method::POST, "/admin/v1/pools/main/identities/delete", &odd, "status 418");
    }
}
