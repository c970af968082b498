//! Pages: a `NextToken` names the last item given, so that items which come or go in between never make a
//! page skip or repeat one.

use base64_simd::URL_SAFE_NO_PAD;

use crate::protocol::ApiError;
use crate::validation;

/// The most items that any page has, and as many as it has when nobody asks for fewer.
pub(super) const MOST_RESULTS: i64 = 60;

/// One page of keys, and the token for the next one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next_token: Option<String>,
}

/// Cuts the page after `next_token` out of `items`, whose keys ascend.
pub(super) fn page<T>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &str,
    max_results: i64,
    next_token: Option<&str>,
) -> Result<Page<T>, ApiError> {
    validation::range("maxResults", max_results, 1..=MOST_RESULTS)?;
    let after = next_token.map(read_token).transpose()?;
    let mut rest = items
        .into_iter()
        .skip_while(|item| after.as_deref().is_some_and(|after| key(item) <= after))
        .peekable();
    let most = usize::try_from(max_results).unwrap_or(usize::MAX);
    let items: Vec<_> = rest.by_ref().take(most).collect();
    let more = rest.peek().is_some();
    let next_token = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode_to_string(key(last)));
    Ok(Page { items, next_token })
}

fn read_token(token: &str) -> Result<String, ApiError> {
    validation::length("nextToken", token, 1..=65_535)?;
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ApiError::invalid_parameter("Invalid NextToken."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_give_every_item_once_even_if_the_last_one_given_has_gone() {
        let first = page(["a", "b", "c"], |item| item, 2, None).unwrap();
        assert_eq!(first.items, ["a", "b"]);
        let second = page(["a", "c"], |item| item, 2, first.next_token.as_deref()).unwrap();
        assert_eq!(second, Page { items: vec!["c"], next_token: None });
    }

    #[test]
    fn a_page_size_or_a_token_that_is_none_is_refused() {
        for size in [0, -1, 61] {
            assert!(page(["a"], |item| item, size, None).is_err(), "{size}");
        }
        assert!(page(["a"], |item| item, 1, Some("not base64!")).is_err());
    }
}
