//! HTTP client of the AWS SDK, which is the SDK's default one but for its proxies.
//!
//! The default client takes all proxies of the environment, `HTTP_PROXY` for plain http too. Plain http is used for an
//! emulator under `endpoint_url` and for the metadata services that return AWS credentials: a proxy could read and replace
//! both. So this one takes the proxy for https only, as `bounded-http` does for all other clients.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_types::sdk_config::SharedHttpClient;
use bounded_http::HttpsProxy;

/// A client for all calls of the SDK: to Cognito, to STS, and for credentials.
pub(super) fn http_client() -> SharedHttpClient {
    let proxies = proxy_config(bounded_http::https_proxy());
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(proxies.clone()));
        connector.build()
    })
}

/// A URL of a kind that the SDK does not support is ignored, as the SDK itself does. It may contain a password, so the
/// warning does not show it.
fn proxy_config(proxy: Option<HttpsProxy>) -> ProxyConfig {
    let Some(HttpsProxy { url, no_proxy }) = proxy else { return ProxyConfig::disabled() };
    match (ProxyConfig::https(url), no_proxy) {
        (Ok(proxy), Some(no_proxy)) => proxy.no_proxy(no_proxy),
        (Ok(proxy), None) => proxy,
        (Err(_), _) => {
            tracing::warn!("https proxy of the environment is not supported, calling aws without it");
            ProxyConfig::disabled()
        }
    }
}
