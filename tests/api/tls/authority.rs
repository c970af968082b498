//! A certificate authority for tests, its certificates, and the files for the service.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clock::{Clock as _, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(86_400);

fn today() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(SystemClock::new().now().as_secs()).unwrap()
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct CertifiedKey {
    pub certificate: String,
    pub key: String,
    pub der: Vec<u8>,
}

impl CertifiedKey {
    /// As the client certificate of reqwest.
    pub fn identity(&self) -> reqwest::Identity {
        reqwest::Identity::from_pem(format!("{}{}", self.certificate, self.key).as_bytes()).unwrap()
    }
}

pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: String,
}

impl CertificateAuthority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn sign(&self, mut params: CertificateParams, days: u32) -> CertifiedKey {
        let key = KeyPair::generate().unwrap();
        params.not_before = today() - 2 * DAY;
        params.not_after = if days == 0 { today() - DAY } else { today() + DAY * days };
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        CertifiedKey { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    /// A server certificate for loopback names. With 0 days it expired yesterday.
    pub fn server(&self, days: u32) -> CertifiedKey {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        self.sign(CertificateParams::new(names).unwrap(), days)
    }

    /// A client certificate whose subject has all kinds of attributes.
    pub fn client(&self, name: &str, serial: u64, days: u32) -> CertifiedKey {
        let mut params = CertificateParams::new(vec!["edge.example".to_owned()]).unwrap();
        let uri = "spiffe://example/edge".try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, "CH");
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        self.sign(params, days)
    }

    /// A client certificate with these URIs and no other name.
    pub fn client_at(&self, uris: &[&str], serial: u64) -> CertifiedKey {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.serial_number = Some(SerialNumber::from(serial));
        self.sign(params, 90)
    }

    /// A revocation list with the certificate of this serial number.
    pub fn revoke(&self, serial: u64) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: today() - DAY,
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: today() - DAY,
            next_update: today() + DAY,
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A client that trusts this CA only.
    pub fn trusting_client(&self) -> reqwest::ClientBuilder {
        let ca = reqwest::Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        reqwest::Client::builder().no_proxy().tls_certs_only([ca])
    }
}

/// The TLS files of one listener.
pub struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn of(pair: &CertifiedKey) -> Self {
        let files = Self::new();
        files.replace(pair);
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn replace(&self, pair: &CertifiedKey) {
        self.write("tls.crt", &pair.certificate);
        self.write("tls.key", &pair.key);
    }

    /// The configuration of the public listener with these files.
    pub fn configuration(&self) -> String {
        format!(
            "http.tls.certificate_file = {:?}\nhttp.tls.key_file = {:?}\n",
            self.path("tls.crt"),
            self.path("tls.key")
        )
    }

    /// The same, with client certificates of this CA.
    pub fn mutual(&self, clients: &CertificateAuthority) -> String {
        let ca = self.write("ca.crt", &clients.certificate);
        format!("{}http.tls.client_ca_file = {ca:?}\n", self.configuration())
    }
}

/// Replaces a symbolic link atomically, as Kubernetes does when a secret changes.
pub fn point(link: &Path, to: &Path) {
    let new = link.with_extension("new");
    std::os::unix::fs::symlink(to, &new).unwrap();
    std::fs::rename(&new, link).unwrap();
}
