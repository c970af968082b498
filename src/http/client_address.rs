//! Peer and client address of a request, for the rate limits, the authenticators and the audit trail. Which header
//! field is trusted is decided in [`crate::client_address`]; the result is computed once and kept in the request.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpMessage as _, HttpRequest, web};

use crate::client_address::{ClientAddress, PeerAddress, RequestAddresses, TrustedProxies};

/// Computes both addresses and puts them into the request's extensions. A request without a TCP connection has none.
pub(super) fn resolve(request: &ServiceRequest) {
    let Some(proxies) = request.app_data::<web::Data<TrustedProxies>>() else { return };
    let Some(peer) = request.peer_addr() else { return };
    let lines = request.headers().get_all(proxies.header.name()).map(HeaderValue::as_bytes);
    let addresses = proxies.resolve(PeerAddress::new(peer.ip()), lines);
    request.extensions_mut().insert(addresses);
}

/// Both addresses of a request, as [`resolve`] found them.
pub(super) fn addresses(request: &HttpRequest) -> Option<RequestAddresses> {
    request.extensions().get().copied()
}

/// The client's address.
pub(crate) fn client(request: &HttpRequest) -> Option<ClientAddress> {
    addresses(request).map(|addresses| addresses.client)
}
