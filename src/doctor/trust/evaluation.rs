//! Three-valued logic of trust policy evaluation, and the claims it is evaluated with.

/// Whether access is allowed. The order is that of IAM's "and": the minimum decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ternary {
    No,
    Unknown,
    Yes,
}

impl Ternary {
    pub(super) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    pub(super) fn any(values: impl Iterator<Item = Self>) -> Self {
        values.max().unwrap_or(Self::No)
    }

    pub(super) fn all(values: impl Iterator<Item = Self>) -> Self {
        values.min().unwrap_or(Self::Yes)
    }
}

impl From<bool> for Ternary {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// What IAM sees of a Cognito token.
#[derive(Debug, Clone)]
pub(super) struct TokenContext {
    /// The host of the token's issuer, which is the federated principal.
    pub(super) issuer_host: String,
    pub(super) audience: String,
    pub(super) methods: Vec<String>,
}
