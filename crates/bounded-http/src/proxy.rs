//! Proxies of the environment. Plain http takes none: see the README.

use reqwest::{ClientBuilder, NoProxy, Proxy};

/// Which proxies of the environment a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyPolicy {
    /// The one for https, for https URLs only.
    HttpsOnly,
    /// None: for requests to this machine or to one service.
    Never,
    /// All, also for plain http, as the AWS CLI does.
    AwsCli,
}

/// The proxy for https URLs.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpsProxy {
    /// An http or https URL. May contain a password.
    pub url: String,
    /// The value of `NO_PROXY`: the hosts to connect to directly.
    pub no_proxy: Option<String>,
}

impl std::fmt::Debug for HttpsProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpsProxy([redacted])")
    }
}

/// The proxy that the environment of the process sets for https URLs.
#[expect(clippy::disallowed_methods, reason = "reqwest and the AWS SDK would read the same variables")]
pub fn https_proxy() -> Option<HttpsProxy> {
    https_proxy_from(|name| std::env::var(name).ok())
}

/// In the order of curl and hyper-util: the specific variable before the general one.
fn https_proxy_from(variable: impl Fn(&str) -> Option<String>) -> Option<HttpsProxy> {
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let url = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?;
    let url = if url.contains("://") { url } else { format!("http://{url}") };
    Some(HttpsProxy { url, no_proxy: first(&["NO_PROXY", "no_proxy"]) })
}

pub(crate) fn with_proxies(builder: ClientBuilder, policy: ProxyPolicy) -> ClientBuilder {
    match policy {
        ProxyPolicy::AwsCli => builder, // reqwest's default
        ProxyPolicy::Never => builder.no_proxy(),
        // An invalid URL is ignored, as reqwest itself does.
        ProxyPolicy::HttpsOnly => match https_proxy().and_then(|proxy| to_reqwest(&proxy)) {
            Some(proxy) => builder.no_proxy().proxy(proxy),
            None => builder.no_proxy(),
        },
    }
}

fn to_reqwest(HttpsProxy { url, no_proxy }: &HttpsProxy) -> Option<Proxy> {
    let no_proxy = no_proxy.as_deref().and_then(NoProxy::from_string);
    Some(Proxy::https(url).ok()?.no_proxy(no_proxy))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::client_builder;

    fn proxy(variables: &[(&str, &str)]) -> Option<(String, Option<String>)> {
        let find =
            |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
        https_proxy_from(find).map(|proxy| (proxy.url, proxy.no_proxy))
    }

    #[test]
    fn the_proxy_for_https_is_never_that_of_http() {
        assert_eq!(proxy(&[("HTTP_PROXY", "http://a"), ("http_proxy", "http://a")]), None);
        assert_eq!(proxy(&[("HTTPS_PROXY", "")]), None);
        let found = |url: &str| Some((url.to_owned(), None));
        assert_eq!(proxy(&[("https_proxy", "a:3128"), ("ALL_PROXY", "http://b")]), found("http://a:3128"));
        assert_eq!(proxy(&[("all_proxy", "https://b")]), found("https://b"));
        let with_exceptions = proxy(&[("ALL_PROXY", "http://b"), ("no_proxy", ".example")]);
        assert_eq!(with_exceptions, Some(("http://b".to_owned(), Some(".example".to_owned()))));
    }

    /// Returns the first line of what a client sends to a proxy when it requests `url`, or `None` without a connection.
    async fn first_line_at_proxy(url: &str, no_proxy: Option<&str>) -> Option<String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 512];
            let length = stream.read(&mut buffer).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
            String::from_utf8_lossy(&buffer[..length]).lines().next().unwrap_or_default().to_owned()
        });
        let proxy_settings = HttpsProxy { url: format!("http://{address}"), no_proxy: no_proxy.map(str::to_owned) };
        let client = client_builder(ProxyPolicy::Never, Some(Duration::from_secs(5)))
            .proxy(to_reqwest(&proxy_settings).unwrap());
        let _ = client.build().unwrap().get(url).send().await;
        // Ends the thread if it still waits for a connection.
        drop(TcpStream::connect(address));
        Some(proxy.join().unwrap()).filter(|line| !line.is_empty())
    }

    #[tokio::test]
    async fn an_https_proxy_gets_https_as_a_tunnel_and_plain_http_never() {
        let tunnel = first_line_at_proxy("https://keys.invalid/a", None).await;
        assert_eq!(tunnel.as_deref(), Some("CONNECT keys.invalid:443 HTTP/1.1"));
        assert_eq!(first_line_at_proxy("http://127.0.0.1:1/a", None).await, None);
        assert_eq!(first_line_at_proxy("http://keys.invalid/a", None).await, None);
        assert_eq!(first_line_at_proxy("https://keys.invalid/a", Some(".invalid")).await, None);
    }
}
