//! The claims of a JWT: unverified at first, then verified against the settings.

use serde_json::{Map, Value};

use crate::auth::rejection::RejectionReason;
use crate::auth::settings::JwtSettings;
use crate::claims::numeric_date::{self, InvalidNumericDate};
use clock::Timestamp;

/// The issuer in a payload.
pub(super) fn issuer(payload: &Value) -> Option<&str> {
    payload.as_object()?.get("iss")?.as_str()
}

/// Untrusted claims. [`UnverifiedClaims::verify`] consumes them, after their signature was verified.
pub(super) struct UnverifiedClaims(Map<String, Value>);

impl UnverifiedClaims {
    /// The claims of a payload, if it is an object.
    pub(super) fn from_payload(payload: Value) -> Option<Self> {
        match payload {
            Value::Object(claims) => Some(Self(claims)),
            _ => None,
        }
    }

    /// Verifies all claims that the settings require. Returns them, and when the credential ends.
    pub(super) fn verify(
        self,
        settings: &JwtSettings,
        now: Timestamp,
    ) -> Result<(Map<String, Value>, Timestamp), RejectionReason> {
        if !self.has_audience(&settings.audience) {
            return Err(RejectionReason::Audience);
        }
        let expires_at = self.timestamp("exp")?.ok_or(RejectionReason::Malformed)?;
        if now >= expires_at + settings.leeway {
            return Err(RejectionReason::Expired);
        }
        for claim in ["nbf", "iat"] {
            if self.timestamp(claim)?.is_some_and(|begin| begin > now + settings.leeway) {
                return Err(RejectionReason::NotYetValid);
            }
        }
        Ok((self.0, expires_at))
    }

    /// `aud` is one text or a list of them (RFC 7519, 4.1.3). Compared whole.
    fn has_audience(&self, accepted: &[String]) -> bool {
        let is_accepted = |audience: &Value| audience.as_str().is_some_and(|aud| accepted.iter().any(|one| one == aud));
        match self.0.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(is_accepted),
            Some(audience) => is_accepted(audience),
            None => false,
        }
    }

    fn timestamp(&self, claim: &str) -> Result<Option<Timestamp>, RejectionReason> {
        numeric_date::parse(self.0.get(claim)).map_err(|InvalidNumericDate| RejectionReason::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jose::{Algorithm, KeySource};
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;
    use crate::auth::credential_source::CredentialSource;

    fn settings() -> JwtSettings {
        JwtSettings {
            credential_source: CredentialSource::Bearer,
            token_types: Vec::new(),
            audience: vec!["tokenvend".to_owned(), "other-name".to_owned()],
            algorithms: vec![Algorithm::HS256],
            keys: KeySource::Secret(Zeroizing::new(b"x".to_vec())),
            leeway: Duration::from_secs(30),
        }
    }

    fn valid() -> Value {
        json!({"iss": "https://app.example", "aud": "tokenvend", "exp": 1100, "sub": "alice"})
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = valid();
        claims[claim] = value;
        claims
    }

    fn verify(claims: Value, settings: &JwtSettings) -> Result<String, RejectionReason> {
        let claims = UnverifiedClaims::from_payload(claims).unwrap();
        let (claims, _) = claims.verify(settings, Timestamp::from_secs(1000))?;
        Ok(claims["sub"].as_str().unwrap().to_owned())
    }

    #[test]
    fn valid_claims_are_accepted() {
        assert_eq!(verify(valid(), &settings()), Ok("alice".to_owned()));
        for audience in [json!("other-name"), json!(["x", "tokenvend"])] {
            assert_eq!(verify(with("aud", audience), &settings()), Ok("alice".to_owned()));
        }
    }

    #[test]
    fn times_are_checked_with_the_leeway() {
        for (claim, value, result) in [
            ("exp", json!(971), Ok("alice".to_owned())),
            ("exp", json!(970), Err(RejectionReason::Expired)),
            ("exp", json!(1000.5), Ok("alice".to_owned())),
            ("exp", json!("1100"), Err(RejectionReason::Malformed)),
            ("exp", json!(null), Err(RejectionReason::Malformed)),
            ("exp", json!(-1), Err(RejectionReason::Expired)),
            ("nbf", json!(1030), Ok("alice".to_owned())),
            ("nbf", json!(1031), Err(RejectionReason::NotYetValid)),
            ("iat", json!(1e300), Err(RejectionReason::NotYetValid)),
        ] {
            assert_eq!(verify(with(claim, value.clone()), &settings()), result, "{claim} {value}");
        }
        let mut endless = valid();
        endless.as_object_mut().unwrap().remove("exp");
        assert_eq!(verify(endless, &settings()), Err(RejectionReason::Malformed));
    }

    #[test]
    fn the_audience_is_compared_whole() {
        for audience in [json!("tokenvend2"), json!(["x"]), json!([]), json!({"tokenvend": 1}), json!(null)] {
            assert_eq!(verify(with("aud", audience), &settings()), Err(RejectionReason::Audience));
        }
    }
}
