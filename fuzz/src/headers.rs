//! Headers of a request: an accepted one has the app's token, byte for byte, or the gateway's secret, exactly once and in
//! the configured place.

use std::sync::LazyLock;

use super::authenticators::{Authenticators, GATEWAY_SECRET, HeaderList, signed};

static AUTHENTICATORS: LazyLock<Authenticators> = LazyLock::new(Authenticators::start);

/// Alice's token. A fuzzer cannot generate its signature: it writes [`TOKEN_MARKER`] for it, or alters the one in a seed.
static TOKEN: LazyLock<String> = LazyLock::new(|| signed(include_bytes!("../seeds/claims/honest.json").trim_ascii()));

const TOKEN_MARKER: u8 = 1;
const SECRET_MARKER: u8 = 2;

const NAMES: [&str; 6] = ["authorization", "cookie", "x-assertion", "x-auth-user", "x-gateway-secret", "x_auth_user"];

/// The authenticator that accepts these headers, if one does. Each line is a header; its first byte selects the name.
///
/// # Panics
/// The headers are accepted and do not have the credential of that caller.
pub fn check_credential(bytes: &[u8]) -> Option<String> {
    let lines: Vec<(&str, Vec<u8>)> = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let (which, value) = line.split_first()?;
            Some((NAMES[usize::from(*which) % NAMES.len()], expand_markers(value)))
        })
        .collect();
    let headers = HeaderList(lines.iter().map(|(name, value)| (*name, value.as_slice())).collect());
    let (caller, user) = AUTHENTICATORS.authenticate(&headers)?;

    let values = |name: &str| headers.0.iter().filter(|(own, _)| *own == name).map(|(_, value)| *value).collect();
    let credential = match &*caller.authenticator {
        "bearer" => {
            let (scheme, token) = only(values("authorization")).split_at(7);
            assert!(scheme.eq_ignore_ascii_case(b"Bearer "));
            token
        }
        "cookie" => {
            let lines: Vec<&[u8]> = values("cookie");
            let pairs = lines.iter().flat_map(|line| line.split(|byte| *byte == b';'));
            only(pairs.filter_map(|pair| trimmed(pair).strip_prefix(b"session=")).collect())
        }
        "header" => only(values("x-assertion")),
        "gateway" => {
            assert_eq!(only(values("x-gateway-secret")), GATEWAY_SECRET.as_bytes());
            assert!(values("x_auth_user").is_empty(), "a header that some servers read as the gateway's");
            let named = [b"app|", only(values("x-auth-user"))].concat();
            assert_eq!(user.as_str().as_bytes(), named);
            assert!(!named.contains(&b','), "one of several users");
            return Some(caller.authenticator.to_string());
        }
        other => unreachable!("{other} is not configured"),
    };
    assert_eq!(trimmed(credential), TOKEN.as_bytes());
    assert_eq!(user.as_str(), "app|acme|red-alice");
    Some(caller.authenticator.to_string())
}

fn expand_markers(value: &[u8]) -> Vec<u8> {
    let piece = |byte: &u8| match *byte {
        TOKEN_MARKER => TOKEN.as_bytes().to_vec(),
        SECRET_MARKER => GATEWAY_SECRET.as_bytes().to_vec(),
        other => vec![other],
    };
    value.iter().flat_map(piece).collect()
}

fn only(values: Vec<&[u8]>) -> &[u8] {
    assert_eq!(values.len(), 1, "one of several values was used");
    values[0]
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b" ").or(text.strip_suffix(b" ")) {
        text = rest;
    }
    text
}
