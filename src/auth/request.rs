//! The parts of a request that authentication reads. The body and the path are not among them: the caller must not
//! depend on what is requested.

use super::rejection::RejectionReason;
use crate::client_address::PeerAddress;
use crate::tls::PeerCertificate;

/// The headers of a request, independent of the HTTP server.
pub trait HeaderView {
    /// Calls `show` with each value of the header of this name (lower case), in order.
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8]));
    /// Calls `show` with the name of each header.
    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str));
}

/// A request to authenticate. Not `Debug`: the credential is among the headers.
#[derive(Clone, Copy)]
pub struct AuthRequest<'r> {
    pub headers: &'r dyn HeaderView,
    /// The address of the connection's peer, which may be a proxy.
    pub peer: Option<PeerAddress>,
    /// The verified client certificate of the peer.
    pub certificate: Option<&'r PeerCertificate>,
    /// Whether a page of an allowed origin sent it, with a method that changes state. Only then do cookies count:
    /// browsers attach cookies to requests of any page.
    pub is_from_allowed_page: bool,
}

impl<'r> AuthRequest<'r> {
    /// The only value of a header.
    ///
    /// # Errors
    /// There are several. That is rejected, because this service and a proxy in front of it could pick different ones.
    pub fn header(&self, name: &str) -> Result<Option<&'r [u8]>, RejectionReason> {
        single_value(self.headers, name)
    }
}

/// The only value of a header.
pub(super) fn single_value<'h>(headers: &'h dyn HeaderView, name: &str) -> Result<Option<&'h [u8]>, RejectionReason> {
    let (mut first, mut is_duplicate) = (None, false);
    headers.each_value(name, &mut |value| {
        is_duplicate |= first.is_some();
        first = first.or(Some(value));
    });
    if is_duplicate { Err(RejectionReason::Malformed) } else { Ok(first) }
}
