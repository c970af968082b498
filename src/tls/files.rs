//! The certificate files of a listener, read together.

use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::settings::TlsSettings;

/// The content of a file, or why it cannot be read.
pub(super) type Content = Result<Zeroizing<Vec<u8>>, String>;

#[derive(Debug)]
pub(super) struct TlsFiles {
    pub(super) certificate: Content,
    pub(super) key: Content,
    pub(super) client_ca: Option<Content>,
    pub(super) client_crl: Option<Content>,
}

impl TlsFiles {
    /// Reads all files that the settings name.
    pub(super) fn read(settings: &TlsSettings) -> Self {
        let read = |path: &Path| {
            std::fs::read(path).map(Zeroizing::new).map_err(|error| format!("{}: {error}", path.display()))
        };
        let clients = settings.clients.as_ref();
        Self {
            certificate: read(&settings.certificate_file),
            key: read(&settings.key_file),
            client_ca: clients.map(|clients| read(&clients.ca_file)),
            client_crl: clients.and_then(|clients| clients.crl_file.as_deref()).map(read),
        }
    }

    /// SHA-256 of all files together. A file that cannot be read counts with its error.
    pub(super) fn digest(&self) -> Vec<u8> {
        let mut context = Context::new(&SHA256);
        for content in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref(), self.client_crl.as_ref()] {
            let bytes = match content {
                Some(Ok(bytes)) => bytes.as_slice(),
                Some(Err(why)) => why.as_bytes(),
                None => &[],
            };
            context.update(&bytes.len().to_be_bytes());
            context.update(bytes);
        }
        context.finish().as_ref().to_vec()
    }
}
