//! The AWS CLI (v1) as its users know it, without any of its services: how it reads arguments and parameters,
//! queries answers, and lays them out. Python's habits included, where they show: scripts rely on its bytes.
//!
//! The judge is the real AWS CLI, before which `tests/api/aws_cli.rs` puts the command that is built on this
//! (`cli/get_open_id_token.rs`).

pub(crate) mod argparse;
pub(crate) mod jmespath;
pub(crate) mod json;
pub(crate) mod output;
pub(crate) mod paramfile;
pub(crate) mod shorthand;
pub(crate) mod value;
