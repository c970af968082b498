//! Headers that a gateway sets for the user whom it has signed in, as nginx, oauth2-proxy or Envoy do. Anybody can
//! write such headers, so they count only from the gateway: from one of its addresses, by the connection's own other
//! end, and with the secret that it shares with this service or the certificate that it holds.
//!
//! From anybody else they are refused, not passed over: whoever sends them means to be somebody. And where they
//! come twice, or beside a header that other software takes for the same one, nobody can say which of the two the
//! gateway wrote.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};

use super::caller::CallerBuilder;
use super::header_claims::claims_of;
use super::request::AuthRequest;
use super::{RejectionReason, Verdict};
use crate::config::GatewaySettings;

/// One gateway.
#[derive(Debug)]
pub(super) struct GatewayAuthenticator {
    vouch: CallerBuilder,
    settings: GatewaySettings,
    /// Of the secrets that are accepted: digests are of one length, whatever was sent.
    secrets: Vec<Digest>,
    /// The claims that name the user.
    naming: Vec<String>,
}

impl GatewayAuthenticator {
    pub(super) fn new(vouch: CallerBuilder, settings: GatewaySettings) -> Self {
        let accepted = settings.secret.iter().flat_map(|secret| &secret.accepted);
        let secrets = accepted.map(|secret| digest(&SHA256, secret.expose())).collect();
        let naming = vouch.settings().user_id.claims().map(|claim| claim.root().to_owned()).collect();
        Self { vouch, settings, secrets, naming }
    }

    pub(super) fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        match self.verify(presented) {
            Ok(verdict) => verdict,
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    fn verify(&self, presented: &AuthRequest<'_>) -> Result<Verdict, RejectionReason> {
        if self.has_look_alikes(presented) {
            return Err(RejectionReason::Malformed);
        }
        // Gateways send empty headers for nobody; but two of them are two.
        let is_there = |name: &str| match presented.header(name) {
            Ok(value) => value.is_some_and(|value| !value.is_empty()),
            Err(_) => true,
        };
        if !self.settings.claims.iter().any(|(_, header)| is_there(header.as_str())) {
            return Ok(Verdict::NotMine(RejectionReason::Missing));
        }
        if let Err(why) = self.comes_from_the_gateway(presented) {
            let (way, peer) = (self.vouch.way(), presented.peer.map(|peer| peer.ip().to_string()));
            tracing::info!(way, peer, why, "a gateway's headers come from somebody else");
            return Err(RejectionReason::UntrustedPeer);
        }
        let claims =
            claims_of(presented.headers, &self.settings.claims).map_err(|_| RejectionReason::Malformed)?;
        // Some proxies join repeated headers with a comma (RFC 9110, section 5.3): it would be two users.
        let is_joined = |name: &String| {
            claims.get(name).and_then(|value| value.as_str()).is_some_and(|text| text.contains(','))
        };
        if self.naming.iter().any(is_joined) {
            return Err(RejectionReason::Malformed);
        }
        self.vouch.caller(claims, None).map(|caller| Verdict::Verified(Arc::new(caller)))
    }

    fn comes_from_the_gateway(&self, presented: &AuthRequest<'_>) -> Result<(), &'static str> {
        let is_trusted = presented.peer.is_some_and(|peer| {
            self.settings.trusted_peers.iter().any(|network| network.contains(&peer.ip()))
        });
        if !is_trusted {
            return Err("its address is none of trusted_peers");
        }
        let certificates = &self.settings.certificates;
        let is_known = |certificate| certificates.iter().any(|name| name.matches(certificate));
        if !certificates.is_empty() && !presented.certificate.is_some_and(is_known) {
            return Err("its certificate is none of certificates");
        }
        let Some(secret) = &self.settings.secret else { return Ok(()) };
        let given = presented.header(secret.header.as_str());
        let given = given.map_err(|_| "the secret stands there twice")?.ok_or("there is no secret")?;
        let given = digest(&SHA256, given);
        let fits = |secret: &Digest| verify_slices_are_equal(secret.as_ref(), given.as_ref()).is_ok();
        if self.secrets.iter().any(fits) { Ok(()) } else { Err("the secret is wrong") }
    }

    /// Whether a header is there that some gateways and frameworks take for one of ours: CGI and its heirs make
    /// `X-User`, `X_User` and sometimes `X.User` one variable.
    fn has_look_alikes(&self, presented: &AuthRequest<'_>) -> bool {
        let claims = self.settings.claims.iter().map(|(_, header)| header.as_str());
        let own: Vec<&str> =
            claims.chain(self.settings.secret.iter().map(|secret| secret.header.as_str())).collect();
        let mut found = false;
        presented.headers.each_name(&mut |name| {
            found |= !own.contains(&name) && own.iter().any(|one| look_alike(one, name));
        });
        found
    }
}

fn look_alike(one: &str, other: &str) -> bool {
    let folded = |b: u8| if b.is_ascii_alphanumeric() { b.to_ascii_lowercase() } else { b'-' };
    one.len() == other.len() && one.bytes().map(folded).eq(other.bytes().map(folded))
}
