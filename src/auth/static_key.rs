//! Static key authenticator: a long random key of a backend. The configuration has only its SHA-256, so that reading
//! the configuration does not give access.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::rejection::RejectionReason;
use super::request::AuthRequest;
use super::settings::StaticKeySettings;

/// A shorter key could be guessed from its digest.
const MIN_KEY_LEN: usize = 32;

#[derive(Debug)]
pub(super) struct StaticKeyAuthenticator {
    settings: StaticKeySettings,
    /// Built once: a key says only which service it belongs to.
    service: Arc<Caller>,
}

impl StaticKeyAuthenticator {
    pub(super) fn new(callers: &CallerBuilder, settings: StaticKeySettings) -> Self {
        Self { settings, service: callers.build_service(callers.name().into()) }
    }

    pub(super) fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        let key = self.settings.credential_source.credential(request)?;
        let given = digest(&SHA256, key.as_bytes());
        let is_same = |known: &[u8; 32]| verify_slices_are_equal(known, given.as_ref()).is_ok();
        if key.len() >= MIN_KEY_LEN && self.settings.digests.iter().any(is_same) {
            Ok(self.service.clone())
        } else {
            // Other text may be the credential of another authenticator: a token.
            Err(Declined::NotApplicable(RejectionReason::UnknownKey))
        }
    }
}
