//! Maps verified claims to Cognito's developer user identifier: by a template over claims, and optionally a pseudonym,
//! so that the user id is not readable in the `amr` of each token.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::rejection::RejectionReason;
use crate::claims::Claims;
use crate::claims::template::Template;
use crate::secret::Secret;
use cognito_types::DeveloperUserId;

/// The mapping, the same for all authenticators.
pub struct UserIdMapper {
    pseudonyms: Option<hmac::Key>,
    has_warned: AtomicBool,
}

impl UserIdMapper {
    /// Without a key there are no pseudonyms.
    pub fn new(pseudonym_key: Option<&Secret>) -> Self {
        let pseudonyms = pseudonym_key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
        Self { pseudonyms, has_warned: AtomicBool::new(false) }
    }

    /// The developer user identifier of the user with these claims.
    pub(super) fn developer_user_id(
        &self,
        template: &Template,
        claims: &Claims,
    ) -> Result<DeveloperUserId, RejectionReason> {
        let user_id = self.render_user_id(template, claims)?;
        let user_id = DeveloperUserId::parse(&user_id).map_err(|_| RejectionReason::UserId)?;
        Ok(self.to_developer_user_id(user_id))
    }

    /// The app's id of the user or service with these claims.
    pub(super) fn render_user_id(&self, template: &Template, claims: &Claims) -> Result<String, RejectionReason> {
        template.render(claims, id_text).map_err(|_| RejectionReason::UserId)
    }

    /// The developer user identifier of the user with this id in the app: its pseudonym, or the id itself.
    pub fn to_developer_user_id(&self, user_id: DeveloperUserId) -> DeveloperUserId {
        let Some(key) = &self.pseudonyms else {
            self.warn_once_about_email(&user_id);
            return user_id;
        };
        let tag = hmac::sign(key, user_id.as_str().as_bytes());
        // 43 letters, digits, '-' and '_': always a valid developer user id.
        DeveloperUserId::parse(&URL_SAFE_NO_PAD.encode_to_string(tag)).unwrap_or(user_id)
    }

    /// Once, and not with each request.
    fn warn_once_about_email(&self, user_id: &DeveloperUserId) {
        if looks_like_email(user_id.as_str()) && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "user ids look like e-mail addresses, which are then readable in each token and may change; use \
                 another claim in user_id, or set users.pseudonym_key before the first identity is created"
            );
        }
    }
}

impl fmt::Debug for UserIdMapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserIdMapper").field("pseudonyms", &self.pseudonyms.is_some()).finish_non_exhaustive()
    }
}

/// A text, or an integer in decimal. No other value is a user id.
fn id_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !is_placeholder(text) => Some(text.into()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string().into()),
        _ => None,
    }
}

/// Whether a program wrote "no value" as this text. All users without an id would share one identity. White space
/// around an id counts as well: it would make one user two.
pub(super) fn is_placeholder(text: &str) -> bool {
    const PLACEHOLDERS: [&str; 5] = ["null", "undefined", "(null)", "nan", "[object object]"];
    text.trim() != text || text == "None" || PLACEHOLDERS.iter().any(|one| text.eq_ignore_ascii_case(one))
}

/// `LOCAL@DOMAIN.TLD`, with any text before and after it.
fn looks_like_email(user_id: &str) -> bool {
    user_id.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.split_once('.').is_some_and(|(host, top)| !host.is_empty() && !top.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user_id(template: &str, claims: &Value, key: Option<&str>) -> Result<String, RejectionReason> {
        let user_ids = UserIdMapper::new(key.map(Secret::new).as_ref());
        let claims = Claims::verified(claims.as_object().unwrap().clone());
        let template = Template::parse(template).unwrap();
        user_ids.developer_user_id(&template, &claims).map(|user_id| user_id.to_string())
    }

    #[test]
    fn the_user_id_is_rendered_from_the_claims() {
        for (template, claims, expected) in [
            ("{sub}", json!({"sub": "alice"}), "alice"),
            ("{sub}", json!({"sub": 12345}), "12345"),
            ("web:{sub}", json!({"sub": "alice"}), "web:alice"),
            ("{/https:~1~1x~1user/id}", json!({"https://x/user": {"id": "bob"}}), "bob"),
        ] {
            assert_eq!(user_id(template, &claims, None), Ok(expected.to_owned()), "{template}");
        }
    }

    #[test]
    fn a_claim_that_is_not_a_valid_user_id_is_rejected() {
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
            for template in ["{sub}", "web:{sub}"] {
                assert_eq!(user_id(template, &json!({"sub": user}), None), Err(RejectionReason::UserId), "{user}");
            }
        }
        assert_eq!(user_id("{sub}", &json!({}), None), Err(RejectionReason::UserId));
    }

    #[test]
    fn a_pseudonym_is_the_hmac_of_the_user_id_and_hides_it() {
        // printf %s alice@example.com | openssl dgst -sha256 -hmac "$KEY" -binary | basenc --base64url
        let key = "0123456789abcdef0123456789abcdef";
        let pseudonym = user_id("{email}", &json!({"email": "alice@example.com"}), Some(key)).unwrap();
        assert_eq!(pseudonym, "hBJA0qW2ZUs64h_ESZ23t4Zwd83WfD4WzvH5hD4n0fo");
        let other = user_id("{email}", &json!({"email": "bob@example.com"}), Some(key)).unwrap();
        assert_ne!(pseudonym, other);
    }

    #[test]
    fn email_addresses_are_recognized_by_their_form() {
        for address in ["a@b.c", "web:alice@example.com"] {
            assert!(looks_like_email(address), "{address}");
        }
        for name in ["alice", "@alice", "alice@host", "a@.b", "auth0|5f7c"] {
            assert!(!looks_like_email(name), "{name}");
        }
    }
}
