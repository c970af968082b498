//! Claims that the app signed: an accepted caller has the user id that its claims render to, and no other claims render to
//! that id.

use std::sync::LazyLock;

use serde_json::Value;

use super::authenticators::{Authenticators, HeaderList, NOW, signed};

static AUTHENTICATORS: LazyLock<Authenticators> = LazyLock::new(Authenticators::start);

/// Whether a token with these claims is accepted.
///
/// # Panics
/// It is accepted and should not be, or its user id is wrong.
pub fn check_user_id(payload: &[u8]) -> bool {
    let bearer = format!("Bearer {}", signed(payload));
    let Some((_, user)) = AUTHENTICATORS.authenticate(&HeaderList(vec![("authorization", bearer.as_bytes())])) else {
        return false;
    };

    let claims: Value = serde_json::from_slice(payload).unwrap();
    assert_eq!(claims["iss"], "https://app.example");
    let audience = &claims["aud"];
    assert!(audience == "tokenvend" || audience.as_array().unwrap().contains(&"tokenvend".into()));
    assert!(claims["exp"].as_f64().unwrap() > (NOW - 30) as f64);
    for begin in ["nbf", "iat"] {
        assert!(claims.get(begin).is_none_or(|begin| begin.as_f64().unwrap() < (NOW + 31) as f64));
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (tenant, org, sub) = (text(&claims["tenant"]), text(&claims["org"]["name"]), text(&claims["sub"]));
    assert!(!tenant.contains('|') && !org.contains('-') && !sub.is_empty());
    assert_eq!(user.as_str(), format!("app|{tenant}|{org}-{sub}"));
    assert!(!user.as_str().chars().any(char::is_control));
    true
}
