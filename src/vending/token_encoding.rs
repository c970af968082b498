//! A token's text in three quarters of its room. Of a JWT the bytes are kept that its base64url stands for, and the text
//! is written anew into each answer: by vector instructions, that takes no longer than to copy it.

use base64_simd::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::token::OpenIdToken;

/// In which form a token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenEncoding {
    /// A JWT, in bytes: the header up to here, the payload up to there, then the signature.
    Jws { header_ends: u32, payload_ends: u32 },
    /// Whatever else a stand-in for Cognito may answer: a JSON string.
    Quoted,
}

impl TokenEncoding {
    /// Packs a token, into bytes from which the very same text comes back.
    pub(super) fn pack(token: &OpenIdToken) -> (Self, Zeroizing<Vec<u8>>) {
        Self::pack_jws(token.expose()).unwrap_or_else(|| {
            // `\u001f`: nothing takes more room in JSON.
            let mut quoted = Zeroizing::new(Vec::with_capacity(token.expose().len() * 6 + 2));
            // A vector takes whatever is written to it.
            let _ = serde_json::to_writer(&mut *quoted, token.expose());
            (Self::Quoted, quoted)
        })
    }

    fn pack_jws(token: &str) -> Option<(Self, Zeroizing<Vec<u8>>)> {
        let mut segments = token.splitn(3, '.');
        // Room for everything at once: a buffer that grows leaves unwiped copies of the token behind.
        let mut packed = Zeroizing::new(Vec::with_capacity(token.len()));
        let mut pack_one = || {
            URL_SAFE_NO_PAD.decode_append(segments.next()?, &mut *packed).ok()?;
            u32::try_from(packed.len()).ok()
        };
        let (header_ends, payload_ends) = (pack_one()?, pack_one()?);
        pack_one()?;
        // What was read here is what will be written: the decoder takes but one spelling of any bytes, the encoder's.
        Some((Self::Jws { header_ends, payload_ends }, packed))
    }

    /// Writes a packed token as a JSON string, quotes included.
    pub(super) fn write_quoted(self, packed: &[u8], json: &mut Vec<u8>) {
        match self {
            Self::Jws { header_ends, payload_ends } => {
                json.push(b'"');
                write_jws(packed, [header_ends, payload_ends], json);
                json.push(b'"');
            }
            Self::Quoted => json.extend_from_slice(packed),
        }
    }

    /// The token as Cognito made it.
    pub(super) fn token(self, packed: &[u8]) -> OpenIdToken {
        OpenIdToken::new(match self {
            Self::Jws { header_ends, payload_ends } => {
                let mut text = Vec::with_capacity(packed.len() * 4 / 3 + 8);
                write_jws(packed, [header_ends, payload_ends], &mut text);
                // Base64url and dots are text.
                String::from_utf8(text).unwrap_or_default()
            }
            // What stands there was written as a JSON string, so it can be read as one.
            Self::Quoted => serde_json::from_slice(packed).unwrap_or_default(),
        })
    }
}

/// The compact form (RFC 7515, 3.1).
fn write_jws(packed: &[u8], [header_ends, payload_ends]: [u32; 2], text: &mut Vec<u8>) {
    let (message, signature) = packed.split_at_checked(payload_ends as usize).unwrap_or_default();
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

    fn packed(token: &str) -> (TokenEncoding, Zeroizing<Vec<u8>>) {
        TokenEncoding::pack(&OpenIdToken::new(token.to_owned()))
    }

    #[test]
    fn a_jwt_takes_three_quarters_of_its_text() {
        let token = format!("{}.{}.{}", "aGVhZGVy", "cGF5bG9h".repeat(64), "c2lnbmF0".repeat(40));
        let (form, bytes) = packed(&token);
        assert_eq!(form, TokenEncoding::Jws { header_ends: 6, payload_ends: 6 + 6 * 64 });
        assert_eq!(bytes.len(), (token.len() - 2) / 4 * 3);
    }

    #[test]
    fn what_is_spelt_otherwise_than_it_would_be_written_is_kept_as_it_stands() {
        for odd in [
            "",
            "a",
            "a.b",
            "aa.aa",
            "aa.aa.aa.aa",
            "ab.aa.aa",
            "aa==.aa.aa",
            "a+.aa.aa",
            "aa .aa.aa",
            "é.aa.aa",
        ] {
            assert_eq!(packed(odd).0, TokenEncoding::Quoted, "{odd}");
        }
        assert_ne!(packed("..").0, TokenEncoding::Quoted);
    }

    proptest! {
        /// Judged by another library's encoder than the one that writes them here.
        #[test]
        fn every_jwt_is_packed(segments in any::<[Vec<u8>; 3]>()) {
            let token = segments.map(|segment| OTHER.encode(segment)).join(".");
            let (form, bytes) = packed(&token);
            prop_assert_ne!(form, TokenEncoding::Quoted);
            let again = form.token(&bytes);
            prop_assert_eq!(again.expose(), &token);
        }

        #[test]
        fn every_token_comes_back_as_it_was(token in prop_oneof!["\\PC{0,40}", "[a-zA-Z0-9_-]{0,40}(\\.[a-zA-Z0-9_-]{0,40}){1,3}"]) {
            let (form, bytes) = packed(&token);
            let again = form.token(&bytes);
            prop_assert_eq!(again.expose(), &token);
            let mut json = Vec::new();
            form.write_quoted(&bytes, &mut json);
            prop_assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), token);
        }
    }
}
