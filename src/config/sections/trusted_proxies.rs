//! `http.trusted_proxies` and `http.forwarded_header`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::client_address::{ForwardedHeader, TrustedProxies};
use crate::config::reader::Section;

const ALLOWED: &str = "networks as in \"10.0.0.0/8\" or \"2001:db8::/32\", or single addresses";

pub(super) fn read_trusted_proxies(section: &mut Section<'_, '_>) -> TrustedProxies {
    let headers = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];
    TrustedProxies {
        networks: section.parse_list("trusted_proxies", ALLOWED, parse_network),
        header: section.read_choice("forwarded_header", headers.map(|header| (header.name(), header))),
    }
}

/// Parses a network, or an address as the network of only that address.
pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| "it is not a network or an address".to_owned())?;
    if network.prefix_len() == 0 {
        return Err("it trusts every peer, and each could then claim any client address".to_owned());
    }
    if network.addr().to_canonical() != network.addr() {
        return Err("IPv4 peers are compared as IPv4; write it as an IPv4 network".to_owned());
    }
    if network.trunc() != network {
        return Err(format!("its host bits are set; did you mean {}?", network.trunc()));
    }
    Ok(network)
}
