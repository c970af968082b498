//! Bearer tokens that every contestant must reject before it is measured, because a contestant that skips a check would
//! gain by it.

use serde_json::json;

use crate::bearers::{App, valid_claims};
use crate::contest::{Contestant, request};
use crate::{Outcome, load};

/// Bearer tokens with one defect each, and its name.
fn invalid_bearers(app: &App) -> Outcome<Vec<(&'static str, String)>> {
    let changed = |claim: &str, value: serde_json::Value| {
        let mut claims = valid_claims("mallory", 0);
        match value {
            serde_json::Value::Null => drop(claims.as_object_mut().map(|claims| claims.remove(claim))),
            value => claims[claim] = value,
        }
        app.sign(&claims)
    };
    let valid = app.rs256("mallory", 0)?;
    let other_key = App::new()?.rs256("mallory", 0)?;
    let (message, signature) = valid.rsplit_once('.').ok_or("not a JWS")?;
    let unsigned = {
        use base64::Engine as _;
        let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let header = json!({"alg": "none", "typ": "JWT"}).to_string();
        format!("{}.{}.", encode(header), encode(valid_claims("mallory", 0).to_string()))
    };
    Ok(vec![
        ("iss missing", changed("iss", json!(null))?),
        ("iss wrong", changed("iss", json!("https://other.example"))?),
        ("aud missing", changed("aud", json!(null))?),
        ("aud wrong", changed("aud", json!("another-audience"))?),
        ("exp missing", changed("exp", json!(null))?),
        ("exp past", changed("exp", json!(crate::bearers::now() - 3600))?),
        ("sub missing", changed("sub", json!(null))?),
        ("signed by another key", other_key),
        ("signature truncated", format!("{message}.{}", &signature[..signature.len() - 8])),
        ("unsigned", unsigned),
        ("HS256 by a secret", app.hs256("mallory")),
        ("not a JWT", "abc".to_owned()),
    ])
}

/// Checks that the contestant rejects all of them, and returns each user's own token from its cache.
pub fn check_all(contestant: &Contestant, app: &App) -> Outcome<()> {
    let send = |bearer: &str| load::send_once(&contestant.target, &request(bearer));
    let name = contestant.name;
    for (defect, bearer) in invalid_bearers(app)? {
        // Twice, because a rejected bearer must not be cached as valid.
        for _ in 0..2 {
            let (status, response) = send(&bearer)?;
            if status != 401 {
                return Err(format!("{name} does not reject a bearer with {defect}: {response}").into());
            }
        }
    }
    let token = |user: &str| {
        let (status, response) = send(&app.rs256(user, 0)?)?;
        let body = response.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let body: serde_json::Value = serde_json::from_str(body)?;
        let fields = ["identityId", "token", "provider", "identityPoolId", "region", "expiresAt", "expiresIn"];
        if status != 200 || fields.iter().any(|field| body[field].is_null()) {
            return Err(format!("{name} rejects a valid bearer, or omits fields: {response}").into());
        }
        Outcome::Ok(body["token"].clone())
    };
    let (first, second, other) = (token("alice")?, token("alice")?, token("bob")?);
    if first != second || first == other {
        return Err(format!("{name} does not cache tokens, or not by user").into());
    }
    Ok(())
}
