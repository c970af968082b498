//! The client certificate of a connection. Parsed once, when the connection begins.

use aws_lc_rs::digest::{self, SHA256};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::name;

/// A client's certificate, verified with the listener's client CAs and revocation lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerCertificate {
    /// The subject's distinguished name as RFC 4514 writes it, most specific part first: `CN=edge,O=Example`.
    pub subject: String,
    /// Its DNS names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_names: Vec<String>,
    /// Its URIs, such as a SPIFFE id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uris: Vec<String>,
    /// The SHA-256 digest of the whole certificate, in lower-case hex.
    pub sha256: String,
}

/// A verified certificate that cannot be parsed: it identifies no client.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the client's certificate cannot be read")]
pub struct Unreadable;

impl PeerCertificate {
    /// Parses a certificate, which must have been verified.
    ///
    /// # Errors
    /// It is not a valid X.509 certificate.
    pub fn read(verified: &CertificateDer<'_>) -> Result<Self, Unreadable> {
        let (_, certificate) = X509Certificate::from_der(verified).map_err(|_| Unreadable)?;
        let (mut dns_names, mut uris) = (Vec::new(), Vec::new());
        if let Some(names) = certificate.subject_alternative_name().map_err(|_| Unreadable)? {
            for name in &names.value.general_names {
                match name {
                    GeneralName::DNSName(name) => dns_names.push((*name).to_owned()),
                    GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                    _ => {}
                }
            }
        }
        Ok(Self { subject: name::rfc4514(certificate.subject()), dns_names, uris, sha256: sha256(verified) })
    }
}

/// The SHA-256 digest of a certificate, in lower-case hex.
pub(super) fn sha256(certificate: &CertificateDer<'_>) -> String {
    hex::encode(digest::digest(&SHA256, certificate).as_ref())
}
