//! Pagination. A `NextToken` contains the key of the last returned item, so that no item is skipped or repeated when
//! others are added or removed between pages.

use base64_simd::URL_SAFE_NO_PAD;

use crate::protocol::OperationError;
use crate::validation;

/// The largest page size, and the default.
pub(super) const MAX_RESULTS: i64 = 60;

/// One page of items, and the token for the next one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next_token: Option<String>,
}

/// Returns the page of `items` after `next_token`. The keys must be ascending.
pub(super) fn paginate<T>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &str,
    max_results: i64,
    next_token: Option<&str>,
) -> Result<Page<T>, OperationError> {
    validation::range("maxResults", max_results, 1..=MAX_RESULTS)?;
    let after = next_token.map(decode_token).transpose()?;
    let mut rest =
        items.into_iter().skip_while(|item| after.as_deref().is_some_and(|after| key(item) <= after)).peekable();
    let max = usize::try_from(max_results).unwrap_or(usize::MAX);
    let items: Vec<_> = rest.by_ref().take(max).collect();
    let more = rest.peek().is_some();
    let next_token = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode_to_string(key(last)));
    Ok(Page { items, next_token })
}

fn decode_token(token: &str) -> Result<String, OperationError> {
    validation::length("nextToken", token, 1..=65_535)?;
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| OperationError::invalid_parameter("Invalid NextToken."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_return_every_item_once_even_if_the_last_returned_one_was_removed() {
        let first = paginate(["a", "b", "c"], |item| item, 2, None).unwrap();
        assert_eq!(first.items, ["a", "b"]);
        let second = paginate(["a", "c"], |item| item, 2, first.next_token.as_deref()).unwrap();
        assert_eq!(second, Page { items: vec!["c"], next_token: None });
    }

    #[test]
    fn an_invalid_page_size_or_token_is_rejected() {
        for size in [0, -1, 61] {
            assert!(paginate(["a"], |item| item, size, None).is_err(), "{size}");
        }
        assert!(paginate(["a"], |item| item, 1, Some("not base64!")).is_err());
    }
}
