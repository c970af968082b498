//! What a request presents, as far as authentication looks at it. Never its body or its path: who calls must not
//! depend on what is asked for.

use crate::client_address::PeerAddress;
use crate::tls::PeerCertificate;

/// The headers of a request, by whatever server holds them.
pub trait HeaderView {
    /// Shows every value of the header of this name (lower case), in order.
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8]));
    /// Shows the name of every header.
    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str));
}

/// A request before anybody knows who sent it.
#[derive(Clone, Copy)]
pub struct AuthRequest<'r> {
    /// Its headers.
    pub headers: &'r dyn HeaderView,
    /// The address at the other end of the connection: a proxy's, if one stands between.
    pub peer: Option<PeerAddress>,
    /// The certificate that whoever is there has proved to hold: the peer's too.
    pub certificate: Option<&'r PeerCertificate>,
    /// Whether a page of an allowed origin sent it, with a method that changes things. Only then does a cookie
    /// count: browsers send cookies along with whatever any page makes them send.
    pub is_from_allowed_page: bool,
}

/// There is more than one where there may be one: the service and whatever stands before it might not pick the
/// same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateHeader;

impl<'r> AuthRequest<'r> {
    /// The one value of a header.
    ///
    /// # Errors
    /// There are several.
    pub fn header(&self, name: &str) -> Result<Option<&'r [u8]>, DuplicateHeader> {
        one(self.headers, name)
    }
}

/// The one value of a header.
pub(super) fn one<'h>(headers: &'h dyn HeaderView, name: &str) -> Result<Option<&'h [u8]>, DuplicateHeader> {
    let (mut first, mut is_repeated) = (None, false);
    headers.each_value(name, &mut |value| {
        is_repeated |= first.is_some();
        first = first.or(Some(value));
    });
    if is_repeated { Err(DuplicateHeader) } else { Ok(first) }
}

impl std::fmt::Debug for AuthRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the headers: the credential is among them.
        f.debug_struct("Presented").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Headers that a test made up.
#[cfg(test)]
pub(super) struct Listed(pub(super) &'static [(&'static str, &'static str)]);

#[cfg(test)]
impl HeaderView for Listed {
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8])) {
        self.0.iter().filter(|(own, _)| *own == name).for_each(|(_, value)| show(value.as_bytes()));
    }
    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str)) {
        self.0.iter().for_each(|(name, _)| show(name));
    }
}
