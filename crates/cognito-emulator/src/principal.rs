//! Principals that sign requests, as IAM and STS name them: users with an access key, and role sessions.

use std::sync::Arc;

use aws_lc_rs::digest;

use cognito_types::{PrincipalTags, RoleArn};

/// A session of an assumed role.
#[derive(Debug)]
pub(crate) struct RoleSession {
    pub(crate) role: RoleArn,
    pub(crate) name: String,
    pub(crate) tags: PrincipalTags,
}

impl RoleSession {
    /// `arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION`, without the role's path.
    pub(crate) fn arn(&self) -> String {
        let role = &self.role;
        format!("arn:{}:sts::{}:assumed-role/{}/{}", role.partition(), role.account(), role.name(), self.name)
    }

    /// `AROA…:SESSION`.
    pub(crate) fn id(&self) -> String {
        format!("{}:{}", role_id(&self.role), self.name)
    }
}

/// The principal that signed a request.
#[derive(Debug, Clone)]
pub(crate) enum Principal {
    /// An access key of the settings: an IAM user whose name is the access key id.
    User { access_key_id: String },
    /// Temporary credentials of a role session.
    Session(Arc<RoleSession>),
}

impl Principal {
    /// The account of the principal. A user is in `own`, the emulator's account.
    pub(crate) fn account<'a>(&'a self, own: &'a str) -> &'a str {
        match self {
            Self::User { .. } => own,
            Self::Session(session) => session.role.account(),
        }
    }

    pub(crate) fn arn(&self, own_account: &str) -> String {
        match self {
            Self::User { access_key_id } => format!("arn:aws:iam::{own_account}:user/{access_key_id}"),
            Self::Session(session) => session.arn(),
        }
    }

    pub(crate) fn user_id(&self) -> String {
        match self {
            Self::User { access_key_id } => unique_id("AIDA", access_key_id),
            Self::Session(session) => session.id(),
        }
    }
}

/// The unique id of a role, `AROA…`.
pub(crate) fn role_id(role: &RoleArn) -> String {
    unique_id("AROA", role.as_str())
}

/// An id in the format of IAM, derived from the text.
fn unique_id(prefix: &str, text: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let letters = digest.as_ref().iter().take(17).map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    prefix.chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_arn_has_the_name_of_the_role_without_its_path() {
        let session = |arn: &str| RoleSession {
            role: RoleArn::parse(arn).unwrap(),
            name: "alice".to_owned(),
            tags: PrincipalTags::none(),
        };
        assert_eq!(
            session("arn:aws:iam::123456789012:role/mobile/users/App").arn(),
            "arn:aws:sts::123456789012:assumed-role/App/alice"
        );
        assert_eq!(
            session("arn:aws-cn:iam::210987654321:role/App").arn(),
            "arn:aws-cn:sts::210987654321:assumed-role/App/alice"
        );
        let id = session("arn:aws:iam::123456789012:role/App").id();
        assert!(id.starts_with("AROA") && id.ends_with(":alice") && id.len() == 27, "{id}");
    }
}
