use proptest::prelude::*;

use super::serve_messages;

#[derive(Debug, Clone)]
struct Message {
    head: &'static str,
    body: Vec<u8>,
    chunk_sizes: Vec<usize>,
}

impl Message {
    fn bytes(&self) -> Vec<u8> {
        if self.body.is_empty() {
            return format!("{}\r\n", self.head).into_bytes();
        }
        if self.chunk_sizes.is_empty() {
            let head = format!("{}Content-Length: {}\r\n\r\n", self.head, self.body.len());
            return [head.as_bytes(), &self.body].concat();
        }
        let mut bytes = format!("{}Transfer-Encoding: chunked\r\n\r\n", self.head).into_bytes();
        let mut rest = &self.body[..];
        for size in self.chunk_sizes.iter().cycle() {
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            bytes.extend(format!("{:x};ext=1\r\n", chunk.len()).bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
            rest = after;
            if chunk.is_empty() {
                return bytes;
            }
        }
        bytes
    }
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    let head = prop_oneof![
        Just("GET /a HTTP/1.1\r\nHost: x\r\n"),
        Just("\r\nPOST / HTTP/1.1\nhost:x\nX-Content-Length: 9\r\n"),
        Just("DELETE http://x/ HTTP/1.1\r\nA:\r\nTransfer: chunked\r\n"),
    ];
    let message = (head, proptest::collection::vec(any::<u8>(), 0..40), proptest::collection::vec(1_usize..9, 0..4));
    proptest::collection::vec(message.prop_map(|(head, body, chunk_sizes)| Message { head, body, chunk_sizes }), 1..5)
}

proptest! {
    #[test]
    fn requests_whose_length_is_stated_once_are_served(messages in messages(), size in 1_u8..) {
        let bytes: Vec<u8> = std::iter::once(size).chain(messages.iter().flat_map(Message::bytes)).collect();
        let bodies: Vec<_> = messages.iter().map(|message| message.body.clone()).collect();
        prop_assert_eq!(serve_messages(&bytes), bodies);
    }

    #[test]
    fn a_damaged_request_is_rejected_or_ends_where_hyper_ends_it(
        messages in messages(), size in 1_u8.., place in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..3,
    ) {
        let mut bytes: Vec<u8> = std::iter::once(size).chain(messages.iter().flat_map(Message::bytes)).collect();
        let place = place.index(bytes.len());
        match kind {
            0 => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            _ => drop(bytes.remove(place)),
        }
        serve_messages(&bytes);
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_are_served_or_rejected() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/http1_messages");
    let served: usize = std::fs::read_dir(seeds)
        .unwrap()
        .map(|seed| serve_messages(&std::fs::read(seed.unwrap().path()).unwrap()).len())
        .sum();
    assert_eq!(served, 6);
}
