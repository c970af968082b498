//! `http.trusted_proxies` and `http.forwarded_header`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::client_address::{ForwardedHeader, TrustedProxies};
use crate::config::reader::Section;

const ALLOWED: &str = "networks as in \"10.0.0.0/8\" or \"2001:db8::/32\", or single addresses";

pub(super) fn hops(section: &mut Section<'_, '_>) -> Option<TrustedProxies> {
    let header = section.choice(
        "forwarded_header",
        &[
            (ForwardedHeader::XForwardedFor.name(), ForwardedHeader::XForwardedFor),
            (ForwardedHeader::Forwarded.name(), ForwardedHeader::Forwarded),
        ],
    );
    let mut trusted = Vec::new();
    for text in section.list("trusted_proxies", ALLOWED)? {
        match network(&text) {
            Ok(network) => trusted.push(network),
            Err(why) => {
                section.fault("trusted_proxies", format!("{text:?} ({why})"), ALLOWED);
                return None;
            }
        }
    }
    Some(TrustedProxies { networks: trusted, header: header? })
}

/// A network, or an address as the network of it alone.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => text.parse::<IpAddr>().map(IpNet::from).map_err(|_| "it is neither".to_owned())?,
    };
    if network.prefix_len() == 0 {
        return Err("it trusts everybody, who could then claim to be anybody and anywhere".to_owned());
    }
    if network.addr().to_canonical() != network.addr() {
        return Err("peers of IPv4 are compared as such; write it as an IPv4 network".to_owned());
    }
    if network.trunc() != network {
        return Err(format!("is {} meant?", network.trunc()));
    }
    Ok(network)
}
