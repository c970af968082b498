//! Who is at the other end of the connection, by the certificate that it has proved to hold (mutual TLS): a backend,
//! or a gateway. Names are compared whole.

use std::fmt;
use std::sync::Arc;

use super::caller::CallerBuilder;
use super::request::AuthRequest;
use super::{Caller, RejectionReason, Verdict};
use crate::tls::PeerCertificate;

/// One name of a certificate, or the certificate itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateMatcher {
    /// The certificate with this SHA-256 digest, in lower-case hex.
    Sha256(String),
    /// Any with this DNS name, in lower case.
    Dns(String),
    /// Any with this URI, a SPIFFE id for example.
    Uri(String),
}

impl CertificateMatcher {
    /// Takes `SHA256:HEX`, `DNS:NAME` or `URI:URI`. Colons between the digits, as `openssl x509 -fingerprint` writes
    /// them, may stay.
    ///
    /// # Errors
    /// It is none of them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some(("SHA256", digits)) => {
                let digits = digits.replace(':', "").to_ascii_lowercase();
                let is_digest = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                if is_digest { Ok(Self::Sha256(digits)) } else { Err("it has no 64 digits") }
            }
            Some(("DNS", name)) if name.is_empty() || name.contains('*') => {
                Err("names are compared whole, stars do not count")
            }
            Some(("DNS", name)) => Ok(Self::Dns(name.to_ascii_lowercase())),
            Some(("URI", uri)) if !uri.is_empty() => Ok(Self::Uri(uri.to_owned())),
            _ => Err("it begins with none of SHA256:, DNS: and URI:"),
        }
    }

    /// Whether the certificate is meant.
    pub(super) fn matches(&self, certificate: &PeerCertificate) -> bool {
        match self {
            Self::Sha256(digest) => certificate.sha256 == *digest,
            Self::Dns(name) => certificate.dns_names.iter().any(|own| own.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => certificate.uris.contains(uri),
        }
    }
}

impl fmt::Display for CertificateMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => write!(f, "SHA256:{digest}"),
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
        }
    }
}

/// Backends with certificates of their own.
#[derive(Debug)]
pub(super) struct CertificateAuthenticator {
    /// Each with the service that it stands for, made once.
    services: Vec<(CertificateMatcher, Arc<Caller>)>,
    /// Those of all gateways.
    gateways: Vec<CertificateMatcher>,
}

impl CertificateAuthenticator {
    pub(super) fn new(
        vouch: &CallerBuilder,
        names: Vec<CertificateMatcher>,
        gateways: Vec<CertificateMatcher>,
    ) -> Self {
        let service = |name: CertificateMatcher| {
            let service = vouch.service(name.to_string().into());
            (name, Arc::new(service))
        };
        Self { services: names.into_iter().map(service).collect(), gateways }
    }

    pub(super) fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        let Some(certificate) = presented.certificate else {
            return Verdict::NotMine(RejectionReason::Missing);
        };
        // Whatever other names it bears: over a gateway's connection come its users, and their bodies with them.
        if self.gateways.iter().any(|name| name.matches(certificate)) {
            return Verdict::NotMine(RejectionReason::Missing);
        }
        match self.services.iter().find(|(name, _)| name.matches(certificate)) {
            Some((_, service)) => Verdict::Verified(service.clone()),
            None => Verdict::NotMine(RejectionReason::Missing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_known_by_its_digest_or_by_a_name_that_it_bears() {
        let digest = "ab".repeat(32);
        let certificate = PeerCertificate {
            subject: "CN=billing.internal".to_owned(),
            dns_names: vec!["Billing.internal".to_owned()],
            uris: vec!["spiffe://example/billing".to_owned()],
            sha256: digest.clone(),
        };
        let fits = |text: &str| CertificateMatcher::parse(text).unwrap().matches(&certificate);
        let openssl = format!("SHA256:{}", vec!["AB"; 32].join(":"));
        for yes in
            [&*format!("SHA256:{digest}"), &openssl, "DNS:billing.internal", "URI:spiffe://example/billing"]
        {
            assert!(fits(yes), "{yes}");
        }
        let other = format!("SHA256:{}", "cd".repeat(32));
        for no in [
            &*other,
            "DNS:internal",
            "DNS:billing.internal.evil",
            "URI:spiffe://example/bill",
            "URI:Spiffe://x",
        ] {
            assert!(!fits(no), "{no}");
        }
        for bad in ["", "billing", "CN:billing", "DNS:", "DNS:*.internal", "URI:", "SHA256:ab", "sha256:x"] {
            assert!(CertificateMatcher::parse(bad).is_err(), "{bad}");
        }
    }
}
