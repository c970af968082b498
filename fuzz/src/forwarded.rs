//! The headers in which proxies report the client address: a client cannot change its own address with them.

use std::net::IpAddr;

use tokenvend::client_address::{ForwardedHeader, PeerAddress, TrustedProxies};

const UNTRUSTED_PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

/// An address, and the entry that a proxy writes for it: plain, and with all the quotes that are allowed.
const ENTRIES: [(ForwardedHeader, &str, &str); 4] = [
    (ForwardedHeader::XForwardedFor, "203.0.113.7", "203.0.113.7"),
    (ForwardedHeader::XForwardedFor, "2001:db8::7", "[2001:db8::7]:4711"),
    (ForwardedHeader::Forwarded, "203.0.113.7", "for=203.0.113.7;proto=https"),
    (ForwardedHeader::Forwarded, "2001:db8::7", r#"host="a,b;c";for="[2001:db8::7]:4711""#),
];

/// # Panics
/// The bytes, as lines of such a header, change the address of a client.
pub fn check_client_address(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    for (header, client, entry) in ENTRIES {
        let client: IpAddr = client.parse().unwrap();
        let proxies = TrustedProxies { networks: vec!["10.0.0.0/8".parse().unwrap()], header };
        let found = |peer: IpAddr, lines: &[&[u8]]| proxies.client(PeerAddress::new(peer), lines.iter().copied()).ip();
        assert_eq!(found(UNTRUSTED_PEER, &lines), UNTRUSTED_PEER, "an untrusted peer is believed");
        let second_proxy = match header {
            ForwardedHeader::XForwardedFor => "10.0.0.2",
            ForwardedHeader::Forwarded => "for=10.0.0.2",
        };
        for appended in [entry.to_owned(), format!("{entry}, {second_proxy}")] {
            // The proxy adds a line of its own, or appends to the client's, in which a quote may be open.
            let own = [&lines[..], &[appended.as_bytes()]].concat();
            assert_eq!(found(PROXY, &own), client, "{appended}");
            let joined = [bytes, b", ", appended.as_bytes()].concat();
            let joined: Vec<&[u8]> = joined.split(|byte| *byte == b'\n').collect();
            assert_eq!(found(PROXY, &joined), client, "{appended} on the client's own line");
        }
    }
}
