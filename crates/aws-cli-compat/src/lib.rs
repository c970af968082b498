//! `aws cognito-identity get-open-id-token-for-developer-identity` of the AWS CLI (v1), option for option and byte for
//! byte, at a thirtieth of its time.
//!
//! [`language`] is what the AWS CLI does for every operation: arguments, parameters, JMESPath queries, output formats.
//! [`command`] adds what is particular to this operation, and makes the call.

mod command;
mod error_chain;
mod language;
mod sigv4;

pub use command::{BearerError, BearerLookup, COMMAND, command_first, run};
