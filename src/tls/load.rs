//! Loading of a listener's TLS configuration from its files. All errors in them are reported, not only the first one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::files::{Content, TlsFiles};
use super::peer::sha256;
use super::settings::{ClientDemand, ClientSettings, MinimumVersion, TlsSettings};
use clock::Timestamp;

/// One error in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFileError {
    /// The key in the configuration that names the file.
    pub key: &'static str,
    pub found: String,
    pub allowed: &'static str,
}

impl TlsFileError {
    fn new(key: &'static str, found: impl Into<String>, allowed: &'static str) -> Self {
        Self { key, found: found.into(), allowed }
    }
}

/// All errors in a listener's files.
#[derive(Debug, Clone)]
pub struct TlsFileErrors(pub Vec<TlsFileError>);

impl TlsFileErrors {
    /// The certificate is not valid at this time.
    pub(super) fn invalid_now(settings: &TlsSettings, why: &str) -> Self {
        let found = format!("{}, whose certificate {why}", settings.certificate_file.display());
        Self(vec![TlsFileError::new("certificate_file", found, "a certificate that is valid now")])
    }
}

impl std::error::Error for TlsFileErrors {}

impl fmt::Display for TlsFileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |error: &TlsFileError| format!("{}: {}, allowed: {}", error.key, error.found, error.allowed);
        f.write_str(&self.0.iter().map(one).collect::<Vec<_>>().join("; "))
    }
}

/// The time from which and until which a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    begin: Timestamp,
    pub(super) end: Timestamp,
}

impl Validity {
    /// Why the certificate is invalid at that time, if it is.
    pub(crate) fn error_at(self, now: Timestamp) -> Option<String> {
        if now > self.end {
            return Some(format!("ended at {}", self.end.to_rfc3339()));
        }
        (now < self.begin).then(|| format!("begins at {} only", self.begin.to_rfc3339()))
    }
}

/// A configuration for connections, and its certificate.
#[derive(Debug)]
pub(super) struct LoadedTls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) validity: Validity,
    /// SHA-256 of the certificate, in hex.
    pub(super) fingerprint: String,
}

/// Validates the files and builds the configuration. Whether the certificate is valid at this time is left to the
/// caller. `time` dates clients' certificates.
///
/// # Errors
/// All errors in the files.
pub(super) fn load(
    settings: &TlsSettings,
    files: &TlsFiles,
    time: Arc<dyn TimeProvider>,
) -> Result<LoadedTls, TlsFileErrors> {
    let provider = Arc::new(default_provider());
    let mut errors = Vec::new();
    let certificate = read_certificate(settings, files).map_err(|error| errors.push(error)).ok();
    let key = read_key(settings, files, &provider).map_err(|error| errors.push(error)).ok();
    let pair = certificate.zip(key).and_then(|((chain, validity), key)| {
        let pair = certified_key(settings, chain, key).map_err(|error| errors.push(error)).ok()?;
        Some((pair, validity))
    });
    let verifier = match &settings.clients {
        Some(clients) => client_verifier(clients, files, &provider).map(Some).map_err(|more| errors.extend(more)).ok(),
        None => Some(None),
    };
    let (Some((pair, validity)), Some(verifier)) = (pair, verifier) else {
        return Err(TlsFileErrors(errors));
    };
    let fingerprint = pair.cert.first().map(|certificate| sha256(certificate)).unwrap_or_default();
    let config = server_config(settings.minimum_version, pair, verifier, provider, time)
        .map_err(|error| TlsFileErrors(vec![error]))?;
    Ok(LoadedTls { config: Arc::new(config), validity, fingerprint })
}

type CertificateChain = Vec<CertificateDer<'static>>;

fn read_certificate(settings: &TlsSettings, files: &TlsFiles) -> Result<(CertificateChain, Validity), TlsFileError> {
    let path = &settings.certificate_file;
    let invalid = |found: String| {
        let allowed = "a PEM file with the service's certificate first, followed by those of its CAs";
        TlsFileError::new("certificate_file", found, allowed)
    };
    let chain = parse_certificates(&files.certificate, path).map_err(invalid)?;
    let first = chain.first().and_then(|first| X509Certificate::from_der(first).ok());
    let (_, first) =
        first.ok_or_else(|| invalid(format!("{}, whose first certificate cannot be read", path.display())))?;
    let [begin, end] = [first.validity().not_before, first.validity().not_after]
        .map(|moment| Timestamp::from_secs(moment.timestamp()));
    Ok((chain, Validity { begin, end }))
}

/// All certificates of a PEM file; at least one.
fn parse_certificates(content: &Content, path: &Path) -> Result<CertificateChain, String> {
    let pem = content.as_ref().map_err(String::clone)?;
    match CertificateDer::pem_slice_iter(pem).collect::<Result<CertificateChain, _>>() {
        Ok(chain) if chain.is_empty() => Err(format!("{}, which has no certificate in it", path.display())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("{}, which is no PEM: {error}", path.display())),
    }
}

fn read_key(
    settings: &TlsSettings,
    files: &TlsFiles,
    provider: &CryptoProvider,
) -> Result<Arc<dyn SigningKey>, TlsFileError> {
    let path = settings.key_file.display();
    let invalid = |found: String| {
        let allowed = "a PEM file with a private key (RSA, ECDSA or Ed25519) that is not encrypted";
        TlsFileError::new("key_file", found, allowed)
    };
    let pem = files.key.as_ref().map_err(|why| invalid(why.clone()))?;
    // The errors of the parsers are not repeated: they could contain bytes of the key.
    let der = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| invalid(format!("{path}, which has no such private key in it")))?;
    let key = provider.key_provider.load_private_key(der);
    key.map_err(|_| invalid(format!("{path}, whose private key is of a kind that is not known")))
}

fn certified_key(
    settings: &TlsSettings,
    chain: CertificateChain,
    key: Arc<dyn SigningKey>,
) -> Result<CertifiedKey, TlsFileError> {
    let pair = CertifiedKey::new(chain, key);
    let (key_file, certificate_file) = (settings.key_file.display(), settings.certificate_file.display());
    pair.keys_match().map(|()| pair).map_err(|error| {
        let found = format!("{key_file}, whose key does not belong to {certificate_file} ({error})");
        TlsFileError::new("key_file", found, "the private key of the first certificate in certificate_file")
    })
}

fn client_verifier(
    settings: &ClientSettings,
    files: &TlsFiles,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Vec<TlsFileError>> {
    let mut errors = Vec::new();
    let mut invalid_ca = |found: String| {
        let allowed = "a PEM file with the certificates of the CAs that issue clients' certificates";
        errors.push(TlsFileError::new("client_ca_file", found, allowed));
    };
    let mut roots = RootCertStore::empty();
    let content = files.client_ca.as_ref();
    match content.map_or_else(|| Err("not read".to_owned()), |ca| parse_certificates(ca, &settings.ca_file)) {
        Ok(cas) => {
            for error in cas.into_iter().filter_map(|ca| roots.add(ca).err()) {
                invalid_ca(format!("{}, with an unusable certificate: {error}", settings.ca_file.display()));
            }
        }
        Err(found) => invalid_ca(found),
    }
    let invalid_crl = |found: String| {
        TlsFileError::new("client_crl_file", found, "a PEM file with a revocation list of each of these CAs")
    };
    let crls = files.client_crl.as_ref().map_or(Ok(Vec::new()), parse_crls);
    let crls = crls.map_err(|found| errors.push(invalid_crl(found))).unwrap_or_default();
    if !errors.is_empty() {
        return Err(errors);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).with_crls(crls);
    let builder = match settings.demand {
        ClientDemand::Required => builder,
        ClientDemand::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|error| vec![invalid_crl(error.to_string())])
}

/// All revocation lists of a PEM file; at least one.
fn parse_crls(content: &Content) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let pem = content.as_ref().map_err(String::clone)?;
    let crls = CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    crls.ok().filter(|crls| !crls.is_empty()).ok_or_else(|| "no revocation list in it".to_owned())
}

fn server_config(
    minimum_version: MinimumVersion,
    pair: CertifiedKey,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, TlsFileError> {
    let unsupported = |error: rustls::Error| {
        TlsFileError::new("minimum_version", error.to_string(), "a version that this build has ciphers for")
    };
    let versions: &[&SupportedProtocolVersion] = match minimum_version {
        MinimumVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        MinimumVersion::Tls13 => &[&version::TLS13],
    };
    let builder =
        ServerConfig::builder_with_details(provider, time).with_protocol_versions(versions).map_err(unsupported)?;
    let requests_certificates = verifier.is_some();
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if requests_certificates {
        // A resumed session does not verify the client's certificate again, which may have expired or been revoked.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    } else {
        // Encrypted tickets that clients store: no memory here, and no lock that all connections share.
        config.ticketer = Ticketer::new().map_err(unsupported)?;
    }
    Ok(config)
}
