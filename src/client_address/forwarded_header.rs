//! The two headers in which proxies say for whom they speak, taken apart from the right: `X-Forwarded-For`, which
//! all of them write, and `Forwarded` (RFC 7239).
//!
//! From the right, because only the right end is written by somebody trusted: a quote that the client left open, read
//! from the left, would swallow what a proxy appended.

use std::net::{IpAddr, SocketAddr};

/// The header that proxies write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: CLIENT, PROXY, PROXY`
    XForwardedFor,
    /// `Forwarded: for=CLIENT, for=PROXY;proto=https`
    Forwarded,
}

impl ForwardedHeader {
    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The entries of one line, the last one first, empty ones among them.
    pub(super) fn entries_from_the_right(self, line: &[u8]) -> impl Iterator<Item = &[u8]> {
        let respects_quotes = self == Self::Forwarded;
        Pieces { rest: Some(line), separator: b',', respects_quotes }.map(<[u8]>::trim_ascii)
    }

    /// The address in an entry; `None` if there is none, as in `unknown` or in names that are made up to hide one.
    pub(super) fn address_in(self, entry: &[u8]) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => address(entry),
            Self::Forwarded => address(client_of(entry)?),
        }
    }
}

/// An IP address, with a port or without.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let in_brackets = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let plain = match in_brackets {
        Some(inner) => inner.parse().map(IpAddr::V6),
        None => text.parse(),
    };
    let address = plain.or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip())).ok()?;
    Some(address.to_canonical())
}

/// What the one `for` of a `Forwarded` element says, without its quotes.
fn client_of(element: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    for pair in (Pieces { rest: Some(element), separator: b';', respects_quotes: true }) {
        let pair = pair.trim_ascii();
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return None;
        }
    }
    let value = found?;
    // No address has anything to escape: a backslash inside makes it none.
    Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

/// A text's pieces between separators, the last one first.
struct Pieces<'t> {
    rest: Option<&'t [u8]>,
    separator: u8,
    /// Whether a separator in double quotes is none.
    respects_quotes: bool,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let rest = self.rest?;
        let mut is_quoted = false;
        let cut = rest.iter().enumerate().rev().find_map(|(place, byte)| {
            // From the right, an escaped quote shows only by the backslash before it.
            let is_escaped = place > 0 && rest[place - 1] == b'\\';
            is_quoted ^= self.respects_quotes && *byte == b'"' && !(is_quoted && is_escaped);
            (*byte == self.separator && !is_quoted).then_some(place)
        });
        self.rest = cut.map(|place| &rest[..place]);
        Some(cut.map_or(rest, |place| &rest[place + 1..]))
    }
}
