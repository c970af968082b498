//! Client certificate authenticator (mutual TLS): a backend is authenticated by the certificate of its connection. The
//! handshake has proved that the peer has its private key.

use std::sync::Arc;

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::certificate_matcher::CertificateMatcher;
use super::rejection::RejectionReason;
use super::request::AuthRequest;

#[derive(Debug)]
pub(super) struct CertificateAuthenticator {
    /// Each with its service, built once.
    services: Vec<(CertificateMatcher, Arc<Caller>)>,
    /// The certificates of all gateways.
    gateways: Vec<CertificateMatcher>,
}

impl CertificateAuthenticator {
    pub(super) fn new(
        callers: &CallerBuilder,
        certificates: Vec<CertificateMatcher>,
        gateways: Vec<CertificateMatcher>,
    ) -> Self {
        let service = |matcher: CertificateMatcher| {
            let service = callers.build_service(matcher.to_string().into());
            (matcher, service)
        };
        Self { services: certificates.into_iter().map(service).collect(), gateways }
    }

    pub(super) fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        let missing = Declined::NotApplicable(RejectionReason::Missing);
        let certificate = request.certificate.ok_or(missing)?;
        // Whatever other names it has: a gateway's connection carries the requests of its users, bodies included.
        if self.gateways.iter().any(|matcher| matcher.matches(certificate)) {
            return Err(missing);
        }
        let service = self.services.iter().find(|(matcher, _)| matcher.matches(certificate));
        service.map(|(_, service)| service.clone()).ok_or(missing)
    }
}
