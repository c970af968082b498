//! Addresses of a request: the *peer* of the connection, and the *client* that sent the request, which differ if
//! there is a proxy between them. Only this module distinguishes them.
//!
//! The header with the client address counts only from a peer that the configuration trusts, and only as far as trusted
//! proxies have written it. Each of them appends the address of its own peer. The list is therefore read from its right
//! end, and the first address that is not a trusted proxy is the client. The client may have written everything to the
//! left of it. An entry that is not an address also ends the search: the client is then the last address that a trusted
//! proxy has reported, and never one further left.

mod forwarded_header;

use std::net::IpAddr;

use ipnet::IpNet;

pub use forwarded_header::ForwardedHeader;

/// How many entries are read, over all lines of the header. Chains of proxies are short.
const MAX_ENTRIES: usize = 32;

/// The address of the connection's peer. It cannot be forged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(IpAddr);

impl PeerAddress {
    /// An IPv4 address of an IPv6 socket (`::ffff:192.0.2.1`) becomes a plain IPv4 address.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    pub fn ip(self) -> IpAddr {
        self.0
    }
}

/// The address of the client that sent the request, as far as trusted proxies report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

/// The peer is the client unless a proxy is trusted.
impl From<PeerAddress> for ClientAddress {
    fn from(peer: PeerAddress) -> Self {
        Self(peer.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestAddresses {
    /// Decides whether a proxy is trusted.
    pub peer: PeerAddress,
    /// For rate limits and the audit trail.
    pub client: ClientAddress,
}

/// The proxies whose report of the client address is trusted, and the header in which they send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Empty: the peer is the client.
    pub networks: Vec<IpNet>,
    /// Only one header is read. Of two, the client could write the one that the proxy does not.
    pub header: ForwardedHeader,
}

impl TrustedProxies {
    pub fn none() -> Self {
        Self { networks: Vec::new(), header: ForwardedHeader::XForwardedFor }
    }

    /// The client of a request, by its peer and the lines of [`TrustedProxies::header`] in the order of the request.
    pub fn client<'v>(&self, peer: PeerAddress, lines: impl DoubleEndedIterator<Item = &'v [u8]>) -> ClientAddress {
        let mut client = peer.0;
        if self.trusts(peer) {
            let entries = lines.rev().flat_map(|line| self.header.entries_from_the_right(line));
            // Empty entries are ignored (RFC 9110, section 5.6.1.2), but they count.
            for entry in entries.take(MAX_ENTRIES).filter(|entry| !entry.is_empty()) {
                let Some(address) = self.header.address_in(entry) else { break };
                client = address;
                if !self.contains(client) {
                    break;
                }
            }
        }
        ClientAddress(client)
    }

    /// Whether the peer is a trusted proxy.
    pub fn trusts(&self, peer: PeerAddress) -> bool {
        self.contains(peer.0)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies(header: ForwardedHeader) -> TrustedProxies {
        let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|network| network.parse().unwrap());
        TrustedProxies { networks: trusted.to_vec(), header }
    }

    fn client_of(proxies: &TrustedProxies, peer: &str, lines: &[&str]) -> String {
        let peer = PeerAddress::new(peer.parse().unwrap());
        proxies.client(peer, lines.iter().map(|line| line.as_bytes())).ip().to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_not_a_trusted_proxy() {
        let proxies = proxies(ForwardedHeader::XForwardedFor);
        for (peer, lines, client) in [
            // An untrusted peer's header is ignored.
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("192.0.2.1", &["10.0.0.1, 10.0.0.2"], "192.0.2.1"),
            // A trusted proxy reports a client, or is the client itself.
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // The entries of the client itself are to the left.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.7, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["unknown, 198.51.100.1"], "198.51.100.1"),
            // Several proxies, over several lines.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1, 10.0.0.3,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1 ", " 10.0.0.3", "10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // Both families, with ports, with brackets, and IPv4 as IPv6.
            ("2001:db8:ffff::1", &["2001:DB8:0:1::5"], "2001:db8:0:1::5"),
            ("10.0.0.1", &["[2001:db8::5]:4711, 10.0.0.3:80"], "2001:db8::5"),
            ("10.0.0.1", &["[2001:db8::5]"], "2001:db8::5"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, ::ffff:10.0.0.3"], "198.51.100.1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            // Empty entries are ignored.
            ("10.0.0.1", &["198.51.100.1, , ", ""], "198.51.100.1"),
            // An entry that is not an address: the last trusted proxy did not report one.
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, _hidden, 10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, unix:, 10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, 1.2.3.4.5"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, 010.0.0.3"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, fe80::1%eth0"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.3:99999"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1 10.0.0.3"], "10.0.0.1"),
        ] {
            assert_eq!(client_of(&proxies, peer, lines), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_number_of_entries_that_are_read_is_bounded() {
        let proxies = proxies(ForwardedHeader::XForwardedFor);
        let chain = format!("198.51.100.1{}", ", 10.0.0.3".repeat(MAX_ENTRIES - 1));
        assert_eq!(client_of(&proxies, "10.0.0.1", &[&chain]), "198.51.100.1");
        assert_eq!(client_of(&proxies, "10.0.0.1", &[&format!("{chain}, 10.0.0.4")]), "10.0.0.3");
        assert_eq!(client_of(&proxies, "10.0.0.1", &[&format!("198.51.100.1{}", ",".repeat(9000))]), "10.0.0.1");
    }

    #[test]
    fn the_forwarded_header_is_read_in_the_same_way() {
        let proxies = proxies(ForwardedHeader::Forwarded);
        for (lines, client) in [
            (&["for=198.51.100.1"][..], "198.51.100.1"),
            (&["for=203.0.113.9, For=\"198.51.100.1:4711\";proto=https;by=203.0.113.43"], "198.51.100.1"),
            (&["proto=http; FOR=\"[2001:db8:cafe::17]:4711\" ;host=\"a,b;for=1.1.1.1\""], "2001:db8:cafe::17"),
            (&["for=203.0.113.9", "for=198.51.100.1, for=10.0.0.3"], "198.51.100.1"),
            (&["for=198.51.100.1,,"], "198.51.100.1"),
            // An unclosed quote of the client hides no appended entry.
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
            assert_eq!(client_of(&proxies, "10.0.0.1", lines), client, "{lines:?}");
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
        /// The guarantee of the module: nothing that a client sends changes its client address.
        #[test]
        fn nothing_that_a_client_sends_changes_its_address(
            own in proptest::collection::vec(anything(), 0..4),
            client in prop_oneof![
                any::<u32>().prop_map(|bits| IpAddr::from(bits.to_be_bytes())),
                any::<u128>().prop_map(|bits| IpAddr::from(bits.to_be_bytes())),
            ],
            joined in any::<bool>(),
        ) {
            for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                let proxies = proxies(header);
                let client = client.to_canonical();
                prop_assume!(!proxies.contains(client));
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
                prop_assert_eq!(client_of(&proxies, "10.0.0.1", &lines), client.to_string());
                prop_assert_eq!(client_of(&proxies, &client.to_string(), &lines), client.to_string());
            }
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(lines in proptest::collection::vec(any::<Vec<u8>>(), 0..4)) {
            let peer = PeerAddress::new(IpAddr::from([10, 0, 0, 1]));
            for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                proxies(header).client(peer, lines.iter().map(Vec::as_slice));
            }
        }
    }
}
