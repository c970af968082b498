//! What is tried again, how often and after what pause: as the AWS CLI does it, because each try is a request
//! on the wire that Cognito counts. Its own default is the old way, `legacy`.

use std::time::Duration;

use super::response::ServiceError;

/// The CLI's ways. `adaptive` is `standard` with a client-side rate, which one call cannot notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Legacy,
    Standard,
}

impl Mode {
    pub(super) fn usual_attempts(self) -> u32 {
        match self {
            Self::Legacy => 5,
            Self::Standard => 3,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Retries {
    pub(super) mode: Mode,
    /// All attempts, the first included.
    pub(super) attempts: u32,
}

/// Of botocore's `_retry.json`; only with HTTP 400.
const LEGACY_CODES: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "RequestThrottledException",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
];
/// Of botocore's `retries/standard.py`.
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
    /// Whether what was refused may be granted the next time. A call that never came to an answer always may.
    pub(super) fn is_worth_another(self, refusal: &ServiceError) -> bool {
        let code = refusal.code.as_str();
        match self.mode {
            Mode::Legacy => {
                matches!(refusal.status, 429 | 500 | 502 | 503 | 504 | 509)
                    || (refusal.status == 400 && LEGACY_CODES.contains(&code))
            }
            Mode::Standard => {
                matches!(refusal.status, 500 | 502 | 503 | 504) || STANDARD_CODES.contains(&code)
            }
        }
    }

    /// The pause after so many attempts: twice as long each time, and of that a random part.
    pub(super) fn pause(self, attempts: u32) -> Duration {
        let longest = match self.mode {
            Mode::Legacy => f64::from(2_u32.saturating_pow(attempts - 1)),
            Mode::Standard => f64::from(2_u32.saturating_pow(attempts - 1).min(20)),
        };
        Duration::from_secs_f64(fastrand::f64() * longest)
    }
}
