//! A token that is handed to a command: found on the command line or on standard input, alone or in a JSON answer.

use std::io::Read as _;

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::CliError;

/// No token and no answer with one in it is longer.
const LONGEST: u64 = 256 * 1024;

/// The members under which answers carry a token: tokenvend's own and Amplify's, and Cognito's.
const MEMBERS: [&str; 2] = ["token", "Token"];

/// Where the token is.
#[derive(Debug, clap::Args)]
pub(super) struct TokenArg {
    /// The token, or - to read it from standard input, where other users of the machine cannot see it. There, the
    /// JSON answer of /v1/token or of the AWS CLI will do as well.
    #[arg(value_name = "TOKEN|-", allow_hyphen_values = true)]
    token: String,
}

impl TokenArg {
    /// The token's text.
    pub(super) fn read(self) -> Result<Zeroizing<String>, CliError> {
        let text =
            if self.token == "-" {
                let mut text = Zeroizing::new(String::new());
                std::io::stdin().lock().take(LONGEST).read_to_string(&mut text).map_err(|error| {
                    CliError::unreadable(format!("standard input cannot be read: {error}"))
                })?;
                text
            } else {
                Zeroizing::new(self.token)
            };
        pick(text.trim()).map(|token| Zeroizing::new(token.to_owned())).map_err(CliError::unreadable)
    }
}

/// The token in a text.
fn pick(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("there is no token: nothing came in");
    }
    if !text.starts_with(['{', '"']) {
        return Ok(text.to_owned());
    }
    match serde_json::from_str(text) {
        Ok(Value::String(token)) => Ok(token),
        Ok(Value::Object(members)) => {
            let found = MEMBERS.iter().find_map(|name| members.get(*name)?.as_str());
            found.map(str::to_owned).ok_or("the JSON has no member \"token\" or \"Token\"; is it an error's?")
        }
        _ => Err("it is neither a token nor JSON with one in it"),
    }
}

/// A JWT's parts that can be read. Nothing about them is verified.
#[derive(Debug)]
pub(super) struct DecodedJwt {
    /// How it says that it is signed.
    pub(super) header: Map<String, Value>,
    /// What it says.
    pub(super) claims: Map<String, Value>,
}

impl DecodedJwt {
    /// Takes a token apart. The signature is left behind.
    pub(super) fn of(token: &str) -> Result<Self, CliError> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, _signature] = parts[..] else {
            return Err(CliError::unreadable(match parts.len() {
                5 => "it is an encrypted token (JWE); only the one it is for can read it".to_owned(),
                1 => "it is no JWT: it has no dots in it (an opaque token, or an AWS session token?)"
                    .to_owned(),
                n => format!("it is no JWT: it has {n} parts, not 3"),
            }));
        };
        Ok(Self { header: object("header", header)?, claims: object("claims", claims)? })
    }
}

fn object(what: &str, part: &str) -> Result<Map<String, Value>, CliError> {
    let bytes = URL_SAFE_NO_PAD
        .decode_to_vec(part)
        .map_err(|_| CliError::unreadable(format!("it is no JWT: its {what} are not base64url")))?;
    serde_json::from_slice(&bytes)
        .map_err(|_| CliError::unreadable(format!("it is no JWT: its {what} are no JSON object")))
}

/// Text of a token's making, so that it cannot move a terminal's cursor. JSON stays JSON.
pub(super) fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_picked_out_of_what_answers_look_like() {
        for text in
            ["a.b.c", r#""a.b.c""#, r#"{"identityId": "i", "token": "a.b.c"}"#, r#"{"Token": "a.b.c"}"#]
        {
            assert_eq!(pick(text).unwrap(), "a.b.c", "{text}");
        }
        for text in ["", r#"{"title": "Not found"}"#, r#"{"token": 7}"#, "{", "\"a"] {
            assert!(pick(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_in_a_token_reaches_the_terminal_as_a_command() {
        assert_eq!(harmless("a\u{1b}[2J\u{9b}31m\nb"), "a\\u001b[2J\\u009b31m\nb");
    }
}
