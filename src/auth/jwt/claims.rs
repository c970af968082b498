//! The claims of a JWT: unverified at first, then verified against the settings.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::auth::rejection::RejectionReason;
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

    /// Verifies the claims of registered names, with tolerance for clocks (`leeway`). Returns them, and when the credential ends.
    pub(super) fn verify(
        self,
        audience: &[String],
        leeway: Duration,
        now: Timestamp,
    ) -> Result<(Map<String, Value>, Timestamp), RejectionReason> {
        if !self.has_audience(audience) {
            return Err(RejectionReason::Audience);
        }
        let expires_at = self.timestamp("exp")?.ok_or(RejectionReason::Malformed)?;
        if now >= expires_at + leeway {
            return Err(RejectionReason::Expired);
        }
        for claim in ["nbf", "iat"] {
            if self.timestamp(claim)?.is_some_and(|begin| begin > now + leeway) {
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
    use serde_json::json;

    use super::*;

    fn verify(claims: Value) -> Result<(), RejectionReason> {
        let claims = UnverifiedClaims::from_payload(claims).unwrap();
        let audience = ["tokenvend", "other-name"].map(str::to_owned);
        claims.verify(&audience, Duration::from_secs(30), Timestamp::from_secs(1000)).map(drop)
    }

    #[test]
    fn times_are_checked_with_the_leeway_and_the_audience_is_compared_whole() {
        let valid = json!({"iss": "https://app.example", "aud": "tokenvend", "exp": 1100, "sub": "alice"});
        assert_eq!(verify(valid.clone()), Ok(()));
        for (claim, value, expected) in [
            ("exp", json!(971), Ok(())),
            ("exp", json!(970), Err(RejectionReason::Expired)),
            ("exp", json!(1000.5), Ok(())),
            ("exp", json!("1100"), Err(RejectionReason::Malformed)),
            ("exp", json!(null), Err(RejectionReason::Malformed)),
            ("exp", json!(-1), Err(RejectionReason::Expired)),
            ("nbf", json!(1030), Ok(())),
            ("nbf", json!(1031), Err(RejectionReason::NotYetValid)),
            ("iat", json!(1e300), Err(RejectionReason::NotYetValid)),
            ("aud", json!("other-name"), Ok(())),
            ("aud", json!(["x", "tokenvend"]), Ok(())),
            ("aud", json!("tokenvend2"), Err(RejectionReason::Audience)),
            ("aud", json!(["x"]), Err(RejectionReason::Audience)),
            ("aud", json!([]), Err(RejectionReason::Audience)),
            ("aud", json!({"tokenvend": 1}), Err(RejectionReason::Audience)),
            ("aud", json!(null), Err(RejectionReason::Audience)),
        ] {
            let mut claims = valid.clone();
            claims[claim] = value.clone();
            assert_eq!(verify(claims), expected, "{claim} {value}");
        }
        let mut endless = valid;
        endless.as_object_mut().unwrap().remove("exp");
        assert_eq!(verify(endless), Err(RejectionReason::Malformed));
    }
}
