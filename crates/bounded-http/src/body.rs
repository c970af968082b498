//! Bodies, up to a limit.

use std::error::Error;
use std::fmt;

use reqwest::Response;

/// Why there is no response body.
#[derive(Debug)]
pub enum HttpError {
    /// The exchange failed. Displayed with its causes and without its URL, which the caller may not want to show.
    Exchange(reqwest::Error),
    /// The body is larger than the limit.
    BodyTooLarge {
        /// The limit.
        max_bytes: usize,
    },
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        Self::Exchange(error.without_url())
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(error) => {
                // The outermost text alone often says no more than "error sending request".
                let mut text = error.to_string();
                for cause in std::iter::successors(error.source(), |cause| (*cause).source()) {
                    let cause = cause.to_string();
                    if !text.ends_with(&cause) {
                        text = format!("{text}: {cause}");
                    }
                }
                f.write_str(&text)
            }
            Self::BodyTooLarge { max_bytes } => write!(f, "the response is larger than {max_bytes} bytes"),
        }
    }
}

impl Error for HttpError {}

/// The body of a response, decoded.
///
/// # Errors
/// It breaks off, or is larger than `max_bytes`.
pub async fn read_body(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max_bytes {
            return Err(HttpError::BodyTooLarge { max_bytes });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let response = || Response::from(http::Response::new("12345678"));
        assert_eq!(read_body(response(), 8).await.unwrap(), b"12345678");
        let error = read_body(response(), 7).await.unwrap_err();
        assert_eq!(error.to_string(), "the response is larger than 7 bytes");
    }
}
