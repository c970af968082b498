//! TLS of the listeners: certificate and key, and the CAs of clients' certificates. They come from files, which are
//! validated together before use and reloaded when they change.
//!
//! All new connections get the same `rustls` configuration, which a reload replaces as a whole: a client whose CA was
//! removed cannot resume a session that began under the previous configuration.

mod files;
mod listener;
mod load;
mod name;
mod peer;
mod reload;
mod settings;

use std::path::Path;
use std::sync::Arc;

use rustls::time_provider::DefaultTimeProvider;

use files::TlsFiles;
pub(crate) use listener::Tls;
pub use load::{TlsFileError, TlsFileErrors};
use load::{Validity, load};
pub use peer::{PeerCertificate, Unreadable};
pub(crate) use reload::start;
pub use settings::{ClientDemand, ClientSettings, MinimumVersion, TlsSettings};

/// Validates the files and returns when the certificate is valid.
///
/// # Errors
/// All errors in the files.
pub(crate) fn check(settings: &TlsSettings) -> Result<Validity, TlsFileErrors> {
    // No connection uses this configuration, so its time does not matter.
    load(settings, &TlsFiles::read(settings), Arc::new(DefaultTimeProvider)).map(|loaded| loaded.validity)
}

/// Whether every user of the machine may read a file. `false` if it cannot be accessed, which is reported elsewhere.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}
