//! Users of public providers, from tokens that the emulator does not verify.

use serde::Deserialize;

use super::format::decode_part;
use crate::protocol::OperationError;
use clock::Timestamp;

/// The stable name of a user at a public provider: the `sub` of a JWT, otherwise the token itself.
///
/// Signatures are not verified: the emulator cannot fetch other providers' keys, and tests need to invent users.
/// Only an expired JWT is rejected, as Cognito does.
pub(crate) fn public_user(token: &str, now: Timestamp) -> Result<String, OperationError> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
        exp: Option<i64>,
    }

    let mut parts = token.split('.');
    let claims: Option<Claims> = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(claims), Some(_), None) => decode_part(claims),
        _ => None,
    };
    match claims {
        Some(Claims { exp: Some(exp), .. }) if now.as_secs() >= exp => Err(OperationError::not_authorized(format!(
            "Invalid login token. Token expired: {exp} >= {}",
            now.as_secs()
        ))),
        Some(Claims { sub, .. }) => Ok(sub),
        None => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use base64_simd::URL_SAFE_NO_PAD;

    use super::*;
    use crate::protocol::ErrorType;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    #[test]
    fn a_public_user_is_the_subject_of_a_jwt_otherwise_the_token_itself() {
        let claims = URL_SAFE_NO_PAD.encode_to_string(r#"{"sub":"g1"}"#);
        let user = |token: &str| public_user(token, NOW).unwrap();
        assert_eq!(user(&format!("e30.{claims}.x")), "g1");
        assert_eq!(user("a.b.c"), "a.b.c");
        assert_eq!(user("EAAB"), "EAAB");
    }

    #[test]
    fn an_expired_public_login_is_rejected() {
        let token = |exp: i64| {
            let claims = URL_SAFE_NO_PAD.encode_to_string(format!(r#"{{"sub":"g1","exp":{exp}}}"#));
            public_user(&format!("e30.{claims}.x"), NOW).map_err(|error| error.error_type)
        };
        assert_eq!(token(1_001), Ok("g1".to_owned()));
        assert_eq!(token(1_000), Err(ErrorType::NotAuthorized));
    }
}
