//! Result of rendering a value.

/// The bytes for standard output, and the error that ended the rendering, if any. The text before an error is printed,
/// because the AWS CLI has written it by then.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) error: Option<String>,
}
