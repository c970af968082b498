//! Where a request comes from, as the limits, the ways of authenticating and the audit trail ask for it. What is
//! believed of headers is decided in [`crate::hops`].

use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, web};

use crate::client_address::{ClientAddress, PeerAddress, RequestAddresses, TrustedProxies};

/// Where a request comes from. Only a connection that is not one of TCP has no peer, and there is none here; which
/// hops to trust, every listener has among its data.
pub(super) fn of(request: &HttpRequest) -> Option<RequestAddresses> {
    let hops = request.app_data::<web::Data<TrustedProxies>>()?;
    let lines = request.headers().get_all(hops.header.name()).map(HeaderValue::as_bytes);
    Some(hops.resolve(PeerAddress::new(request.peer_addr()?.ip()), lines))
}

/// Who asks.
pub(crate) fn client(request: &HttpRequest) -> Option<ClientAddress> {
    of(request).map(|addresses| addresses.client)
}
