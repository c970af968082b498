//! JSON as Python's standard library reads and writes it: the AWS CLI's output consists of its bytes, and its error
//! messages contain the reader's texts.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::{JsonStyle, write};
