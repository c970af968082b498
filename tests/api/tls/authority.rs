//! A CA of the test's own, what it signs, and files for the service to read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clock::{Clock as _, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(86_400);

fn today() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(SystemClock::new().now().as_secs()).unwrap()
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
    pub der: Vec<u8>,
}

impl Pair {
    /// As reqwest shows it to a server.
    pub fn identity(&self) -> reqwest::Identity {
        reqwest::Identity::from_pem(format!("{}{}", self.certificate, self.key).as_bytes()).unwrap()
    }
}

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn sign(&self, mut params: CertificateParams, days: u32) -> Pair {
        let key = KeyPair::generate().unwrap();
        params.not_before = today() - 2 * DAY;
        params.not_after = if days == 0 { today() - DAY } else { today() + DAY * days };
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    /// A server's, by the names that this machine has for itself. 0 days: it ended yesterday.
    pub fn server(&self, days: u32) -> Pair {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        self.sign(CertificateParams::new(names).unwrap(), days)
    }

    /// A client's, with a name that has all that names can have.
    pub fn client(&self, name: &str, serial: u64, days: u32) -> Pair {
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

    /// A client's that bears these URIs and no other name.
    pub fn client_at(&self, uris: &[&str], serial: u64) -> Pair {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.serial_number = Some(SerialNumber::from(serial));
        self.sign(params, 90)
    }

    /// A list on which the certificate of that serial number stands.
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

    /// A client that believes this CA and no other.
    pub fn believer(&self) -> reqwest::ClientBuilder {
        let ca = reqwest::Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        reqwest::Client::builder().no_proxy().tls_certs_only([ca])
    }
}

/// The files of one listener.
pub struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn of(pair: &Pair) -> Self {
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

    pub fn replace(&self, pair: &Pair) {
        self.write("tls.crt", &pair.certificate);
        self.write("tls.key", &pair.key);
    }

    /// The keys that lead the public listener to the files.
    pub fn configuration(&self) -> String {
        format!(
            "http.tls.certificate_file = {:?}\nhttp.tls.key_file = {:?}\n",
            self.path("tls.crt"),
            self.path("tls.key")
        )
    }

    /// The same, and clients of that CA.
    pub fn mutual(&self, clients: &Authority) -> String {
        let ca = self.write("ca.crt", &clients.certificate);
        format!("{}http.tls.client_ca_file = {ca:?}\n", self.configuration())
    }
}

/// Points a symbolic link elsewhere at once, as Kubernetes does when a secret changes.
pub fn point(link: &Path, to: &Path) {
    let new = link.with_extension("new");
    std::os::unix::fs::symlink(to, &new).unwrap();
    std::fs::rename(&new, link).unwrap();
}
