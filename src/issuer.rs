//! Token issuer port: request, response, and errors classified by how the caller should react. [`credentials`] is the
//! port for AWS credentials. [`identity_registry`] has the types of calls about identities. [`cognito`] makes all calls.

pub mod cognito;
pub mod credentials;
mod error;
pub mod identity_registry;
mod logins;
mod token;

pub use error::{ClassifiedError, ErrorClass, IssueError, IssueErrorKind};
pub use logins::{LoginToken, MAX_PUBLIC_LOGINS, PublicLogins};
pub use token::{IssueRequest, IssuedToken, TokenIssuer};
