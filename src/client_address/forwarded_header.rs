//! The two headers in which proxies report the client address, parsed from the right: `X-Forwarded-For`, which all of
//! them write, and `Forwarded` (RFC 7239).
//!
//! From the right, because only the right end is written by a trusted proxy. Read from the left, an unclosed quote of
//! the client would hide what a proxy appended.

use std::net::{IpAddr, SocketAddr};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: CLIENT, PROXY, PROXY`
    XForwardedFor,
    /// `Forwarded: for=CLIENT, for=PROXY;proto=https`
    Forwarded,
}

impl ForwardedHeader {
    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The entries of one line, the last one first, including empty ones.
    pub(super) fn entries_from_the_right(self, line: &[u8]) -> impl Iterator<Item = &[u8]> {
        let respects_quotes = self == Self::Forwarded;
        Pieces { rest: Some(line), separator: b',', respects_quotes }.map(<[u8]>::trim_ascii)
    }

    /// The address in an entry. `None` if there is none, as in `unknown` and in obfuscated names.
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

/// The value of the only `for` of a `Forwarded` element, without its quotes.
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
    // No address contains a character to escape: with a backslash inside, it is not an address.
    Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

/// The pieces of a text between separators, the last one first.
struct Pieces<'t> {
    rest: Option<&'t [u8]>,
    separator: u8,
    /// Whether a separator in double quotes does not separate.
    respects_quotes: bool,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let rest = self.rest?;
        let mut is_quoted = false;
        let cut = rest.iter().enumerate().rev().find_map(|(index, byte)| {
            // From the right, only the backslash before an escaped quote marks it.
            let is_escaped = index > 0 && rest[index - 1] == b'\\';
            is_quoted ^= self.respects_quotes && *byte == b'"' && !(is_quoted && is_escaped);
            (*byte == self.separator && !is_quoted).then_some(index)
        });
        self.rest = cut.map(|index| &rest[..index]);
        Some(cut.map_or(rest, |index| &rest[index + 1..]))
    }
}
