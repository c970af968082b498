//! `tokenvend inspect`: prints the header and claims of a token, Cognito's or the app's. Nothing is verified.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::error::CliError;
use super::stdout::print;
use super::token_arg::{DecodedJwt, TokenArg, escape_control_chars};
use crate::claims::numeric_date;
use crate::token::AuthMethod;
use clock::{Clock as _, SystemClock, Timestamp};

/// The token, and the output format.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    token: TokenArg,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<(), CliError> {
    let token = args.token.read()?;
    let jwt = DecodedJwt::parse(&token)?;
    let now = SystemClock::new().now();
    print(&escape_control_chars(&if args.json { format_json(&jwt, now) } else { format_text(&jwt, now) }))
}

fn format_json(jwt: &DecodedJwt, now: Timestamp) -> String {
    let DecodedJwt { header, claims } = jwt;
    let date = |claim| date_claim(claims, claim).map(Timestamp::to_rfc3339);
    let output = json!({
        "verified": false,
        "header": header,
        "claims": claims,
        "issuedAt": date("iat"),
        "expiresAt": date("exp"),
        "expiresIn": expires_in(claims, now),
        "origin": auth_method(claims),
    });
    format!("{output:#}\n")
}

fn format_text(jwt: &DecodedJwt, now: Timestamp) -> String {
    let DecodedJwt { header, claims } = jwt;
    let mut text = format!(
        "NOT VERIFIED: this token may be forged. To verify it: tokenvend verify.\n\n\
         header {header:#}\nclaims {claims:#}\n\n"
    );
    // Writing to a String cannot fail.
    if let Some(issued) = date_claim(claims, "iat") {
        let _ = writeln!(text, "issued   {}", issued.to_rfc3339());
    }
    let _ = match (date_claim(claims, "exp"), expires_in(claims, now)) {
        (Some(exp), Some(left)) if left > 0 => {
            writeln!(text, "expires  {}, in {} ({left} s)", exp.to_rfc3339(), format_duration(left))
        }
        (Some(exp), Some(left)) => {
            writeln!(text, "expired  {}, {} ago ({left} s)", exp.to_rfc3339(), format_duration(left))
        }
        _ => writeln!(text, "expires  unknown: the token has no exp"),
    };
    if let Some(method) = auth_method(claims) {
        let _ = writeln!(text, "user     {method}");
    }
    text
}

/// Remaining life in seconds; negative after expiry.
fn expires_in(claims: &Value, now: Timestamp) -> Option<i64> {
    let exp = date_claim(claims, "exp")?;
    Some(exp.as_millis().saturating_sub(now.as_millis()) / 1000)
}

fn date_claim(claims: &Value, claim: &str) -> Option<Timestamp> {
    numeric_date::parse(claims.get(claim)).ok().flatten()
}

fn auth_method(claims: &Value) -> Option<AuthMethod<'_>> {
    let methods: Vec<&str> = claims.get("amr")?.as_array()?.iter().filter_map(Value::as_str).collect();
    AuthMethod::from_amr(&methods, claims.get("aud")?.as_str()?)
}

/// A number of seconds as text, without its sign.
pub(super) fn format_duration(seconds: i64) -> String {
    humantime::format_duration(Duration::from_secs(seconds.unsigned_abs())).to_string()
}
