//! Looks at the files again and again: a changed set is proved before it replaces the one in use, and one that
//! does not hold is refused, aloud, while the old one stays.

use std::sync::Weak;

use super::proof::{Contents, Digest, TlsFaults, prove};
use super::{InUse, Tls, TlsSettings};
use crate::metrics::labels::ReloadOutcome;
use clock::SharedClock;

/// One listener's files.
#[derive(Debug)]
pub(super) struct Watch {
    settings: TlsSettings,
    clock: SharedClock,
    /// What was last judged, whether it is in use or was refused.
    judged: Digest,
    /// What did not hold when it was seen for the first time. Certificate and key are two files: between the
    /// one and the other being written they do not belong together, and that is nobody's fault.
    suspect: Option<Digest>,
}

impl Watch {
    pub(super) fn new(settings: TlsSettings, contents: &Contents, clock: SharedClock) -> Self {
        Self { settings, clock, judged: contents.digest(), suspect: None }
    }

    /// Watches until the listener is gone.
    pub(super) async fn run(mut self, listener: Weak<Tls>) {
        loop {
            self.clock.sleep(self.settings.reload_interval).await;
            let Some(tls) = listener.upgrade() else { return };
            let settings = self.settings.clone();
            // Files may lie on a disk that has gone away; no thread that answers requests waits for it.
            let Ok(contents) = tokio::task::spawn_blocking(move || Contents::read(&settings)).await else {
                continue;
            };
            self.look(&tls, &contents);
        }
    }

    /// Compared by what is in them, not by their dates: a file that is swapped behind a symbolic link, as
    /// Kubernetes does, or written twice within a second is as changed as any other.
    fn look(&mut self, tls: &Tls, contents: &Contents) {
        let digest = contents.digest();
        if digest == self.judged {
            self.suspect = None;
            return;
        }
        let proved = prove(&self.settings, contents).and_then(|proved| {
            // At the start there may be nothing better; here there is.
            match proved.validity.fault_at(self.clock.now()) {
                Some(why) => Err(TlsFaults::of_certificate(&self.settings, &why)),
                None => InUse::of(proved, &self.clock),
            }
        });
        let listener = tls.listener();
        match proved {
            Ok(proved) => {
                let (expires, sha256) = (proved.ends.to_rfc3339(), proved.fingerprint.clone());
                tls.replace(proved);
                tls.metrics.tls_reloads_total.count(ReloadOutcome::Replaced);
                tracing::info!(listener, expires, sha256, "certificate reloaded");
            }
            Err(faults) if self.suspect != Some(digest) => {
                self.suspect = Some(digest);
                tracing::debug!(listener, %faults, "changed certificate files are invalid, checking again");
                return;
            }
            Err(faults) => {
                tls.metrics.tls_reloads_total.count(ReloadOutcome::Rejected);
                tracing::error!(listener, %faults, "certificate reload failed, keeping the previous certificate");
            }
        }
        self.judged = digest;
        self.suspect = None;
    }
}
