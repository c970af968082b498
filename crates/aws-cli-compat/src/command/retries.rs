//! Retries: which errors are retried, how often and after which delay. They are the AWS CLI's, because Cognito counts
//! each attempt as a request. The AWS CLI's default is the mode `legacy`.

use std::time::Duration;

use super::response::ServiceError;

/// The retry modes. `adaptive` is `standard` with a client-side rate limit, which has no effect on one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Legacy,
    Standard,
}

impl Mode {
    pub(super) fn default_attempts(self) -> u32 {
        match self {
            Self::Legacy => 5,
            Self::Standard => 3,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Retries {
    pub(super) mode: Mode,
    /// The first attempt included.
    pub(super) max_attempts: u32,
}

/// From botocore's `_retry.json`; with HTTP 400 only.
const LEGACY_CODES: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "RequestThrottledException",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
];
/// From botocore's `retries/standard.py`.
const STANDARD_CODES: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

impl Retries {
    /// Whether an error response is retried. Attempts without a response are always retried.
    pub(super) fn is_retryable(self, error: &ServiceError) -> bool {
        let code = error.code.as_str();
        match self.mode {
            Mode::Legacy => {
                matches!(error.status, 429 | 500 | 502 | 503 | 504 | 509)
                    || (error.status == 400 && LEGACY_CODES.contains(&code))
            }
            Mode::Standard => matches!(error.status, 500 | 502 | 503 | 504) || STANDARD_CODES.contains(&code),
        }
    }

    /// The delay after so many attempts: a random part of a maximum that doubles with each attempt.
    pub(super) fn backoff(self, attempts: u32) -> Duration {
        let max_seconds = match self.mode {
            Mode::Legacy => f64::from(2_u32.saturating_pow(attempts - 1)),
            Mode::Standard => f64::from(2_u32.saturating_pow(attempts - 1).min(20)),
        };
        Duration::from_secs_f64(fastrand::f64() * max_seconds)
    }
}
