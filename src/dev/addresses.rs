//! Addresses of the parts of `tokenvend dev`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The address with a later port, or with any free port if the port is 0.
pub(super) fn later_port(mut address: SocketAddr, offset: u16) -> SocketAddr {
    if address.port() != 0 {
        address.set_port(address.port().saturating_add(offset));
    }
    address
}

/// The URL of a part from this machine, also if it listens on all addresses.
pub(super) fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
