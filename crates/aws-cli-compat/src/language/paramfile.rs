//! Parameters with their value in a file: `file://` for text, `fileb://` for bytes. `~` and `$VARIABLE` are expanded, as
//! the AWS CLI does.

use std::io::ErrorKind;
use std::path::Path;

use crate::language::value::{Value, repr_text};

/// Home directory and environment, for the expansion of paths.
pub(crate) struct PathContext<'s> {
    pub(crate) home: &'s Path,
    /// Looks an environment variable up.
    pub(crate) variable: &'s dyn Fn(&str) -> Option<String>,
}

/// The content of the file that a parameter names; `None` if it names no file.
///
/// # Errors
/// The file cannot be read; the message is the AWS CLI's. It has the file's name, but never its content.
pub(crate) fn read(parameter: &str, context: &PathContext<'_>) -> Result<Option<Value>, String> {
    let (name, is_text) = match parameter.strip_prefix("file://") {
        Some(name) => (name, true),
        None => match parameter.strip_prefix("fileb://") {
            Some(name) => (name, false),
            None => return Ok(None),
        },
    };
    let path = expand(name, context);
    let bytes = std::fs::read(&path).map_err(|error| {
        format!("Unable to load paramfile {parameter}: {}: {}", os_error_message(&error), repr_text(&path))
    })?;
    if !is_text {
        return Ok(Some(Value::Bytes(bytes)));
    }
    match String::from_utf8(bytes) {
        // Python's text mode converts line ends.
        Ok(text) => Ok(Some(Value::Text(text.replace("\r\n", "\n").replace('\r', "\n")))),
        Err(_) => Err(format!(
            "Unable to load paramfile ({path}), text contents could not be decoded.  If this is a binary file, \
             please use the fileb:// prefix instead of the file:// prefix."
        )),
    }
}

/// The message of an operating system error in Python.
fn os_error_message(error: &std::io::Error) -> String {
    let number = error.raw_os_error().unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::NotFound => "No such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "Permission denied".to_owned(),
        ErrorKind::IsADirectory => "Is a directory".to_owned(),
        ErrorKind::NotADirectory => "Not a directory".to_owned(),
        _ => error.to_string(),
    };
    format!("[Errno {number}] {message}")
}

/// Replaces `~`, `~/…`, `$NAME` and `${NAME}`. A variable that is not set stays unchanged.
pub(crate) fn expand(name: &str, context: &PathContext<'_>) -> String {
    let name = match name.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", context.home.display().to_string().trim_end_matches('/'))
        }
        _ => name.to_owned(),
    };
    let mut expanded = String::new();
    let mut rest = name.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let (variable, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((variable, _)) => (variable, variable.len() + 2),
            None => {
                let length = after.find(|character| !is_of_name(character)).unwrap_or(after.len());
                (&after[..length], length)
            }
        };
        match (context.variable)(variable) {
            Some(value) => expanded.push_str(&value),
            None => {
                expanded.push('$');
                expanded.push_str(&after[..length]);
            }
        }
        rest = &after[length..];
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_expanded_as_a_shell_does() {
        let variable = |name: &str| (name == "A").then(|| "x".to_owned());
        let context = PathContext { home: Path::new("/home/u"), variable: &variable };
        for (name, expected) in
            [("~/a", "/home/u/a"), ("~", "/home/u"), ("~other/a", "~other/a"), ("$A/${A}y/$B", "x/xy/$B"), ("a$", "a$")]
        {
            assert_eq!(expand(name, &context), expected, "{name}");
        }
    }
}
