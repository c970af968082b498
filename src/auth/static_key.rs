//! A backend's key: long, random, and known here by its SHA-256 alone. Whoever reads the configuration cannot use it.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::caller::CallerBuilder;
use super::request::AuthRequest;
use super::{Caller, RejectionReason, Verdict};
use crate::config::StaticKeySettings;

/// What is shorter may be guessed by whoever has seen its digest.
const SHORTEST: usize = 32;

/// One backend's keys.
#[derive(Debug)]
pub(super) struct StaticKeyAuthenticator {
    settings: StaticKeySettings,
    /// Made once: a key says nothing but whose it is.
    service: Arc<Caller>,
}

impl StaticKeyAuthenticator {
    pub(super) fn new(vouch: &CallerBuilder, settings: StaticKeySettings) -> Self {
        let service = Arc::new(vouch.service(vouch.way().into()));
        Self { settings, service }
    }

    pub(super) fn takes_cookies(&self) -> bool {
        self.settings.credential_source.is_cookie()
    }

    pub(super) fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        let key = match self.settings.credential_source.credential(presented) {
            Ok(key) => key,
            Err(verdict) => return verdict,
        };
        let given = digest(&SHA256, key.as_bytes());
        let fits = |known: &[u8; 32]| verify_slices_are_equal(known, given.as_ref()).is_ok();
        if key.len() >= SHORTEST && self.settings.digests.iter().any(fits) {
            Verdict::Verified(self.service.clone())
        } else {
            // Other text may be another way's own: a token.
            Verdict::NotMine(RejectionReason::UnknownKey)
        }
    }
}
