//! The claims of a JWT, from what somebody wrote to who is calling.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::{Caller, Refusal};
use crate::clock::Timestamp;
use crate::config::JwtSettings;
use crate::identity::DeveloperUserId;

/// Claims that anybody may have written. [`UnverifiedClaims::verify`] consumes them, once the signature over
/// them has been found to fit.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct UnverifiedClaims(Map<String, Value>);

impl UnverifiedClaims {
    /// The issuer that they name.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.0.get("iss")?.as_str()
    }

    /// Checks every claim that the settings ask for.
    pub(super) fn verify(
        self,
        settings: &JwtSettings,
        now: Timestamp,
        way: &Arc<str>,
        issuer: &Arc<str>,
    ) -> Result<Caller, Refusal> {
        if self.issuer() != Some(&settings.issuer) {
            return Err(Refusal::Issuer);
        }
        if !self.is_meant_for(&settings.audience) {
            return Err(Refusal::Audience);
        }
        let expires_at = self.moment("exp")?.ok_or(Refusal::Malformed)?;
        if now >= expires_at + settings.leeway {
            return Err(Refusal::Expired);
        }
        for claim in ["nbf", "iat"] {
            if self.moment(claim)?.is_some_and(|begin| begin > now + settings.leeway) {
                return Err(Refusal::NotYetValid);
            }
        }
        let user = self.user(settings).ok_or(Refusal::User)?;
        Ok(Caller { user, way: way.clone(), issuer: issuer.clone(), expires_at })
    }

    /// `aud` is one text or a list of them (RFC 7519, 4.1.3). Compared whole.
    fn is_meant_for(&self, ours: &[String]) -> bool {
        let is_ours = |audience: &Value| audience.as_str().is_some_and(|a| ours.iter().any(|our| our == a));
        match self.0.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
            Some(audience) => is_ours(audience),
            None => false,
        }
    }

    /// A NumericDate (RFC 7519, 2): seconds, maybe with a fraction. What else stands there is no date.
    fn moment(&self, claim: &str) -> Result<Option<Timestamp>, Refusal> {
        match self.0.get(claim) {
            None => Ok(None),
            Some(Value::Number(number)) => {
                let seconds =
                    number.as_f64().filter(|seconds| seconds.is_finite()).ok_or(Refusal::Malformed)?;
                // Saturates: a date beyond the range of the type is as far away as can be.
                Ok(Some(Timestamp::from_millis((seconds * 1000.0) as i64)))
            }
            Some(_) => Err(Refusal::Malformed),
        }
    }

    /// The user at the end of the path: a text, or a whole number as its digits.
    fn user(&self, settings: &JwtSettings) -> Option<DeveloperUserId> {
        let (first, rest) = settings.user_claim.split_first()?;
        let named = |name: &str| DeveloperUserId::parse(&format!("{}{name}", settings.user_prefix)).ok();
        let found = rest.iter().try_fold(self.0.get(first)?, |value, name| value.as_object()?.get(name))?;
        match found {
            Value::String(text) if !text.is_empty() && !is_a_slip(text) => named(text),
            Value::Number(number) if number.is_i64() || number.is_u64() => named(&number.to_string()),
            _ => None,
        }
    }
}

/// Texts that come about where some program wrote "no value" into a text. All users without an id would share
/// one identity. Space around an id is a slip too: it would make one user two.
fn is_a_slip(text: &str) -> bool {
    const SLIPS: [&str; 5] = ["null", "undefined", "(null)", "nan", "[object object]"];
    text.trim() != text || text == "None" || SLIPS.iter().any(|slip| text.eq_ignore_ascii_case(slip))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonwebtoken::Algorithm;
    use serde_json::json;

    use super::*;
    use crate::config::KeySource;
    use crate::secret::Secret;

    fn settings() -> JwtSettings {
        JwtSettings {
            issuer: "https://app.example".to_owned(),
            audience: vec!["tokenvend".to_owned(), "other-name".to_owned()],
            algorithms: vec![Algorithm::HS256],
            keys: KeySource::Secret(Secret::new("x")),
            user_claim: vec!["sub".to_owned()],
            user_prefix: String::new(),
            leeway: Duration::from_secs(30),
        }
    }

    fn honest() -> Value {
        json!({"iss": "https://app.example", "aud": "tokenvend", "exp": 1100, "sub": "alice"})
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = honest();
        claims[claim] = value;
        claims
    }

    fn verify(claims: Value, settings: &JwtSettings) -> Result<String, Refusal> {
        let claims: UnverifiedClaims = serde_json::from_value(claims).unwrap();
        let caller = claims.verify(settings, Timestamp::from_secs(1000), &"app".into(), &"issuer".into())?;
        Ok(caller.user.to_string())
    }

    #[test]
    fn honest_claims_name_the_caller() {
        assert_eq!(verify(honest(), &settings()), Ok("alice".to_owned()));
        for audience in [json!("other-name"), json!(["x", "tokenvend"])] {
            assert_eq!(verify(with("aud", audience), &settings()), Ok("alice".to_owned()));
        }
        assert_eq!(verify(with("sub", json!(12345)), &settings()), Ok("12345".to_owned()));
    }

    #[test]
    fn times_are_judged_with_the_leeway() {
        for (claim, value, result) in [
            ("exp", json!(971), Ok("alice".to_owned())),
            ("exp", json!(970), Err(Refusal::Expired)),
            ("exp", json!(1000.5), Ok("alice".to_owned())),
            ("exp", json!("1100"), Err(Refusal::Malformed)),
            ("exp", json!(null), Err(Refusal::Malformed)),
            ("exp", json!(-1), Err(Refusal::Expired)),
            ("nbf", json!(1030), Ok("alice".to_owned())),
            ("nbf", json!(1031), Err(Refusal::NotYetValid)),
            ("iat", json!(1e300), Err(Refusal::NotYetValid)),
        ] {
            assert_eq!(verify(with(claim, value.clone()), &settings()), result, "{claim} {value}");
        }
        let mut endless = honest();
        endless.as_object_mut().unwrap().remove("exp");
        assert_eq!(verify(endless, &settings()), Err(Refusal::Malformed));
    }

    #[test]
    fn issuer_and_audience_are_compared_whole() {
        for issuer in ["https://app.example/", "https://app.example.evil", "https://app.exampl"] {
            assert_eq!(verify(with("iss", json!(issuer)), &settings()), Err(Refusal::Issuer));
        }
        for audience in [json!("tokenvend2"), json!(["x"]), json!([]), json!({"tokenvend": 1}), json!(null)] {
            assert_eq!(verify(with("aud", audience), &settings()), Err(Refusal::Audience));
        }
    }

    #[test]
    fn a_claim_that_does_not_name_a_user_is_refused() {
        for user in [
            json!(null),
            json!(""),
            json!("null"),
            json!("Undefined"),
            json!("None"),
            json!(" alice"),
            json!("a\nb"),
            json!("x".repeat(1025)),
            json!(1.5),
            json!(true),
            json!(["alice"]),
            json!({"id": "alice"}),
        ] {
            assert_eq!(verify(with("sub", user.clone()), &settings()), Err(Refusal::User), "{user}");
        }
    }

    #[test]
    fn a_prefix_keeps_the_users_of_two_issuers_apart() {
        let settings = JwtSettings { user_prefix: "web:".to_owned(), ..settings() };
        assert_eq!(verify(honest(), &settings), Ok("web:alice".to_owned()));
        assert_eq!(verify(with("sub", json!("")), &settings), Err(Refusal::User));
    }

    #[test]
    fn the_user_may_stand_deep_in_the_claims() {
        let settings = JwtSettings { user_claim: vec!["https://x/user".into(), "id".into()], ..settings() };
        assert_eq!(verify(with("https://x/user", json!({"id": "bob"})), &settings), Ok("bob".to_owned()));
        assert_eq!(verify(with("https://x/user", json!("bob")), &settings), Err(Refusal::User));
        assert_eq!(verify(honest(), &settings), Err(Refusal::User));
    }
}
