//! Storage encoding of a token, in three quarters of its size. A JWT is stored base64url-decoded and encoded again into
//! each response. With vector instructions, that takes no longer than to copy it.

use base64_simd::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::token::OpenIdToken;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenEncoding {
    /// A decoded JWT: the header, the payload, and then the signature.
    Jws { header_ends: u32, payload_ends: u32 },
    /// Any other token, from another implementation of Cognito's API: a JSON string.
    Quoted,
}

impl TokenEncoding {
    /// Encodes a token into bytes that decode to the very same text.
    pub(super) fn encode(token: &OpenIdToken) -> (Self, Zeroizing<Vec<u8>>) {
        Self::encode_jws(token.expose()).unwrap_or_else(|| {
            // `\u001f`: no character takes more bytes in JSON.
            let mut quoted = Zeroizing::new(Vec::with_capacity(token.expose().len() * 6 + 2));
            // A write to a vector does not fail.
            let _ = serde_json::to_writer(&mut *quoted, token.expose());
            (Self::Quoted, quoted)
        })
    }

    fn encode_jws(token: &str) -> Option<(Self, Zeroizing<Vec<u8>>)> {
        let mut segments = token.splitn(3, '.');
        // Full capacity at once: a buffer that grows leaves copies of the token behind that are not wiped.
        let mut encoded = Zeroizing::new(Vec::with_capacity(token.len()));
        let mut append_segment = || {
            URL_SAFE_NO_PAD.decode_append(segments.next()?, &mut *encoded).ok()?;
            u32::try_from(encoded.len()).ok()
        };
        let (header_ends, payload_ends) = (append_segment()?, append_segment()?);
        append_segment()?;
        // The round trip is exact: the decoder accepts only one encoding of any bytes, the encoder's.
        Some((Self::Jws { header_ends, payload_ends }, encoded))
    }

    /// Writes a stored token as a JSON string, quotes included.
    pub(super) fn write_quoted(self, encoded: &[u8], json: &mut Vec<u8>) {
        match self {
            Self::Jws { header_ends, payload_ends } => {
                json.push(b'"');
                write_jws(encoded, [header_ends, payload_ends], json);
                json.push(b'"');
            }
            Self::Quoted => json.extend_from_slice(encoded),
        }
    }

    /// The token as Cognito issued it.
    pub(super) fn decode(self, encoded: &[u8]) -> OpenIdToken {
        OpenIdToken::new(match self {
            Self::Jws { header_ends, payload_ends } => {
                let mut text = Vec::with_capacity(encoded.len() * 4 / 3 + 8);
                write_jws(encoded, [header_ends, payload_ends], &mut text);
                // Base64url and dots are text.
                String::from_utf8(text).unwrap_or_default()
            }
            // Written as a JSON string, so it is read as one.
            Self::Quoted => serde_json::from_slice(encoded).unwrap_or_default(),
        })
    }
}

/// Writes the compact serialization (RFC 7515, section 3.1).
fn write_jws(encoded: &[u8], [header_ends, payload_ends]: [u32; 2], text: &mut Vec<u8>) {
    let (message, signature) = encoded.split_at_checked(payload_ends as usize).unwrap_or_default();
    let (header, payload) = message.split_at_checked(header_ends as usize).unwrap_or_default();
    URL_SAFE_NO_PAD.encode_append(header, text);
    text.push(b'.');
    URL_SAFE_NO_PAD.encode_append(payload, text);
    text.push(b'.');
    URL_SAFE_NO_PAD.encode_append(signature, text);
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as OTHER;
    use proptest::prelude::*;

    use super::*;

    fn encoded(token: &str) -> (TokenEncoding, Zeroizing<Vec<u8>>) {
        TokenEncoding::encode(&OpenIdToken::new(token.to_owned()))
    }

    #[test]
    fn a_jwt_takes_three_quarters_of_its_text() {
        let token = format!("{}.{}.{}", "aGVhZGVy", "cGF5bG9h".repeat(64), "c2lnbmF0".repeat(40));
        let (encoding, bytes) = encoded(&token);
        assert_eq!(encoding, TokenEncoding::Jws { header_ends: 6, payload_ends: 6 + 6 * 64 });
        assert_eq!(bytes.len(), (token.len() - 2) / 4 * 3);
    }

    #[test]
    fn a_token_in_another_spelling_than_the_encoders_is_stored_as_text() {
        for odd in
            ["", "a", "a.b", "aa.aa", "aa.aa.aa.aa", "ab.aa.aa", "aa==.aa.aa", "a+.aa.aa", "aa .aa.aa", "é.aa.aa"]
        {
            assert_eq!(encoded(odd).0, TokenEncoding::Quoted, "{odd}");
        }
        assert_ne!(encoded("..").0, TokenEncoding::Quoted);
    }

    proptest! {
        /// Checked with the encoder of another library.
        #[test]
        fn every_jwt_is_stored_decoded(segments in any::<[Vec<u8>; 3]>()) {
            let token = segments.map(|segment| OTHER.encode(segment)).join(".");
            let (encoding, bytes) = encoded(&token);
            prop_assert_ne!(encoding, TokenEncoding::Quoted);
            let again = encoding.decode(&bytes);
            prop_assert_eq!(again.expose(), &token);
        }

        #[test]
        fn every_token_decodes_to_the_same_text(token in prop_oneof!["(?s).{0,40}", "[a-zA-Z0-9_-]{0,40}(\\.[a-zA-Z0-9_-]{0,40}){1,3}"]) {
            let (encoding, bytes) = encoded(&token);
            let again = encoding.decode(&bytes);
            prop_assert_eq!(again.expose(), &token);
            let mut json = Vec::new();
            encoding.write_quoted(&bytes, &mut json);
            prop_assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), token);
        }
    }
}
