//! Message boundaries of an HTTP/1 connection, followed beside hyper's parser to reject ambiguous heads.
//!
//! hyper resolves a head with `Transfer-Encoding` and `Content-Length` as RFC 9112, section 6.1, allows, and drops the
//! evidence before a service sees the request. A proxy in front of the listener may resolve it otherwise. Therefore the
//! header lines that decide where a message ends are counted here, and a head with two of them is answered with 400.
//!
//! The boundaries that are found here are never used to read a request. If they differ from hyper's, the request is
//! rejected too: see [`Framing::rejects`].

use std::ops::ControlFlow;

/// The bytes of a line that are kept if the line arrives in pieces. The longest line that matters is
/// `Transfer-Encoding: chunked`, or a length of 20 digits, with some white space.
const MAX_LINE_PREFIX: usize = 64;

/// Follows the messages that a client sends over one connection.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    state: State,
    head: Head,
    line: LinePrefix,
    complete_heads: u64,
    first_ambiguous: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    BetweenMessages,
    RequestLine,
    Headers,
    Content {
        remaining: u64,
    },
    ChunkSize,
    /// With the line end after it.
    Chunk {
        remaining: u64,
    },
    Trailers,
    /// The end of the message is unknown.
    Unknown,
}

/// The header lines of one head that say where the message ends, and for whom it is.
#[derive(Debug, Default, Clone, Copy)]
struct Head {
    content_length: Option<u64>,
    is_chunked: bool,
    has_host: bool,
    is_ambiguous: bool,
}

impl Head {
    /// `is_cut` says that the line is longer than what was kept of it.
    fn read_line(&mut self, line: &[u8], is_cut: bool) {
        match line.first() {
            Some(b'c' | b'C') => {
                if let Some(value) = value_of(line, b"content-length") {
                    let length =
                        std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                    let length = length.and_then(|digits| digits.parse().ok());
                    self.is_ambiguous |= self.content_length.is_some() || self.is_chunked || length.is_none() || is_cut;
                    self.content_length = length.or(Some(0));
                }
            }
            Some(b't' | b'T') => {
                if let Some(value) = value_of(line, b"transfer-encoding") {
                    let is_plain = value.eq_ignore_ascii_case(b"chunked");
                    self.is_ambiguous |= self.content_length.is_some() || self.is_chunked || !is_plain || is_cut;
                    self.is_chunked = true;
                }
            }
            Some(b'h' | b'H') if value_of(line, b"host").is_some() => {
                self.is_ambiguous |= self.has_host;
                self.has_host = true;
            }
            _ => {}
        }
    }
}

/// The value of a header line, if the line has that name. `name` is in lower case.
fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (field, rest) = line.split_at_checked(name.len())?;
    if !field.eq_ignore_ascii_case(name) {
        return None;
    }
    // White space before the colon is an error, which hyper answers with 400.
    let value = rest.strip_prefix(b":")?;
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    value.get(start..end)
}

/// The beginning of a line whose end has not arrived.
#[derive(Debug, Default, Clone)]
struct LinePrefix {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl LinePrefix {
    fn push(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_PREFIX - self.bytes.len();
        self.is_cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Framing {
    /// Follows bytes that arrived.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::BetweenMessages => match bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')) {
                    Some(start) => {
                        self.state = State::RequestLine;
                        &bytes[start..]
                    }
                    None => return,
                },
                State::Content { remaining } => {
                    let (rest, remaining) = skip(bytes, remaining);
                    self.state = if remaining == 0 { State::BetweenMessages } else { State::Content { remaining } };
                    rest
                }
                State::Chunk { remaining } => {
                    let (rest, remaining) = skip(bytes, remaining);
                    self.state = if remaining == 0 { State::ChunkSize } else { State::Chunk { remaining } };
                    rest
                }
                State::Headers if self.line.bytes.is_empty() => match self.read_headers(bytes) {
                    ControlFlow::Continue(rest) => rest,
                    ControlFlow::Break(()) => return,
                },
                State::RequestLine | State::Headers | State::ChunkSize | State::Trailers => match self.read_line(bytes)
                {
                    ControlFlow::Continue(rest) => rest,
                    ControlFlow::Break(()) => return,
                },
                State::Unknown => return,
            };
        }
    }

    /// Whether a head has begun and not ended.
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(self.state, State::RequestLine | State::Headers)
    }

    /// Whether the last message has ended, and no other one has begun.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.state == State::BetweenMessages
    }

    /// Whether the request of that number, counted from 0, is to be rejected. So are all requests after it, because it is
    /// not certain where they begin, and a request whose head was not seen here.
    pub(crate) fn rejects(&self, request: u64) -> bool {
        self.complete_heads <= request || self.first_ambiguous.is_some_and(|first| first <= request)
    }

    /// The heads that have ended.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn complete_heads(&self) -> u64 {
        self.complete_heads
    }

    /// Reads whole header lines up to the end of the head. `Break` if it has not arrived.
    ///
    /// Does the same as [`Self::read_line`] for each line, in one pass over the bytes, because every request comes through
    /// here.
    fn read_headers<'b>(&mut self, bytes: &'b [u8]) -> ControlFlow<(), &'b [u8]> {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let line = &bytes[start..end];
            start = end + 1;
            match line {
                [] | [b'\r'] => {
                    self.end_head();
                    return ControlFlow::Continue(&bytes[start..]);
                }
                [b'c' | b'C' | b't' | b'T' | b'h' | b'H', ..] => self.end_line(line, line.len() > MAX_LINE_PREFIX),
                _ => {}
            }
        }
        self.line.push(&bytes[start..]);
        ControlFlow::Break(())
    }

    /// Reads up to the end of a line. `Break` if it has not arrived.
    fn read_line<'b>(&mut self, bytes: &'b [u8]) -> ControlFlow<(), &'b [u8]> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.line.push(bytes);
            return ControlFlow::Break(());
        };
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        if self.line.bytes.is_empty() {
            self.end_line(line, line.len() > MAX_LINE_PREFIX);
        } else {
            let mut whole = std::mem::take(&mut self.line);
            whole.push(line);
            self.end_line(&whole.bytes, whole.is_cut);
        }
        ControlFlow::Continue(rest)
    }

    fn end_line(&mut self, line: &[u8], is_cut: bool) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            State::RequestLine => {
                self.head = Head::default();
                self.state = State::Headers;
            }
            State::Headers if line.is_empty() => self.end_head(),
            State::Headers => self.head.read_line(line, is_cut),
            State::ChunkSize => {
                self.state = match chunk_size(line) {
                    Some(0) => State::Trailers,
                    Some(size) => State::Chunk { remaining: size.saturating_add(2) },
                    None => State::Unknown,
                };
            }
            State::Trailers if line.is_empty() => self.state = State::BetweenMessages,
            _ => {}
        }
    }

    fn end_head(&mut self) {
        if self.head.is_ambiguous && self.first_ambiguous.is_none() {
            self.first_ambiguous = Some(self.complete_heads);
        }
        self.complete_heads += 1;
        self.state = match (self.head.is_ambiguous, self.head.is_chunked, self.head.content_length) {
            (true, ..) => State::Unknown,
            (false, true, _) => State::ChunkSize,
            (false, false, None | Some(0)) => State::BetweenMessages,
            (false, false, Some(remaining)) => State::Content { remaining },
        };
    }
}

/// What follows `remaining` bytes, and how many of them have not arrived.
fn skip(bytes: &[u8], remaining: u64) -> (&[u8], u64) {
    let here = usize::try_from(remaining).unwrap_or(usize::MAX).min(bytes.len());
    (&bytes[here..], remaining - here as u64)
}

/// The size of a chunk, from its line. An extension after the size is not read.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let digits = std::str::from_utf8(&line[..end]).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
