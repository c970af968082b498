//! Dotted paths of keys, as faults show them and as TOML writes them.

/// A dotted path and one more key. As in TOML, a key that has more than letters, digits, '-' and '_' is quoted.
pub(super) fn join(path: &str, key: &str) -> String {
    let is_bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let key = if is_bare { key.to_owned() } else { format!("\"{key}\"") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The keys of a dotted path, without their quotes.
pub(super) fn segments(path: &str) -> Vec<&str> {
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
    fn a_path_comes_apart_into_the_keys_that_it_was_made_of() {
        let keys = ["pools", "main", "claims", "https://app.example/role", "/a/b", "c"];
        let path = keys.iter().fold(String::new(), |path, key| join(&path, key));
        assert_eq!(path, r#"pools.main.claims."https://app.example/role"."/a/b".c"#);
        assert_eq!(segments(&path), keys);
        assert_eq!(segments(&join("a", "b.c")), ["a", "b.c"]);
    }
}
