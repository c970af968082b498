//! Outbound HTTP with limits: the one constructor of HTTP clients, bounded bodies, and checks of configured URLs.

#![warn(missing_docs)]

mod body;
mod client;
mod proxy;
mod url;

pub use body::{HttpError, read_body};
pub use client::client_builder;
pub use proxy::{HttpsProxy, ProxyPolicy, https_proxy};
pub use url::{InvalidUrl, is_confidential, is_loopback, parse_keys_url, parse_url};
