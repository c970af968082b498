//! Constructor of all HTTP clients.

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::proxy::{ProxyPolicy, with_proxies};

/// A client that follows no redirects and takes proxies by `proxies`. `timeout` is for the whole exchange, body
/// included; `None` leaves it to the caller to set the time limits.
pub fn client_builder(proxies: ProxyPolicy, timeout: Option<Duration>) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder();
    let builder = builder.redirect(Policy::none()).user_agent(concat!("tokenvend/", env!("CARGO_PKG_VERSION")));
    let builder = match timeout {
        Some(timeout) => builder.timeout(timeout),
        None => builder,
    };
    with_proxies(builder, proxies)
}
