//! JSON as Python's standard library reads and writes it: the CLI's output is its bytes, and its errors quote
//! the reader's words.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::{JsonStyle, write};
