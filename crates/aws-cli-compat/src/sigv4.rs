//! AWS Signature Version 4 for a request that no SDK client sends: its body is byte for byte the AWS CLI's.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature_of};
use aws_sigv4::sign::v4;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error_chain;

/// The region and service for which a signature is valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CredentialScope<'a> {
    /// The service's signing name, such as `cognito-identity`.
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
}

/// Signs a POST request, its headers and body included, and adds the signature's headers.
///
/// # Errors
/// The credentials cannot be sent in a header. The message does not contain them.
pub(crate) fn sign(
    headers: &mut HeaderMap,
    url: &Url,
    body: &str,
    scope: CredentialScope<'_>,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<(), String> {
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(now)
        .settings(SigningSettings::default())
        .build();
    let parameters = parameters.map_err(|error| error_chain::display(&error))?.into();
    let signed_headers = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let request = SignableRequest::new("POST", url.as_str(), signed_headers, SignableBody::Bytes(body.as_bytes()));
    let request = request.map_err(|error| error_chain::display(&error))?;
    let signed = signature_of(request, &parameters).map_err(|error| error_chain::display(&error))?;
    let (instructions, _signature) = signed.into_parts();
    for (name, value) in instructions.headers() {
        let header = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        let (name, mut value) = header.ok_or("the credentials have characters that are invalid in an HTTP header")?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(())
}
