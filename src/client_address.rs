//! From where a request comes: the *peer* at the other end of the connection, and the *client* that the peer speaks
//! for, which are two things as soon as a proxy stands between. This is the one place that tells them apart.
//!
//! What a header says of the client is believed only from a peer that the configuration trusts, and only as far as
//! trusted proxies have written it: each of them appends the address that it was called from, so the list is read
//! from its right end, and the first address that is no trusted proxy is the client. Whatever stands to the left
//! of it the client may have written itself. An entry that is no address ends the search too: the client is then
//! the last address that a trusted proxy vouched for, and never one that stands further left.

mod forwarded_header;

use std::net::IpAddr;

use ipnet::IpNet;

pub use forwarded_header::ForwardedHeader;

/// The most entries that are looked at, over all lines of the header: chains of proxies are short, and whoever
/// sends a thousand entries is no chain.
const MAX_ENTRIES: usize = 32;

/// The address at the other end of the connection. Nobody can make it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(IpAddr);

impl PeerAddress {
    /// The address of a connection's other end. An IPv4 address is one, also where a socket of IPv6 writes it as
    /// `::ffff:192.0.2.1`.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

/// The address that a request was first sent from, as far as that is known for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

/// Both addresses of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestAddresses {
    /// Who holds the connection: whom to trust as a proxy is decided by this.
    pub peer: PeerAddress,
    /// Who asks: what limits and the audit trail go by.
    pub client: ClientAddress,
}

/// The proxies that are trusted to say for whom they speak, and the header in which they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Their networks. Empty: every client is taken for its own peer.
    pub networks: Vec<IpNet>,
    /// The header. There is but one: where two are read, the one that the proxy does not write is the client's.
    pub header: ForwardedHeader,
}

impl TrustedProxies {
    /// No proxy is trusted.
    pub fn none() -> Self {
        Self { networks: Vec::new(), header: ForwardedHeader::XForwardedFor }
    }

    /// Where a request comes from, by its peer and the lines of [`Hops::header`] in the order in which they came.
    pub fn resolve<'v>(
        &self,
        peer: PeerAddress,
        lines: impl DoubleEndedIterator<Item = &'v [u8]>,
    ) -> RequestAddresses {
        let mut client = peer.0;
        if self.trusts(client) {
            let entries = lines.rev().flat_map(|line| self.header.entries_from_the_right(line));
            // Empty entries are none (RFC 9110, section 5.6.1.2), but they are looked at.
            for entry in entries.take(MAX_ENTRIES).filter(|entry| !entry.is_empty()) {
                let Some(address) = self.header.address_in(entry) else { break };
                client = address;
                if !self.trusts(client) {
                    break;
                }
            }
        }
        RequestAddresses { peer, client: ClientAddress(client) }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hops(header: ForwardedHeader) -> TrustedProxies {
        let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|network| network.parse().unwrap());
        TrustedProxies { networks: trusted.to_vec(), header }
    }

    fn client_of(hops: &TrustedProxies, peer: &str, lines: &[&str]) -> String {
        let peer = PeerAddress::new(peer.parse().unwrap());
        hops.resolve(peer, lines.iter().map(|line| line.as_bytes())).client.ip().to_string()
    }

    #[test]
    fn the_client_is_the_right_most_address_that_is_no_trusted_proxy() {
        let hops = hops(ForwardedHeader::XForwardedFor);
        for (peer, lines, client) in [
            // Nobody vouches for what an untrusted peer says.
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("192.0.2.1", &["10.0.0.1, 10.0.0.2"], "192.0.2.1"),
            // A trusted proxy speaks for somebody, or for itself.
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // What the client wrote itself stands to the left.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.7, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["unknown, 198.51.100.1"], "198.51.100.1"),
            // Several proxies, over several lines.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1, 10.0.0.3,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1 ", " 10.0.0.3", "10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // The two families, with ports, brackets and in each other's clothes.
            ("2001:db8:ffff::1", &["2001:DB8:0:1::5"], "2001:db8:0:1::5"),
            ("10.0.0.1", &["[2001:db8::5]:4711, 10.0.0.3:80"], "2001:db8::5"),
            ("10.0.0.1", &["[2001:db8::5]"], "2001:db8::5"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, ::ffff:10.0.0.3"], "198.51.100.1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            // Empty entries are none.
            ("10.0.0.1", &["198.51.100.1, , ", ""], "198.51.100.1"),
            // What is no address is somebody whom the last trusted hop would not name.
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, _hidden, 10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, unix:, 10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, 1.2.3.4.5"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, 010.0.0.3"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, fe80::1%eth0"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.3:99999"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1 10.0.0.3"], "10.0.0.1"),
        ] {
            assert_eq!(client_of(&hops, peer, lines), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn no_more_entries_are_looked_at_than_a_chain_of_proxies_can_have() {
        let hops = hops(ForwardedHeader::XForwardedFor);
        let chain = format!("198.51.100.1{}", ", 10.0.0.3".repeat(MAX_ENTRIES - 1));
        assert_eq!(client_of(&hops, "10.0.0.1", &[&chain]), "198.51.100.1");
        assert_eq!(client_of(&hops, "10.0.0.1", &[&format!("{chain}, 10.0.0.4")]), "10.0.0.3");
        assert_eq!(client_of(&hops, "10.0.0.1", &[&format!("198.51.100.1{}", ",".repeat(9000))]), "10.0.0.1");
    }

    #[test]
    fn the_forwarded_header_is_read_in_the_same_way() {
        let hops = hops(ForwardedHeader::Forwarded);
        for (lines, client) in [
            (&["for=198.51.100.1"][..], "198.51.100.1"),
            (&["for=203.0.113.9, For=\"198.51.100.1:4711\";proto=https;by=203.0.113.43"], "198.51.100.1"),
            (
                &["proto=http; FOR=\"[2001:db8:cafe::17]:4711\" ;host=\"a,b;for=1.1.1.1\""],
                "2001:db8:cafe::17",
            ),
            (&["for=203.0.113.9", "for=198.51.100.1, for=10.0.0.3"], "198.51.100.1"),
            (&["for=198.51.100.1,,"], "198.51.100.1"),
            // A quote that the client left open swallows nothing of what was appended to it.
            (&["for=\"203.0.113.9, for=198.51.100.1"], "198.51.100.1"),
            (&["for=\"203.0.113.9", "for=198.51.100.1"], "198.51.100.1"),
            (&["for=203.0.113.9;x=\"\\\", for=\"198.51.100.1\""], "198.51.100.1"),
            (&["for=198.51.100.1, for=unknown"], "10.0.0.1"),
            (&["for=198.51.100.1, for=\"_gazonk\", for=10.0.0.3"], "10.0.0.3"),
            (&["for=198.51.100.1, proto=http"], "10.0.0.1"),
            (&["for=198.51.100.1;for=198.51.100.2"], "10.0.0.1"),
            (&["for=\"198.51.100.\\1\""], "10.0.0.1"),
            (&["for=198.51.100.1\""], "10.0.0.1"),
            (&["198.51.100.1"], "10.0.0.1"),
        ] {
            assert_eq!(client_of(&hops, "10.0.0.1", lines), client, "{lines:?}");
        }
    }

    fn anything() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,80}",
            "[0-9a-f.:,\\[\\] ]{0,80}",
            "((for|by|FOR)=|\"|\\\\|[,;= ]|10\\.0\\.0\\.[0-9]|unknown|_x|\\[::1\\]:80){0,20}",
        ]
    }

    proptest! {
        /// The promise of the whole room: nothing that a client writes changes where it is taken to come from.
        #[test]
        fn nothing_that_a_client_sends_itself_moves_it_elsewhere(
            own in proptest::collection::vec(anything(), 0..4),
            client in prop_oneof![
                any::<u32>().prop_map(|bits| IpAddr::from(bits.to_be_bytes())),
                any::<u128>().prop_map(|bits| IpAddr::from(bits.to_be_bytes())),
            ],
            joined in any::<bool>(),
        ) {
            for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                let hops = hops(header);
                let client = client.to_canonical();
                prop_assume!(!hops.trusts(client));
                let appended = match (header, client) {
                    (ForwardedHeader::XForwardedFor, _) => client.to_string(),
                    (ForwardedHeader::Forwarded, IpAddr::V4(_)) => format!("for={client};proto=https"),
                    (ForwardedHeader::Forwarded, IpAddr::V6(_)) => format!("proto=https;for=\"[{client}]:1\""),
                };
                let mut lines = own.clone();
                match lines.last_mut().filter(|_| joined) {
                    Some(line) => *line = format!("{line}, {appended}"),
                    None => lines.push(appended),
                }
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                prop_assert_eq!(client_of(&hops, "10.0.0.1", &lines), client.to_string());
                prop_assert_eq!(client_of(&hops, &client.to_string(), &lines), client.to_string());
            }
        }

        #[test]
        fn bytes_of_any_kind_do_no_harm(lines in proptest::collection::vec(any::<Vec<u8>>(), 0..4)) {
            let peer = PeerAddress::new(IpAddr::from([10, 0, 0, 1]));
            for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                hops(header).resolve(peer, lines.iter().map(Vec::as_slice));
            }
        }
    }
}
