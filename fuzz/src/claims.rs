//! What an app may sign: whoever gets in has the name that the claims say, all of them, and no other claims make it.

use std::sync::LazyLock;

use serde_json::Value;

use super::door::{Door, Listed, NOW, signed};

static DOOR: LazyLock<Door> = LazyLock::new(Door::open);

/// Whether anybody got in with these claims. Less than nothing would be tried if nobody ever did.
///
/// # Panics
/// Somebody who should not have, or by a wrong name.
pub fn name_whoever_gets_in(payload: &[u8]) -> bool {
    let bearer = format!("Bearer {}", signed(payload));
    let Some((_, user)) = DOOR.caller(&Listed(vec![("authorization", bearer.as_bytes())])) else {
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
