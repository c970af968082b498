//! Peer and client address of a request, for the rate limits, the authenticators and the audit trail. Which header
//! field is trusted is decided in [`crate::client_address`]; the result is computed once and kept in the request.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpMessage as _, HttpRequest, web};

use crate::client_address::{ClientAddress, PeerAddress, RequestAddresses, TrustedProxies};

/// Finds the client's address if a trusted proxy reports it, and puts it into the request's extensions. Of all other
/// requests the peer is the client, so that nothing has to be stored.
pub(super) fn resolve(request: &ServiceRequest) {
    let Some(proxies) = request.app_data::<web::Data<TrustedProxies>>() else { return };
    let Some(peer) = peer(request.request()) else { return };
    if proxies.trusts(peer) {
        let lines = request.headers().get_all(proxies.header.name()).map(HeaderValue::as_bytes);
        request.extensions_mut().insert(proxies.client(peer, lines));
    }
}

/// Both addresses of a request, as [`resolve`] found them. A request without a TCP connection has none.
pub(super) fn addresses(request: &HttpRequest) -> Option<RequestAddresses> {
    let peer = peer(request)?;
    let client = request.extensions().get().copied().unwrap_or_else(|| ClientAddress::from(peer));
    Some(RequestAddresses { peer, client })
}

fn peer(request: &HttpRequest) -> Option<PeerAddress> {
    request.peer_addr().map(|peer| PeerAddress::new(peer.ip()))
}

/// The client's address.
pub(crate) fn client(request: &HttpRequest) -> Option<ClientAddress> {
    addresses(request).map(|addresses| addresses.client)
}
