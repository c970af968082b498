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
    pub(super) async fn within_timeout(&self, checks: impl Future<Output = Vec<Check>>, check: Check) -> Vec<Check> {
        tokio::select! {
            results = checks => results,
            () = self.clock.sleep(self.timeout) => {
                let fix = "check firewall and proxy; --timeout sets a longer limit";
                vec![check.fail(self.timeout_message(), fix)]
            }
        }
    }

    /// The result of an optional call; after the timeout, AWS counts as unreachable.
    pub(super) async fn with_timeout<T>(&self, call: impl Future<Output = Result<T, AwsError>>) -> Result<T, AwsError> {
        tokio::select! {
            result = call => result,
            () = self.clock.sleep(self.timeout) => {
                Err(AwsError { kind: AwsErrorKind::Unreachable, message: self.timeout_message() })
            }
        }
    }

    fn timeout_message(&self) -> String {
        format!("no response within {}", humantime::format_duration(self.timeout))
    }
}
