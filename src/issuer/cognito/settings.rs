//! Settings of the AWS clients.

use std::time::Duration;

use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct CognitoSettings {
    /// Replaces AWS's own endpoint of the region.
    pub endpoint_url: Option<String>,
    pub connect_timeout: Duration,
    /// Until the first byte of the response.
    pub read_timeout: Duration,
    /// For the whole call, credentials and connection included.
    pub operation_timeout: Duration,
    /// Replaces the SDK's credential chain. For the emulator; not read from the configuration, because long-lived
    /// keys do not belong there.
    pub credentials: Option<AccessKey>,
}

#[derive(Debug, Clone)]
pub struct AccessKey {
    pub id: String,
    pub secret: Secret,
}
