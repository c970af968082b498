//! Token argument of a command: from the command line or standard input, as a bare token or in a JSON response.

use std::io::Read as _;

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::error::CliError;

/// Longer than any token and any response with one in it.
const MAX_INPUT_BYTES: u64 = 256 * 1024;

/// The members that have the token in responses: of tokenvend and Amplify, and of Cognito.
const MEMBERS: [&str; 2] = ["token", "Token"];

/// The token's source.
#[derive(Debug, clap::Args)]
pub(super) struct TokenArg {
    /// The token, or - to read it from standard input, which other users of the machine cannot see. Standard input may
    /// also be the JSON response of /v1/token or of the AWS CLI.
    #[arg(value_name = "TOKEN|-", allow_hyphen_values = true)]
    token: String,
}

impl TokenArg {
    /// The token's text.
    pub(super) fn read(self) -> Result<Zeroizing<String>, CliError> {
        let text = if self.token == "-" {
            let mut text = Zeroizing::new(String::new());
            std::io::stdin()
                .lock()
                .take(MAX_INPUT_BYTES)
                .read_to_string(&mut text)
                .map_err(|error| CliError::invalid_input(format!("standard input cannot be read: {error}")))?;
            text
        } else {
            Zeroizing::new(self.token)
        };
        extract_token(text.trim()).map(|token| Zeroizing::new(token.to_owned())).map_err(CliError::invalid_input)
    }
}

fn extract_token(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("there is no token: the input is empty");
    }
    if !text.starts_with(['{', '"']) {
        return Ok(text.to_owned());
    }
    match serde_json::from_str(text) {
        Ok(Value::String(token)) => Ok(token),
        Ok(Value::Object(members)) => {
            let found = MEMBERS.iter().find_map(|name| members.get(*name)?.as_str());
            found.map(str::to_owned).ok_or("the JSON has no member \"token\" or \"Token\"; is it an error response?")
        }
        _ => Err("the input is neither a token nor JSON with a token in it"),
    }
}

/// The header and claims of a JWT, two JSON objects. Nothing is verified.
#[derive(Debug)]
pub(super) struct DecodedJwt {
    pub(super) header: Value,
    pub(super) claims: Value,
}

impl DecodedJwt {
    /// Parses a token, without its signature.
    pub(super) fn parse(token: &str) -> Result<Self, CliError> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, _signature] = parts[..] else {
            return Err(CliError::invalid_input(match parts.len() {
                5 => "this is an encrypted token (JWE); only its audience can decrypt it".to_owned(),
                1 => "this is not a JWT: it has no dots (an opaque token, or an AWS session token?)".to_owned(),
                n => format!("this is not a JWT: it has {n} parts, not 3"),
            }));
        };
        Ok(Self { header: decode_object("header", header)?, claims: decode_object("claims", claims)? })
    }
}

fn decode_object(name: &str, part: &str) -> Result<Value, CliError> {
    let bytes = URL_SAFE_NO_PAD
        .decode_to_vec(part)
        .map_err(|_| CliError::invalid_input(format!("this is not a JWT: its {name} part is not base64url")))?;
    serde_json::from_slice(&bytes)
        .map(Value::Object)
        .map_err(|_| CliError::invalid_input(format!("this is not a JWT: its {name} part is not a JSON object")))
}

/// Escapes control characters of a token's text, which could send commands to the terminal. JSON stays valid.
pub(super) fn escape_control_chars(text: &str) -> String {
    let escape = |c: char| format!("\\u{:04x}", u32::from(c));
    text.chars().map(|c| if c.is_control() && c != '\n' { escape(c) } else { c.to_string() }).collect()
}
