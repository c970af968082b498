//! What the app's users are called towards Cognito: a template over verified claims, and a pseudonym for those
//! whose names should not stand in clear in every token's `amr`.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::RejectionReason;
use crate::claims::Claims;
use crate::claims::template::Template;
use crate::config::UsersSettings;
use cognito_types::DeveloperUserId;

/// How users are named, the same for all ways of authenticating.
pub struct UserIdMapper {
    pseudonyms: Option<hmac::Key>,
    has_warned: AtomicBool,
}

impl UserIdMapper {
    /// As configured.
    pub fn new(settings: &UsersSettings) -> Self {
        let key = settings.pseudonym_key.as_ref();
        let pseudonyms = key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
        Self { pseudonyms, has_warned: AtomicBool::new(false) }
    }

    /// The user that verified claims name.
    pub(super) fn named(
        &self,
        template: &Template,
        claims: &Claims,
    ) -> Result<DeveloperUserId, RejectionReason> {
        let name = self.text_of_name(template, claims)?;
        let name = DeveloperUserId::parse(&name).map_err(|_| RejectionReason::UserId)?;
        Ok(self.to_developer_user_id(name))
    }

    /// What the app calls whom verified claims name.
    pub(super) fn text_of_name(
        &self,
        template: &Template,
        claims: &Claims,
    ) -> Result<String, RejectionReason> {
        template.render(claims, text_of).map_err(|_| RejectionReason::UserId)
    }

    /// What Cognito knows the user by whom the app calls this.
    pub fn to_developer_user_id(&self, name: DeveloperUserId) -> DeveloperUserId {
        let Some(key) = &self.pseudonyms else {
            self.warn_of_addresses(&name);
            return name;
        };
        let tag = hmac::sign(key, name.as_str().as_bytes());
        // 43 letters, digits, '-' and '_': always a developer user id.
        DeveloperUserId::parse(&URL_SAFE_NO_PAD.encode_to_string(tag)).unwrap_or(name)
    }

    /// Once: the operator should hear of it, not read it with every request.
    fn warn_of_addresses(&self, name: &DeveloperUserId) {
        if looks_like_an_address(name.as_str()) && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "users are called by what looks like their e-mail addresses, which then stand in clear in every \
                 token and change when people do; use another claim in user_id, or set users.pseudonym_key before \
                 the first identity is made"
            );
        }
    }
}

impl fmt::Debug for UserIdMapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("pseudonyms", &self.pseudonyms.is_some()).finish_non_exhaustive()
    }
}

/// A text, or a whole number as its digits. Nothing else names a user.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !is_a_slip(text) => Some(text.into()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string().into()),
        _ => None,
    }
}

/// Texts that come about where some program wrote "no value" into a text. All users without an id would share
/// one identity. Space around an id is a slip too: it would make one user two.
pub(super) fn is_a_slip(text: &str) -> bool {
    const SLIPS: [&str; 5] = ["null", "undefined", "(null)", "nan", "[object object]"];
    text.trim() != text || text == "None" || SLIPS.iter().any(|slip| text.eq_ignore_ascii_case(slip))
}

/// `LOCAL@DOMAIN.TLD`, whatever stands before and behind it.
fn looks_like_an_address(name: &str) -> bool {
    name.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.split_once('.').is_some_and(|(host, top)| !host.is_empty() && !top.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    fn named(template: &str, claims: &Value, key: Option<&str>) -> Result<String, RejectionReason> {
        let users = UserIdMapper::new(&UsersSettings { pseudonym_key: key.map(Secret::new) });
        let claims = Claims::verified(claims.as_object().unwrap().clone());
        users.named(&Template::parse(template).unwrap(), &claims).map(|user| user.to_string())
    }

    #[test]
    fn the_user_is_what_the_template_makes_of_the_claims() {
        assert_eq!(named("{sub}", &json!({"sub": "alice"}), None), Ok("alice".to_owned()));
        assert_eq!(named("{sub}", &json!({"sub": 12345}), None), Ok("12345".to_owned()));
        assert_eq!(named("web:{sub}", &json!({"sub": "alice"}), None), Ok("web:alice".to_owned()));
        let deep = json!({"https://x/user": {"id": "bob"}});
        assert_eq!(named("{/https:~1~1x~1user/id}", &deep, None), Ok("bob".to_owned()));
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
            for template in ["{sub}", "web:{sub}"] {
                assert_eq!(
                    named(template, &json!({"sub": user}), None),
                    Err(RejectionReason::UserId),
                    "{user}"
                );
            }
        }
        assert_eq!(named("{sub}", &json!({}), None), Err(RejectionReason::UserId));
    }

    #[test]
    fn a_pseudonym_is_the_hmac_of_the_name_and_hides_it() {
        // printf %s alice@example.com | openssl dgst -sha256 -hmac "$KEY" -binary | basenc --base64url
        let key = "0123456789abcdef0123456789abcdef";
        let pseudonym = named("{email}", &json!({"email": "alice@example.com"}), Some(key)).unwrap();
        assert_eq!(pseudonym, "hBJA0qW2ZUs64h_ESZ23t4Zwd83WfD4WzvH5hD4n0fo");
        let other = named("{email}", &json!({"email": "bob@example.com"}), Some(key)).unwrap();
        assert_ne!(pseudonym, other);
    }

    #[test]
    fn addresses_are_told_by_their_looks() {
        for address in ["a@b.c", "web:alice@example.com"] {
            assert!(looks_like_an_address(address), "{address}");
        }
        for name in ["alice", "@alice", "alice@host", "a@.b", "auth0|5f7c"] {
            assert!(!looks_like_an_address(name), "{name}");
        }
    }
}
