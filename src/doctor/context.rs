//! What all checks use: settings, AWS clients, clock and timeout.

use std::time::Duration;

use super::report::Check;
use crate::config::Settings;
use crate::issuer::cognito::{AwsError, AwsErrorKind, Cognito};
use clock::SharedClock;

#[derive(Debug)]
pub(super) struct DoctorContext {
    pub(super) settings: Settings,
    pub(super) cognito: Cognito,
    pub(super) clock: SharedClock,
    pub(super) timeout: Duration,
}

impl DoctorContext {
    /// The checks' results, or after the timeout the failure of `check` alone.
    pub(super) async fn within_timeout(&self, check: Check, checks: impl Future<Output = Vec<Check>>) -> Vec<Check> {
        let fix = "check firewall and proxy; --timeout sets a longer limit";
        self.with_timeout(checks).await.unwrap_or_else(|error| vec![check.fail(error.message, fix)])
    }

    /// The result of a call; after the timeout, AWS counts as unreachable.
    pub(super) async fn with_timeout<T>(&self, call: impl Future<Output = T>) -> Result<T, AwsError> {
        tokio::select! {
            result = call => Ok(result),
            () = self.clock.sleep(self.timeout) => {
                let message = format!("no response within {}", humantime::format_duration(self.timeout));
                Err(AwsError { kind: AwsErrorKind::Unreachable, message })
            }
        }
    }
}
