//! Names of the operation and its service.

/// The AWS CLI's name of this command.
pub const COMMAND: &str = "get-open-id-token-for-developer-identity";
/// The AWS CLI's name of the command's service.
pub(super) const SERVICE: &str = "cognito-identity";
/// Cognito's name of the operation. The AWS CLI prints it as the title of tables.
pub(super) const OPERATION: &str = "GetOpenIdTokenForDeveloperIdentity";
