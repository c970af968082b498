//! Responses of Cognito or of a proxy in front of it; retries, timeouts and TLS.

use super::{Case, GOOD, call};
use crate::stub::Reply;

/// Errors of the operation, of AWS and of proxies: status and body.
const ERRORS: &[(u16, &str)] = &[
    (400, r#"{"__type":"ResourceNotFoundException","message":"IdentityPool 'x' not found."}"#),
    (400, r#"{"__type":"NotAuthorizedException","message":"Access denied."}"#),
    (400, r#"{"__type":"InvalidParameterException","message":"1 validation error detected: é"}"#),
    (400, r#"{"__type":"ResourceConflictException","Message":"Logins don't match."}"#),
    (400, r#"{"__type":"DeveloperUserAlreadyRegisteredException","message":"registered"}"#),
    (400, r#"{"__type":"TooManyRequestsException","message":"Rate exceeded"}"#),
    (
        400,
        r#"{"__type":"com.amazonaws.cognito#UnrecognizedClientException:http://x","message":"The security token is invalid."}"#,
    ),
    (400, r#"{"__type":"Unheard","message":null}"#),
    (400, r#"{"message":"no type"}"#),
    (400, "{}"),
    (400, ""),
    (400, "not json"),
    (403, "<html>no</html>"),
    (404, r#"{"__type":"X"}"#),
    (302, ""),
    (429, r#"{"__type":"TooManyRequestsException","message":"slow down"}"#),
    (500, r#"{"__type":"InternalErrorException","message":"internal"}"#),
    (500, "{}"),
    (502, ""),
    (503, "<html><body>Service Unavailable</body></html>"),
    (503, "oops"),
    (504, "  "),
    (509, "{}"),
];

/// Unusual bodies of successful responses.
const UNUSUAL: &[&str] = &[
    "{}",
    "",
    "not json",
    r#"{"IdentityId": "i"}"#,
    r#"{"Token": "t"}"#,
    r#"{"Token": null, "IdentityId": "i"}"#,
    r#"{"IdentityId": "i", "Token": "t", "Expires": 5}"#,
    r#"{"IdentityId": "", "Token": ""}"#,
    r#"{"IdentityId": "日本", "Token": "a\"b\\c\u0001\ud83d\ude00/"}"#,
    r#"{"IdentityId": 5, "Token": 1.50}"#,
    r#"{"Token": "t", "Token": "u", "IdentityId": "i"}"#,
];

pub fn all() -> Vec<Case> {
    let mut cases: Vec<_> = ERRORS
        .iter()
        .map(|(status, body)| call("").single_attempt().replies([Reply::Response(*status, body)]))
        .collect();
    for body in UNUSUAL {
        cases.push(call("").replies([Reply::Response(200, body)]));
        cases.push(call("--output text").replies([Reply::Response(200, body)]));
        cases.push(call("--output table").replies([Reply::Response(200, body)]));
    }
    let failing = |status| Reply::Response(status, "{}");
    let throttled = |code| Reply::Response(400, code);
    let good = Reply::Response(200, GOOD);
    cases.extend([
        // Retries.
        call("").replies([failing(500), good.clone()]),
        call("").replies([failing(503), Reply::Close, good.clone()]).env("AWS_RETRY_MODE", "standard"),
        call("").replies([failing(500)]).env("AWS_MAX_ATTEMPTS", "2"),
        call("").replies([failing(502)]).env("AWS_RETRY_MODE", "standard"),
        call("").replies([failing(429), good.clone()]),
        call("").replies([failing(429), good.clone()]).env("AWS_RETRY_MODE", "standard"),
        call("").replies([throttled(r#"{"__type":"ThrottlingException"}"#), good.clone()]),
        call("").replies([throttled(r#"{"__type":"TooManyRequestsException"}"#), good.clone()]),
        call("")
            .replies([throttled(r#"{"__type":"TooManyRequestsException"}"#), good.clone()])
            .env("AWS_RETRY_MODE", "standard"),
        call("")
            .replies([throttled(r#"{"__type":"LimitExceededException"}"#)])
            .env("AWS_RETRY_MODE", "adaptive")
            .env("AWS_MAX_ATTEMPTS", "2"),
        call("").replies([failing(500), good.clone()]).config("[default]\nmax_attempts = 1\n"),
        call("").replies([failing(509), good.clone()]).config("[default]\nretry_mode = standard\n"),
        call("").env("AWS_MAX_ATTEMPTS", "0"),
        call("").env("AWS_MAX_ATTEMPTS", "many"),
        call("").env("AWS_RETRY_MODE", "sometimes"),
        call("").replies([failing(500)]),
        // No response.
        call("").single_attempt().replies([Reply::Close]),
        call("").replies([Reply::Close, good.clone()]),
        call("--cli-read-timeout 1").single_attempt().replies([Reply::Hang]),
        call("--cli-read-timeout 0 --cli-connect-timeout 0"),
        call("--cli-read-timeout 5 --cli-connect-timeout 5"),
        call("--cli-read-timeout abc"),
        call("--cli-connect-timeout -1"),
        call("--cli-read-timeout ''"),
        call("--cli-read 7"),
        call("--endpoint-url http://127.0.0.1:1").single_attempt(),
        call("--endpoint-url http://no-such-host.invalid").single_attempt(),
        call("--endpoint-url https://127.0.0.1:1").single_attempt(),
        call("--endpoint-url {url}/some/path/"),
        call("--endpoint-url {url}/some/path"),
        call("--endpoint-url nonsense"),
        call("--endpoint-url ''"),
        call("--endpoint-url http://"),
        call("--endpoint-url ftp://127.0.0.1").single_attempt(),
        // TLS.
        call("").single_attempt().tls().any_error_text(),
        call("--ca-bundle bundle.pem").tls(),
        call("").tls().env("AWS_CA_BUNDLE", "{home}/bundle.pem"),
        call("").tls().env("REQUESTS_CA_BUNDLE", "{home}/bundle.pem"),
        call("").tls().config("[default]\nca_bundle = {home}/bundle.pem\n"),
        call("--ca-bundle missing.pem").single_attempt().tls().any_error_text(),
        call("--ca-bundle empty.pem").single_attempt().tls().file("empty.pem", "").any_error_text(),
        call("--ca-bundle missing.pem"),
        call("--no-verify-ssl").tls().errors_ignored(),
        call("--no-verify").tls().errors_ignored(),
        call("--no-verify-ssl --ca-bundle missing.pem").tls().errors_ignored(),
        call("--no-verify-ssl"),
    ]);
    cases
}
