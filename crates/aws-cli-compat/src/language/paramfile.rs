//! Parameters whose value stands in a file: `file://` for text, `fileb://` for bytes. `~` and `$VARIABLE` are
//! expanded, as the CLI does.

use std::io::ErrorKind;
use std::path::Path;

use crate::language::value::{Value, quoted};

/// What the names of files may refer to.
pub(crate) struct PathContext<'s> {
    /// What `~` stands for.
    pub(crate) home: &'s Path,
    /// A variable of the environment.
    pub(crate) variable: &'s dyn Fn(&str) -> Option<String>,
}

/// What the file holds that this parameter names; nothing, if it names none.
///
/// # Errors
/// The CLI's words on why the file cannot be read. They have its name, never what is in it.
pub(crate) fn read(parameter: &str, surroundings: &PathContext<'_>) -> Result<Option<Value>, String> {
    let (name, is_text) = match parameter.strip_prefix("file://") {
        Some(name) => (name, true),
        None => match parameter.strip_prefix("fileb://") {
            Some(name) => (name, false),
            None => return Ok(None),
        },
    };
    let path = expanded(name, surroundings);
    let bytes = std::fs::read(&path).map_err(|error| {
        format!("Unable to load paramfile {parameter}: {}: {}", words(&error), quoted(&path))
    })?;
    if !is_text {
        return Ok(Some(Value::Bytes(bytes)));
    }
    match String::from_utf8(bytes) {
        // Python's text mode has one kind of line end.
        Ok(text) => Ok(Some(Value::Text(text.replace("\r\n", "\n").replace('\r', "\n")))),
        Err(_) => Err(format!(
            "Unable to load paramfile ({path}), text contents could not be decoded.  If this is a binary file, \
             please use the fileb:// prefix instead of the file:// prefix."
        )),
    }
}

/// The system's words, as Python has them.
fn words(error: &std::io::Error) -> String {
    let number = error.raw_os_error().unwrap_or_default();
    let words = match error.kind() {
        ErrorKind::NotFound => "No such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "Permission denied".to_owned(),
        ErrorKind::IsADirectory => "Is a directory".to_owned(),
        ErrorKind::NotADirectory => "Not a directory".to_owned(),
        _ => error.to_string(),
    };
    format!("[Errno {number}] {words}")
}

/// With `~`, `~/…`, `$NAME` and `${NAME}` replaced; a variable that is not set stays as it is.
pub(crate) fn expanded(name: &str, surroundings: &PathContext<'_>) -> String {
    let name = match name.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", surroundings.home.display().to_string().trim_end_matches('/'))
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
        match (surroundings.variable)(variable) {
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
    fn names_are_expanded_as_a_shell_would() {
        let variable = |name: &str| (name == "A").then(|| "x".to_owned());
        let surroundings = PathContext { home: Path::new("/home/u"), variable: &variable };
        for (name, wanted) in [
            ("~/a", "/home/u/a"),
            ("~", "/home/u"),
            ("~other/a", "~other/a"),
            ("$A/${A}y/$B", "x/xy/$B"),
            ("a$", "a$"),
        ] {
            assert_eq!(expanded(name, &surroundings), wanted, "{name}");
        }
    }
}
