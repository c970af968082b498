//! What everybody must refuse before anybody is measured: a contestant that skips a check would win by it.

use serde_json::json;

use crate::bearers::{App, honest};
use crate::contest::{Contestant, request};
use crate::{Outcome, load};

/// Bearers that are wrong in one way each, and the way.
fn forgeries(app: &App) -> Outcome<Vec<(&'static str, String)>> {
    let changed = |claim: &str, value: serde_json::Value| {
        let mut claims = honest("mallory", 0);
        match value {
            serde_json::Value::Null => drop(claims.as_object_mut().map(|claims| claims.remove(claim))),
            value => claims[claim] = value,
        }
        app.sign(&claims)
    };
    let good = app.rs256("mallory", 0)?;
    let stranger = App::new()?.rs256("mallory", 0)?;
    let (message, signature) = good.rsplit_once('.').ok_or("no JWS")?;
    let unsigned = {
        use base64::Engine as _;
        let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let header = json!({"alg": "none", "typ": "JWT"}).to_string();
        format!("{}.{}.", encode(header), encode(honest("mallory", 0).to_string()))
    };
    Ok(vec![
        ("iss missing", changed("iss", json!(null))?),
        ("iss wrong", changed("iss", json!("https://other.example"))?),
        ("aud missing", changed("aud", json!(null))?),
        ("aud wrong", changed("aud", json!("somebody-else"))?),
        ("exp missing", changed("exp", json!(null))?),
        ("exp past", changed("exp", json!(crate::bearers::now() - 3600))?),
        ("sub missing", changed("sub", json!(null))?),
        ("signed by a stranger", stranger),
        ("signature cut off", format!("{message}.{}", &signature[..signature.len() - 8])),
        ("unsigned", unsigned),
        ("HS256 by a secret", app.hs256("mallory")),
        ("no JWT", "abc".to_owned()),
    ])
}

/// Tries all of them, and that an honest bearer gets the user's own token, twice the same.
pub fn try_all(contestant: &Contestant, app: &App) -> Outcome<()> {
    let ask = |bearer: &str| load::ask_once(&contestant.target, &request(bearer));
    let name = contestant.name;
    for (how, bearer) in forgeries(app)? {
        // Twice: nothing refused may be remembered as good.
        for _ in 0..2 {
            let (status, answer) = ask(&bearer)?;
            if status != 401 {
                return Err(format!("{name} does not refuse a bearer with {how}: {answer}").into());
            }
        }
    }
    let token = |user: &str| {
        let (status, answer) = ask(&app.rs256(user, 0)?)?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let body: serde_json::Value = serde_json::from_str(body)?;
        let fields =
            ["identityId", "token", "provider", "identityPoolId", "region", "expiresAt", "expiresIn"];
        if status != 200 || fields.iter().any(|field| body[field].is_null()) {
            return Err(format!("{name} refuses an honest bearer, or keeps fields back: {answer}").into());
        }
        Outcome::Ok(body["token"].clone())
    };
    let (first, second, other) = (token("alice")?, token("alice")?, token("bob")?);
    if first != second || first == other {
        return Err(format!("{name} does not keep tokens, or not apart").into());
    }
    Ok(())
}
