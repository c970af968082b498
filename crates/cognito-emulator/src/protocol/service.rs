//! The AWS services that the emulator implements.

/// The services that share the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AwsService {
    CognitoIdentity,
    Iam,
    Sts,
}

impl AwsService {
    /// The service's name in the scope of a signature.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::CognitoIdentity => "cognito-identity",
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The content type of responses.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::CognitoIdentity => "application/x-amz-json-1.1",
            Self::Iam | Self::Sts => "text/xml",
        }
    }
}
