//! What a stranger presents: whoever gets in has shown the app's own token, letter by letter, or the gateway's secret,
//! in the one place where it counts, once.

use std::sync::LazyLock;

use super::door::{Door, GATEWAY_SECRET, Listed, signed};

static DOOR: LazyLock<Door> = LazyLock::new(Door::open);

/// Alice's, which a fuzzer would not come upon. It writes [`TOKEN_SIGN`] for it, or alters the one in a seed.
static TOKEN: LazyLock<String> = LazyLock::new(|| signed(include_bytes!("../seeds/claims/honest.json").trim_ascii()));

const TOKEN_SIGN: u8 = 1;
const SECRET_SIGN: u8 = 2;

const NAMES: [&str; 6] = ["authorization", "cookie", "x-assertion", "x-auth-user", "x-gateway-secret", "x_auth_user"];

/// The way by which these headers let somebody in, if they do. One header a line; its first letter says which.
///
/// # Panics
/// The headers do not say that it is who it is, read as plainly as can be.
pub fn let_in_only_by_what_was_signed(bytes: &[u8]) -> Option<String> {
    let lines: Vec<(&str, Vec<u8>)> = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let (which, value) = line.split_first()?;
            Some((NAMES[usize::from(*which) % NAMES.len()], written_out(value)))
        })
        .collect();
    let listed = Listed(lines.iter().map(|(name, value)| (*name, value.as_slice())).collect());
    let (caller, user) = DOOR.caller(&listed)?;

    let values = |name: &str| listed.0.iter().filter(|(own, _)| *own == name).map(|(_, value)| *value).collect();
    let shown = match &*caller.authenticator {
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
            assert!(values("x_auth_user").is_empty(), "a header that others take for the gateway's");
            let named = [b"app|", only(values("x-auth-user"))].concat();
            assert_eq!(user.as_str().as_bytes(), named);
            assert!(!named.contains(&b','), "one of several users");
            return Some(caller.authenticator.to_string());
        }
        way => unreachable!("{way} is none of the ways"),
    };
    assert_eq!(trimmed(shown), TOKEN.as_bytes());
    assert_eq!(user.as_str(), "app|acme|red-alice");
    Some(caller.authenticator.to_string())
}

fn written_out(value: &[u8]) -> Vec<u8> {
    let piece = |byte: &u8| match *byte {
        TOKEN_SIGN => TOKEN.as_bytes().to_vec(),
        SECRET_SIGN => GATEWAY_SECRET.as_bytes().to_vec(),
        other => vec![other],
    };
    value.iter().flat_map(piece).collect()
}

fn only(values: Vec<&[u8]>) -> &[u8] {
    assert_eq!(values.len(), 1, "one of several counts");
    values[0]
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b" ").or(text.strip_suffix(b" ")) {
        text = rest;
    }
    text
}
