//! The language of the AWS CLI (v1), independent of its services: arguments, parameters, queries and output formats.
//!
//! Python's behaviour is reproduced wherever it is visible, because scripts depend on the exact output. The reference is
//! the real AWS CLI, with which `tests/compat` compares the command.

pub(crate) mod argparse;
pub(crate) mod jmespath;
pub(crate) mod json;
pub(crate) mod output;
pub(crate) mod paramfile;
pub(crate) mod shorthand;
pub(crate) mod value;
