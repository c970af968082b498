//! Where a request comes from, found once and kept with the request: by `trace`, for the limits, the ways of
//! authenticating and the audit trail. What is believed of headers is decided in [`crate::hops`].

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpMessage as _, HttpRequest};

use crate::hops::{Addresses, ClientAddress, Hops, PeerAddress};

/// Finds out where a request comes from.
pub(super) fn find(request: &ServiceRequest, hops: &Hops) {
    // Only a connection that is not one of TCP has no peer, and there is none here.
    if let Some(peer) = request.peer_addr() {
        let lines = request.headers().get_all(hops.header.name()).map(HeaderValue::as_bytes);
        let addresses = hops.addresses(PeerAddress::new(peer.ip()), lines);
        request.extensions_mut().insert(addresses);
    }
}

/// What was found.
pub(super) fn of(request: &HttpRequest) -> Option<Addresses> {
    request.extensions().get().copied()
}

/// Who asks.
pub(crate) fn client(request: &HttpRequest) -> Option<ClientAddress> {
    of(request).map(|addresses| addresses.client)
}
