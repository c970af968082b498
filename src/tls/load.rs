//! From files to a configuration that holds: every fault is found, not the first one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::peer::sha256;
use super::settings::{ClientDemand, ClientSettings, MinimumVersion, TlsSettings};
use clock::{SharedClock, Timestamp};

/// The SHA-256 digest of all files together.
pub(super) type Digest = [u8; 32];

/// One thing wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFault {
    /// The key in the configuration that names the file.
    pub key: &'static str,
    /// What was found there.
    pub found: String,
    /// What is allowed.
    pub allowed: &'static str,
}

/// All that is wrong with a listener's files.
#[derive(Debug, Clone)]
pub struct TlsFaults(pub Vec<TlsFault>);

impl std::error::Error for TlsFaults {}

impl fmt::Display for TlsFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{}: {}, allowed: {}", fault.key, fault.found, fault.allowed)?;
        }
        Ok(())
    }
}

impl TlsFaults {
    /// The certificate is not good at this time.
    pub(super) fn of_certificate(settings: &TlsSettings, why: &str) -> Self {
        let found = format!("{}, whose certificate {why}", settings.certificate_file.display());
        Self(vec![TlsFault { key: "certificate_file", found, allowed: "a certificate that is valid now" }])
    }
}

/// A file as it was read.
type Content = Result<Zeroizing<Vec<u8>>, String>;

/// The files of one listener, read at one time.
#[derive(Debug)]
pub(crate) struct Contents {
    certificate: Content,
    key: Content,
    client_ca: Option<Content>,
    client_crl: Option<Content>,
}

impl Contents {
    /// Reads all files that the settings name.
    pub(crate) fn read(settings: &TlsSettings) -> Self {
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

    pub(super) fn digest(&self) -> Digest {
        let mut context = digest::Context::new(&SHA256);
        for content in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref(), self.client_crl.as_ref()] {
            let bytes = match content {
                Some(Ok(bytes)) => bytes.as_slice(),
                Some(Err(why)) => why.as_bytes(),
                None => &[],
            };
            context.update(&bytes.len().to_be_bytes());
            context.update(bytes);
        }
        let mut whole = [0; 32];
        whole.copy_from_slice(context.finish().as_ref());
        whole
    }
}

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    begins: Timestamp,
    pub(super) ends: Timestamp,
}

impl Validity {
    /// Why it is not good at that time, if it is not.
    pub(crate) fn fault_at(self, now: Timestamp) -> Option<String> {
        if now > self.ends {
            return Some(format!("ended at {}", self.ends.to_rfc3339()));
        }
        (now < self.begins).then(|| format!("begins at {} only", self.begins.to_rfc3339()))
    }
}

/// A listener's TLS that holds.
#[derive(Debug)]
pub(super) struct Proved {
    pub(super) validity: Validity,
    /// The SHA-256 digest of our certificate, in hex.
    pub(super) fingerprint: String,
    pair: CertifiedKey,
    verifier: Option<Verifier>,
    provider: Arc<CryptoProvider>,
    minimum_version: MinimumVersion,
}

impl Proved {
    /// What connections are given. Their certificates are judged by that clock.
    ///
    /// # Errors
    /// The cryptography at hand has no suite for the versions of the protocol.
    pub(super) fn config(self, clock: &SharedClock) -> Result<ServerConfig, rustls::Error> {
        let versions: &[&SupportedProtocolVersion] = match self.minimum_version {
            MinimumVersion::Tls12 => &[&version::TLS13, &version::TLS12],
            MinimumVersion::Tls13 => &[&version::TLS13],
        };
        let builder = ServerConfig::builder_with_details(self.provider, Arc::new(ClockForTls(clock.clone())))
            .with_protocol_versions(versions)?;
        let asks_for_certificates = self.verifier.is_some();
        let builder = match self.verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(self.pair)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if asks_for_certificates {
            // Who resumes a session is not asked for the certificate again, which may have ended since, or been
            // revoked.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            // Sealed tickets that the clients keep: no memory here, and no lock that all connections share.
            config.ticketer = Ticketer::new()?;
        }
        Ok(config)
    }
}

/// Proves the files. Whether the certificate is good at this time is left to the caller.
///
/// # Errors
/// All that is wrong with them.
pub(super) fn prove(settings: &TlsSettings, contents: &Contents) -> Result<Proved, TlsFaults> {
    let provider = Arc::new(default_provider());
    let mut faults = Vec::new();
    let chain = noted(&mut faults, chain(contents.certificate.as_ref(), &settings.certificate_file));
    let key = noted(&mut faults, key(contents.key.as_ref(), settings, &provider));
    let pair = match (&chain, key) {
        (Some((chain, _)), Some(key)) => noted(&mut faults, pair(chain.clone(), key, settings)),
        _ => None,
    };
    let verifier = match &settings.clients {
        Some(clients) => verifier(clients, contents, &provider).map(Some).unwrap_or_else(|more| {
            faults.extend(more);
            None
        }),
        None => None,
    };
    match (chain, pair) {
        (Some((chain, validity)), Some(pair)) if faults.is_empty() => Ok(Proved {
            validity,
            fingerprint: chain.first().map(|ours| sha256(ours)).unwrap_or_default(),
            pair,
            verifier,
            provider,
            minimum_version: settings.minimum_version,
        }),
        _ => Err(TlsFaults(faults)),
    }
}

fn fault(key: &'static str, found: impl Into<String>, allowed: &'static str) -> TlsFault {
    TlsFault { key, found: found.into(), allowed }
}

fn noted<T>(faults: &mut Vec<TlsFault>, result: Result<T, TlsFault>) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}

type Chain = Vec<CertificateDer<'static>>;

fn chain(content: Result<&Zeroizing<Vec<u8>>, &String>, path: &Path) -> Result<(Chain, Validity), TlsFault> {
    const ALLOWED: &str = "a PEM file with our certificate first and those that lead up to its CA after it";
    let wrong = |found: String| fault("certificate_file", found, ALLOWED);
    let chain = certificates(content, path).map_err(wrong)?;
    let first = chain.first().and_then(|first| X509Certificate::from_der(first).ok());
    let (_, first) =
        first.ok_or_else(|| wrong(format!("{}, whose first certificate cannot be read", path.display())))?;
    let moment = |moment: x509_parser::time::ASN1Time| Timestamp::from_secs(moment.timestamp());
    let validity = first.validity();
    Ok((chain.clone(), Validity { begins: moment(validity.not_before), ends: moment(validity.not_after) }))
}

/// All certificates of a PEM file; at least one.
fn certificates(content: Result<&Zeroizing<Vec<u8>>, &String>, path: &Path) -> Result<Chain, String> {
    let pem = content.map_err(String::clone)?;
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Chain, _>>();
    match chain {
        Ok(chain) if chain.is_empty() => Err(format!("{}, which has no certificate in it", path.display())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("{}, which is no PEM: {error}", path.display())),
    }
}

type Key = Arc<dyn rustls::sign::SigningKey>;

fn key(
    content: Result<&Zeroizing<Vec<u8>>, &String>,
    settings: &TlsSettings,
    provider: &CryptoProvider,
) -> Result<Key, TlsFault> {
    const ALLOWED: &str = "a PEM file with a private key (RSA, ECDSA or Ed25519) that is not encrypted";
    let path = settings.key_file.display();
    let wrong = |found: String| fault("key_file", found, ALLOWED);
    let pem = content.map_err(|why| wrong(why.clone()))?;
    // What the parsers say of a key is not repeated: it might say something of its bytes.
    let der = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| wrong(format!("{path}, which has no such private key in it")))?;
    provider
        .key_provider
        .load_private_key(der)
        .map_err(|_| wrong(format!("{path}, whose private key is of a kind that is not known")))
}

fn pair(chain: Chain, key: Key, settings: &TlsSettings) -> Result<CertifiedKey, TlsFault> {
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(error) => {
            let files = (settings.key_file.display(), settings.certificate_file.display());
            let found = format!("{}, whose key does not belong to {} ({error})", files.0, files.1);
            Err(fault("key_file", found, "the private key of the first certificate in certificate_file"))
        }
    }
}

type Verifier = Arc<dyn rustls::server::danger::ClientCertVerifier>;

fn verifier(
    settings: &ClientSettings,
    contents: &Contents,
    provider: &Arc<CryptoProvider>,
) -> Result<Verifier, Vec<TlsFault>> {
    const CAS: &str = "a PEM file with the certificates of the CAs that vouch for clients";
    const CRLS: &str = "a PEM file with a revocation list of each of these CAs";
    let mut faults = Vec::new();
    let path = settings.ca_file.display();
    let mut roots = RootCertStore::empty();
    let missing = "not read".to_owned();
    let ca = contents.client_ca.as_ref().map_or(Err(&missing), Result::as_ref);
    match certificates(ca, &settings.ca_file) {
        Ok(cas) => {
            for ca in cas {
                if let Err(error) = roots.add(ca) {
                    faults.push(fault("client_ca_file", format!("{path}, with one of no use: {error}"), CAS));
                }
            }
        }
        Err(found) => faults.push(fault("client_ca_file", found, CAS)),
    }
    let mut lists = Vec::new();
    match &contents.client_crl {
        None => {}
        Some(Err(why)) => faults.push(fault("client_crl_file", why.clone(), CRLS)),
        Some(Ok(pem)) => match CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
            Ok(found) if !found.is_empty() => lists = found,
            _ => faults.push(fault("client_crl_file", "no revocation list in it", CRLS)),
        },
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let builder = builder.with_crls(lists);
    let builder = match settings.demand {
        ClientDemand::Required => builder,
        ClientDemand::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|error| vec![fault("client_crl_file", error.to_string(), CRLS)])
}

/// The clock that was handed in, as rustls asks for it.
#[derive(Debug)]
struct ClockForTls(SharedClock);

impl TimeProvider for ClockForTls {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}
