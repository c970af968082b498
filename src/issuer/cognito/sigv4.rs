//! Signs requests with AWS credentials (Signature Version 4), for the call to IAM that no client of the SDK makes.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature_of};
use aws_sigv4::sign::v4;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error_chain;

#[derive(Debug, Clone, Copy)]
pub(super) struct CredentialScope<'a> {
    /// The service's name in signatures, such as `cognito-identity`.
    pub(super) service: &'a str,
    pub(super) region: &'a str,
}

/// Signs a POST over `headers` and the body, and adds the signature's headers.
///
/// # Errors
/// The credentials are not valid in a header. The message does not contain them.
pub(super) fn sign(
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
        let (name, mut value) = header.ok_or("the credentials contain characters that are invalid in a header")?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(())
}
