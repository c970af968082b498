//! Dates among claims: seconds since the Unix epoch, maybe with a fraction (NumericDate: RFC 7519, section 2). One
//! reader for all who look at them, so that what one takes for an end no other takes for none.

use serde_json::Value;

use clock::Timestamp;

/// What stands there is no date. It must never count as no end at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no number of seconds")]
pub(crate) struct InvalidNumericDate;

/// The date in a claim that was signed, where nothing but a number is one.
pub(crate) fn parse(claim: Option<&Value>) -> Result<Option<Timestamp>, InvalidNumericDate> {
    claim.map(|value| value.as_f64().ok_or(InvalidNumericDate).and_then(date)).transpose()
}

/// The date that somebody told who was asked: from a header as text, and by some with `null` for none.
pub(crate) fn parse_lenient(claim: Option<&Value>) -> Result<Option<Timestamp>, InvalidNumericDate> {
    match claim {
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => text.parse().map_err(|_| InvalidNumericDate).and_then(date).map(Some),
        number => parse(number),
    }
}

fn date(seconds: f64) -> Result<Timestamp, InvalidNumericDate> {
    // Saturates: a date beyond the range of the type is as far away as can be.
    if seconds.is_finite() {
        Ok(Timestamp::from_millis((seconds * 1000.0) as i64))
    } else {
        Err(InvalidNumericDate)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_date_is_a_number_of_seconds_and_what_is_odd_is_not_taken_for_none() {
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
        for odd in [json!("tomorrow"), json!("NaN"), json!("inf"), json!(" 1"), json!(true), json!([1000])] {
            assert_eq!(
                (parse(Some(&odd)), parse_lenient(Some(&odd))),
                (Err(InvalidNumericDate), Err(InvalidNumericDate)),
                "{odd}"
            );
        }
        // Where all is text, and where nothing is written as something.
        for (value, date) in [
            (json!("1000.5"), Some(Timestamp::from_millis(1_000_500))),
            (json!(""), None),
            (json!(null), None),
        ] {
            assert_eq!(
                (parse(Some(&value)), parse_lenient(Some(&value))),
                (Err(InvalidNumericDate), Ok(date)),
                "{value}"
            );
        }
        assert_eq!((parse(None), parse_lenient(None)), (Ok(None), Ok(None)));
    }
}
