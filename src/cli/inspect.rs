//! `tokenvend inspect`: what a token says of itself, Cognito's or the app's. Nothing is verified.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::token_arg::{DecodedJwt, TokenArg, harmless};
use super::{CliError, print};
use crate::claims::numeric_date;
use crate::token::AuthMethod;
use clock::{Clock as _, SystemClock, Timestamp};

/// Which token, and how to tell it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    presented: TokenArg,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<(), CliError> {
    let token = args.presented.read()?;
    let parts = DecodedJwt::of(&token)?;
    let now = SystemClock::new().now();
    print(&harmless(&if args.json { as_json(&parts, now) } else { as_text(&parts, now) }))
}

fn as_json(parts: &DecodedJwt, now: Timestamp) -> String {
    let DecodedJwt { header, claims } = parts;
    let moment = |claim| moment(claims, claim).map(Timestamp::to_rfc3339);
    let told = json!({
        "verified": false,
        "header": header,
        "claims": claims,
        "issuedAt": moment("iat"),
        "expiresAt": moment("exp"),
        "expiresIn": expires_in(claims, now),
        "origin": origin(claims).as_ref().map(origin_as_json),
    });
    format!("{told:#}\n")
}

fn as_text(parts: &DecodedJwt, now: Timestamp) -> String {
    let DecodedJwt { header, claims } = parts;
    let header = Value::Object(header.clone());
    let mut text = format!(
        "NOT VERIFIED: anybody can write such a token. To have it checked: tokenvend verify.\n\n\
         header {header:#}\nclaims {:#}\n\n",
        Value::Object(claims.clone()),
    );
    // Writing to a String cannot fail.
    if let Some(issued) = moment(claims, "iat") {
        let _ = writeln!(text, "issued   {}", issued.to_rfc3339());
    }
    let _ = match (moment(claims, "exp"), expires_in(claims, now)) {
        (Some(exp), Some(left)) if left > 0 => {
            writeln!(text, "expires  {}, in {} ({left} s)", exp.to_rfc3339(), words(left))
        }
        (Some(exp), Some(left)) => {
            writeln!(text, "expired  {}, {} ago ({left} s)", exp.to_rfc3339(), words(left))
        }
        _ => writeln!(text, "expires  it does not say"),
    };
    if let Some(origin) = origin(claims) {
        let _ = writeln!(text, "user     {}", origin_as_words(&origin));
    }
    text
}

/// Seconds from now to the end; negative once it has passed.
fn expires_in(claims: &Map<String, Value>, now: Timestamp) -> Option<i64> {
    let exp = moment(claims, "exp")?;
    Some(exp.as_millis().saturating_sub(now.as_millis()) / 1000)
}

fn moment(claims: &Map<String, Value>, claim: &str) -> Option<Timestamp> {
    numeric_date::parse(claims.get(claim)).ok().flatten()
}

fn origin(claims: &Map<String, Value>) -> Option<AuthMethod<'_>> {
    let methods: Vec<&str> = claims.get("amr")?.as_array()?.iter().filter_map(Value::as_str).collect();
    AuthMethod::of(&methods, claims.get("aud")?.as_str()?)
}

/// A number of seconds, for human eyes; what side of now they lie on is said elsewhere.
pub(super) fn words(seconds: i64) -> String {
    humantime::format_duration(Duration::from_secs(seconds.unsigned_abs())).to_string()
}

pub(super) fn origin_as_words(origin: &AuthMethod<'_>) -> String {
    match origin {
        AuthMethod::Guest => "a guest: nobody signed in".to_owned(),
        AuthMethod::DeveloperUser { provider, user } => format!("developer user {user:?} of {provider}"),
        AuthMethod::PublicLogin { provider } => format!("a public login at {provider}"),
    }
}

pub(super) fn origin_as_json(origin: &AuthMethod<'_>) -> Value {
    match origin {
        AuthMethod::Guest => json!({"kind": "guest"}),
        AuthMethod::DeveloperUser { provider, user } => {
            json!({"kind": "developer-user", "provider": provider, "user": user})
        }
        AuthMethod::PublicLogin { provider } => json!({"kind": "public-login", "provider": provider}),
    }
}
