//! Matches client certificates by digest or name. Names are compared whole.

use std::fmt;

use crate::tls::PeerCertificate;

/// Matches a client certificate by its digest or by one of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateMatcher {
    /// The certificate with this SHA-256 digest, in lower-case hex.
    Sha256(String),
    /// Any certificate with this DNS name, in lower case.
    Dns(String),
    /// Any certificate with this URI, for example a SPIFFE id.
    Uri(String),
}

impl CertificateMatcher {
    /// Parses `SHA256:HEX`, `DNS:NAME` or `URI:URI`. Colons between the hex digits, as `openssl x509 -fingerprint`
    /// writes them, are allowed.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some(("SHA256", digits)) => {
                let digits = digits.replace(':', "").to_ascii_lowercase();
                let is_digest = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                if is_digest { Ok(Self::Sha256(digits)) } else { Err("it does not have 64 hex digits") }
            }
            Some(("DNS", name)) if name.is_empty() || name.contains('*') => {
                Err("names are compared whole, wildcards are not supported")
            }
            Some(("DNS", name)) => Ok(Self::Dns(name.to_ascii_lowercase())),
            Some(("URI", uri)) if !uri.is_empty() => Ok(Self::Uri(uri.to_owned())),
            _ => Err("it does not begin with SHA256:, DNS: or URI:"),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_matches_by_its_digest_or_by_one_of_its_names() {
        let digest = "ab".repeat(32);
        let certificate = PeerCertificate {
            subject: "CN=billing.internal".to_owned(),
            dns_names: vec!["Billing.internal".to_owned()],
            uris: vec!["spiffe://example/billing".to_owned()],
            sha256: digest.clone(),
        };
        let matches = |text: &str| CertificateMatcher::parse(text).unwrap().matches(&certificate);
        let openssl = format!("SHA256:{}", vec!["AB"; 32].join(":"));
        for yes in [&*format!("SHA256:{digest}"), &openssl, "DNS:billing.internal", "URI:spiffe://example/billing"] {
            assert!(matches(yes), "{yes}");
        }
        let other = format!("SHA256:{}", "cd".repeat(32));
        for no in [&*other, "DNS:internal", "DNS:billing.internal.evil", "URI:spiffe://example/bill", "URI:Spiffe://x"]
        {
            assert!(!matches(no), "{no}");
        }
        for bad in ["", "billing", "CN:billing", "DNS:", "DNS:*.internal", "URI:", "SHA256:ab", "sha256:x"] {
            assert!(CertificateMatcher::parse(bad).is_err(), "{bad}");
        }
    }
}
