//! Names and encoding that minted and incoming tokens share.

use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The `iss` of every token.
pub(crate) const ISSUER: &str = "https://cognito-identity.amazonaws.com";
/// The login name under which clients present a token.
pub(crate) const OWN_PROVIDER: &str = "cognito-identity.amazonaws.com";

/// Decodes one part of a compact JWS: base64url, then JSON.
pub(super) fn decode_part<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode_to_vec(part).ok()?).ok()
}
