//! Reloading of certificate files: checks them regularly, and replaces the configuration if all changed files are valid.
//! Otherwise it logs an error and the previous configuration stays in use.

use std::sync::{Arc, Weak};
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use super::files::TlsFiles;
use super::listener::Tls;
use super::load::{TlsFileErrors, load};
use super::settings::TlsSettings;
use crate::metrics::Metrics;
use crate::metrics::labels::{Label as _, ListenerName, ReloadOutcome};
use clock::SharedClock;

/// Loads the files of a listener, and reloads them on the current runtime until the listener is dropped. A certificate
/// that is not valid now is a warning.
///
/// # Errors
/// All errors in the files.
pub(crate) fn start(
    settings: &TlsSettings,
    listener: ListenerName,
    clock: &SharedClock,
    metrics: &Arc<Metrics>,
) -> Result<Arc<Tls>, TlsFileErrors> {
    let files = TlsFiles::read(settings);
    let loaded = load(settings, &files, Arc::new(TlsClock(clock.clone())))?;
    if let Some(why) = loaded.validity.error_at(clock.now()) {
        let file = settings.certificate_file.display();
        tracing::warn!(listener = listener.text(), %file, "certificate {why}: clients will reject it");
    }
    let tls = Arc::new(Tls::new(&loaded, listener, metrics.clone()));
    let reloader =
        Reloader { settings: settings.clone(), clock: clock.clone(), handled: files.digest(), suspect: None };
    tokio::spawn(reloader.run(Arc::downgrade(&tls)));
    Ok(tls)
}

/// The files of one listener.
#[derive(Debug)]
struct Reloader {
    settings: TlsSettings,
    clock: SharedClock,
    /// Digest of the files that were last loaded or rejected.
    handled: Vec<u8>,
    /// Digest of files that were invalid when they were first seen. Certificate and key are two files, which do not
    /// match while only one of them has been written: they are rejected at the second check only.
    suspect: Option<Vec<u8>>,
}

impl Reloader {
    /// Checks the files until the listener is dropped.
    async fn run(mut self, listener: Weak<Tls>) {
        loop {
            self.clock.sleep(self.settings.reload_interval).await;
            let Some(tls) = listener.upgrade() else { return };
            let settings = self.settings.clone();
            // The file system may hang; no thread that answers requests waits for it.
            if let Ok(files) = tokio::task::spawn_blocking(move || TlsFiles::read(&settings)).await {
                self.check(&tls, &files);
            }
        }
    }

    /// Compares contents, not dates: a file behind a symbolic link that is replaced, as Kubernetes does it, or one that
    /// is written twice within a second, has changed too.
    fn check(&mut self, tls: &Tls, files: &TlsFiles) {
        let digest = files.digest();
        if digest == self.handled {
            self.suspect = None;
            return;
        }
        let time = Arc::new(TlsClock(self.clock.clone()));
        let loaded = load(&self.settings, files, time).and_then(|loaded| {
            // At the start an expired certificate is better than none; here there is another one.
            match loaded.validity.error_at(self.clock.now()) {
                Some(why) => Err(TlsFileErrors::invalid_now(&self.settings, &why)),
                None => Ok(loaded),
            }
        });
        let listener = tls.listener();
        match loaded {
            Ok(loaded) => {
                tls.replace(&loaded);
                tls.count_reload(ReloadOutcome::Replaced);
                let (expires, sha256) = (loaded.validity.end.to_rfc3339(), loaded.fingerprint);
                tracing::info!(listener, expires, sha256, "certificate reloaded");
            }
            Err(errors) if self.suspect.as_ref() != Some(&digest) => {
                self.suspect = Some(digest);
                tracing::debug!(listener, %errors, "changed certificate files are invalid, checking again");
                return;
            }
            Err(errors) => {
                tls.count_reload(ReloadOutcome::Rejected);
                tracing::error!(listener, %errors, "certificate reload failed, keeping the previous certificate");
            }
        }
        self.handled = digest;
        self.suspect = None;
    }
}

/// The service's clock for rustls.
#[derive(Debug)]
struct TlsClock(SharedClock);

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
