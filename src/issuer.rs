//! Token issuer port: request, response, and errors classified by how the caller should react. [`credentials`] and
//! [`identity_registry`] are the ports for AWS credentials and for identities; [`cognito`] implements all three.

pub mod cognito;
pub mod credentials;
mod error;
pub mod identity_registry;
mod logins;
mod token;

pub use error::{IssueError, IssueErrorKind};
pub use logins::{LoginToken, PublicLogins};
pub use token::{IssueRequest, IssuedToken, TokenIssuer};
