//! Dates in claims: seconds since the Unix epoch, possibly with a fraction (NumericDate, RFC 7519, section 2). One
//! parser for all authenticators, so that all of them agree whether a credential has an end.

use serde_json::Value;

use clock::Timestamp;

/// The value is not a date. It must never count as an absent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a number of seconds")]
pub(crate) struct InvalidNumericDate;

/// Parses a signed claim, where only a number is a date.
pub(crate) fn parse(claim: Option<&Value>) -> Result<Option<Timestamp>, InvalidNumericDate> {
    claim.map(|value| value.as_f64().ok_or(InvalidNumericDate).and_then(date)).transpose()
}

/// Parses a claim of an endpoint's response. It may be a string, as in headers. `null` and the empty string count as
/// absent.
pub(crate) fn parse_lenient(claim: Option<&Value>) -> Result<Option<Timestamp>, InvalidNumericDate> {
    match claim {
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => text.parse().map_err(|_| InvalidNumericDate).and_then(date).map(Some),
        number => parse(number),
    }
}

fn date(seconds: f64) -> Result<Timestamp, InvalidNumericDate> {
    // The cast saturates: a date beyond the range of the type becomes the last one.
    if seconds.is_finite() { Ok(Timestamp::from_millis((seconds * 1000.0) as i64)) } else { Err(InvalidNumericDate) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_date_is_a_number_of_seconds_and_an_invalid_one_does_not_count_as_absent() {
        for (value, millis) in [
            (json!(1000), 1_000_000),
            (json!(1000.25), 1_000_250),
            (json!(-1), -1000),
            (json!(1e300), i64::MAX),
            (json!(u64::MAX), i64::MAX),
        ] {
            let date = Ok(Some(Timestamp::from_millis(millis)));
            assert_eq!((parse(Some(&value)), parse_lenient(Some(&value))), (date, date), "{value}");
        }
        for bad in [json!("tomorrow"), json!("NaN"), json!("inf"), json!(" 1"), json!(true), json!([1000])] {
            assert_eq!(
                (parse(Some(&bad)), parse_lenient(Some(&bad))),
                (Err(InvalidNumericDate), Err(InvalidNumericDate)),
                "{bad}"
            );
        }
        // In headers, where each value is a string, and where an absent date is sent as a value.
        for (value, date) in
            [(json!("1000.5"), Some(Timestamp::from_millis(1_000_500))), (json!(""), None), (json!(null), None)]
        {
            assert_eq!(
                (parse(Some(&value)), parse_lenient(Some(&value))),
                (Err(InvalidNumericDate), Ok(date)),
                "{value}"
            );
        }
        assert_eq!((parse(None), parse_lenient(None)), (Ok(None), Ok(None)));
    }
}
