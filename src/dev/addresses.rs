//! Addresses of the parts of `tokenvend dev`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Four consecutive ports, or any free ones from port 0.
#[derive(Debug, Clone, Copy)]
pub struct DevAddresses {
    /// The address of all parts.
    pub ip: IpAddr,
    /// The service's port. Those of admin listener, emulator and sign-in follow.
    pub port: u16,
}

impl DevAddresses {
    pub(super) fn at(self, offset: u16) -> SocketAddr {
        let port = if self.port == 0 { 0 } else { self.port.saturating_add(offset) };
        SocketAddr::new(self.ip, port)
    }
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
