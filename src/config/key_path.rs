//! Dotted paths of keys, as in TOML and in error messages.

/// Appends a key to a dotted path. As in TOML, a key with other characters than letters, digits, '-' and '_' is quoted.
pub(super) fn join(path: &str, key: &str) -> String {
    let is_bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let key = if is_bare { key.to_owned() } else { format!("\"{key}\"") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// Splits a dotted path into its keys, without their quotes.
pub(super) fn split(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (segment, after) = match rest.strip_prefix('"').and_then(|quoted| quoted.split_once("\".")) {
            Some((segment, after)) => (segment, after),
            None if rest.starts_with('"') => (rest.trim_matches('"'), ""),
            None => rest.split_once('.').unwrap_or((rest, "")),
        };
        segments.push(segment);
        rest = after;
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_splits_into_the_keys_that_it_was_joined_from() {
        let keys = ["pools", "main", "claims", "https://app.example/role", "/a/b", "c"];
        let path = keys.iter().fold(String::new(), |path, key| join(&path, key));
        assert_eq!(path, r#"pools.main.claims."https://app.example/role"."/a/b".c"#);
        assert_eq!(split(&path), keys);
        assert_eq!(split(&join("a", "b.c")), ["a", "b.c"]);
    }
}
