//! Gateway authenticator: headers that a gateway sets for the user whom it has signed in, as nginx, oauth2-proxy and
//! Envoy do. Every client can send such headers. They count only from the gateway: from one of its addresses, as the
//! peer of the connection, and with the secret that it shares with this service or with its client certificate.
//!
//! From another peer they are rejected and not ignored, because the client claims an identity with them. So are
//! duplicates, and a header that other software reads as the same one: it is not certain which of the two the gateway
//! wrote.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::header_claims::claims_from_headers;
use super::rejection::RejectionReason;
use super::request::AuthRequest;
use super::settings::GatewaySettings;

#[derive(Debug)]
pub(super) struct GatewayAuthenticator {
    callers: CallerBuilder,
    settings: GatewaySettings,
    /// Digests of the accepted secrets. Digests have one length, whatever was sent.
    secrets: Vec<Digest>,
    /// The claims that the user id is rendered from.
    user_id_claims: Vec<String>,
}

impl GatewayAuthenticator {
    pub(super) fn new(callers: CallerBuilder, settings: GatewaySettings) -> Self {
        let accepted = settings.secret.iter().flat_map(|secret| &secret.accepted);
        let secrets = accepted.map(|secret| digest(&SHA256, secret.expose())).collect();
        let user_id_claims = callers.settings().user_id.claims().map(|claim| claim.root().to_owned()).collect();
        Self { callers, settings, secrets, user_id_claims }
    }

    pub(super) fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        if self.has_ambiguous_header(request) {
            return Err(RejectionReason::Malformed.into());
        }
        // Gateways send an empty header where no user is signed in. Two empty ones are still duplicates.
        let is_present = |name: &str| match request.header(name) {
            Ok(value) => value.is_some_and(|value| !value.is_empty()),
            Err(_) => true,
        };
        if !self.settings.claims.iter().any(|(_, header)| is_present(header.as_str())) {
            return Err(Declined::NotApplicable(RejectionReason::Missing));
        }
        if let Err(reason) = self.check_gateway(request) {
            let (authenticator, peer) = (self.callers.name(), request.peer.map(|peer| peer.ip().to_string()));
            tracing::info!(authenticator, peer, reason, "gateway headers from untrusted peer");
            return Err(RejectionReason::UntrustedPeer.into());
        }
        let claims =
            claims_from_headers(request.headers, &self.settings.claims).map_err(|_| RejectionReason::Malformed)?;
        // Some proxies join duplicate headers with a comma (RFC 9110, section 5.3). That would be two users.
        let is_joined =
            |name: &String| claims.get(name).and_then(|value| value.as_str()).is_some_and(|text| text.contains(','));
        if self.user_id_claims.iter().any(is_joined) {
            return Err(RejectionReason::Malformed.into());
        }
        Ok(self.callers.build(claims, None)?)
    }

    fn check_gateway(&self, request: &AuthRequest<'_>) -> Result<(), &'static str> {
        let is_trusted = request
            .peer
            .is_some_and(|peer| self.settings.trusted_peers.iter().any(|network| network.contains(&peer.ip())));
        if !is_trusted {
            return Err("its address is not in trusted_peers");
        }
        let certificates = &self.settings.certificates;
        let is_known = |certificate| certificates.iter().any(|matcher| matcher.matches(certificate));
        if !certificates.is_empty() && !request.certificate.is_some_and(is_known) {
            return Err("its certificate is not in certificates");
        }
        let Some(secret) = &self.settings.secret else { return Ok(()) };
        let given = request.header(secret.header.as_str());
        let given = given.map_err(|_| "its secret is sent twice")?.ok_or("its secret is missing")?;
        let given = digest(&SHA256, given);
        let is_same = |secret: &Digest| verify_slices_are_equal(secret.as_ref(), given.as_ref()).is_ok();
        if self.secrets.iter().any(is_same) { Ok(()) } else { Err("its secret is wrong") }
    }

    /// Whether the request has a header that some gateways and frameworks read as one of the configured ones: CGI and
    /// its successors map `X-User`, `X_User` and sometimes `X.User` to one variable.
    fn has_ambiguous_header(&self, request: &AuthRequest<'_>) -> bool {
        let claims = self.settings.claims.iter().map(|(_, header)| header.as_str());
        let own: Vec<&str> = claims.chain(self.settings.secret.iter().map(|secret| secret.header.as_str())).collect();
        let mut is_ambiguous = false;
        request.headers.each_name(&mut |name| {
            is_ambiguous |= !own.contains(&name) && own.iter().any(|one| is_same_variable(one, name));
        });
        is_ambiguous
    }
}

fn is_same_variable(one: &str, other: &str) -> bool {
    let folded = |b: u8| if b.is_ascii_alphanumeric() { b.to_ascii_lowercase() } else { b'-' };
    one.len() == other.len() && one.bytes().map(folded).eq(other.bytes().map(folded))
}
