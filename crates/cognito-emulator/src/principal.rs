//! Who signs a call, as IAM and STS name them: a user who holds an access key, or whoever has taken a role.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;

use cognito_types::PrincipalTags;

/// A role's ARN, `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleArn(Arc<str>);

impl RoleArn {
    /// Takes the text if it is a role's ARN; says what is wrong otherwise. The emulator knows no accounts and
    /// no roles: each one that could exist is there.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let arn = Self(text.into());
        let Some((partition, account, path)) = arn.parts() else {
            return Err("it is no ARN of a role; one looks like arn:aws:iam::123456789012:role/NAME");
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_in_a_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !partition.starts_with("aws") || text.encode_utf16().count() > 2048 {
            Err(
                "its partition is none, or it is too long; it begins with arn:aws: and has at most 2048 characters",
            )
        } else if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            Err("the account in it has to have 12 digits")
        } else if name.is_empty() || name.len() > 64 || !name.chars().all(is_in_a_name) {
            Err("the role's name in it has to have 1 to 64 letters, digits and _+=,.@-")
        } else {
            Ok(arn)
        }
    }

    /// The ARN of the role of that name in an account.
    pub(super) fn of(account: &str, name: &str) -> Self {
        Self(format!("arn:aws:iam::{account}:role/{name}").into())
    }

    /// The text as AWS takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The role's name, without its path.
    pub(super) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The path, from `/` to `/`.
    pub(super) fn path(&self) -> &str {
        let path = self.0.split_once(":role").map_or("/", |(_, path)| path);
        path.strip_suffix(self.name()).unwrap_or(path)
    }

    /// The role's own id, `AROA…`.
    pub(super) fn id(&self) -> String {
        unique_id("AROA", self.as_str())
    }

    /// Partition, account, and the path with the name at its end.
    fn parts(&self) -> Option<(&str, &str, &str)> {
        let (partition, rest) = self.0.strip_prefix("arn:")?.split_once(":iam::")?;
        let (account, path) = rest.split_once(":role/")?;
        Some((partition, account, path))
    }
}

impl fmt::Debug for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A role that somebody has taken for a while.
#[derive(Debug)]
pub(super) struct RoleSession {
    pub(super) role: RoleArn,
    pub(super) name: String,
    pub(super) tags: PrincipalTags,
}

impl RoleSession {
    fn account(&self) -> &str {
        self.role.parts().map_or("", |(_, account, _)| account)
    }

    /// `arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION`; a role's path is not in it.
    pub(super) fn arn(&self) -> String {
        let (partition, account, _) = self.role.parts().unwrap_or(("aws", "", ""));
        format!("arn:{partition}:sts::{account}:assumed-role/{}/{}", self.role.name(), self.name)
    }

    /// `AROA…:SESSION`.
    pub(super) fn id(&self) -> String {
        format!("{}:{}", self.role.id(), self.name)
    }
}

/// Who signs a call.
#[derive(Debug, Clone)]
pub(super) enum Principal {
    /// The holder of an access key that the emulator was set up with: an IAM user of the key's name.
    User { access_key_id: String },
    /// The holder of temporary credentials.
    Session(Arc<RoleSession>),
}

impl Principal {
    /// The principal's account; a user is of the emulator's own.
    pub(super) fn account<'a>(&'a self, own: &'a str) -> &'a str {
        match self {
            Self::User { .. } => own,
            Self::Session(session) => session.account(),
        }
    }

    pub(super) fn arn(&self, own_account: &str) -> String {
        match self {
            Self::User { access_key_id } => format!("arn:aws:iam::{own_account}:user/{access_key_id}"),
            Self::Session(session) => session.arn(),
        }
    }

    pub(super) fn user_id(&self) -> String {
        match self {
            Self::User { access_key_id } => unique_id("AIDA", access_key_id),
            Self::Session(session) => session.id(),
        }
    }
}

/// An id of IAM's form, always the same for the same text.
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
    fn a_session_is_named_by_its_role_without_the_role_s_path() {
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
        let role = RoleArn::parse("arn:aws:iam::123456789012:role/mobile/users/App").unwrap();
        assert_eq!((role.path(), role.name()), ("/mobile/users/", "App"));
        let id = session("arn:aws:iam::123456789012:role/App").id();
        assert!(id.starts_with("AROA") && id.ends_with(":alice") && id.len() == 27, "{id}");
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for bad in [
            "",
            "App",
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:iam::12345678901:role/App",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/A B",
            "arn:gcp:iam::123456789012:role/App",
        ] {
            assert!(RoleArn::parse(bad).is_err(), "{bad:?} must be refused");
        }
    }
}
