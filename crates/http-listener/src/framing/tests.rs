use proptest::prelude::*;

use super::*;

fn framing(bytes: &[u8]) -> Framing {
    let mut framing = Framing::default();
    framing.read(bytes);
    framing
}

#[test]
fn messages_end_where_their_framing_says() {
    for (bytes, heads) in [
        (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], 1),
        (b"\r\n\nGET / HTTP/1.1\nHost: x\n\nGET / HTTP/1.1\r\n\r\n", 2),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2),
        (b"POST / HTTP/1.1\r\ncontent-length:\t4 \r\n\r\nabcdGET / HTTP/1.1\r\n\r\n", 2),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2),
    ] {
        let whole = framing(bytes);
        assert!(whole.is_between_messages() && !whole.rejects(heads - 1), "{}", bytes.escape_ascii());
        assert!(whole.rejects(heads), "there is no further head");
    }
    assert!(framing(b"GET / HTTP/1.1\r\nHost: x\r\n").is_in_head());
    assert!(!framing(b"\r\n").is_in_head());
}

#[test]
fn an_ambiguous_head_and_all_after_it_are_rejected() {
    for lines in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3\r\nX: y\r\ncontent-length: 4",
        "Content-Length: +3",
        "Content-Length:",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: \u{b}chunked",
        "Host: x\r\nHOST: x",
        "Content-Length: 0000000000000000000000000000000000000000000000000000000000000000000003",
    ] {
        let first = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let bytes = format!("{first}POST / HTTP/1.1\r\n{lines}\r\n\r\nabc{first}");
        let whole = framing(bytes.as_bytes());
        assert!(!whole.rejects(0) && whole.rejects(1) && whole.rejects(2), "{lines:?}");
    }
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_how_the_bytes_are_cut(
        parts in proptest::collection::vec(prop_oneof![
            Just("GET / HTTP/1.1\r\n"), Just("Host: x\r\n"), Just("\r\n"), Just("Content-Length: 5\r\n"), Just("hello"),
            Just("Transfer-Encoding: chunked\r\n"), Just("5\r\nhello\r\n"), Just("0\r\n"), Just("\n"), Just("x"),
            Just("Content-Length:                                                                  5\r\n"),
        ], 0..24),
        cuts in proptest::collection::vec(1_usize..20, 1..60),
    ) {
        let bytes = parts.concat().into_bytes();
        let whole = framing(&bytes);
        let mut cut = Framing::default();
        let mut rest = &bytes[..];
        for size in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            cut.read(piece);
            rest = after;
        }
        prop_assert_eq!(whole.state, cut.state);
        prop_assert_eq!(whole.complete_heads, cut.complete_heads);
        prop_assert_eq!(whole.first_ambiguous, cut.first_ambiguous);
    }
}
