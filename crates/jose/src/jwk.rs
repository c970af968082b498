//! A JWK (RFC 7517), as far as it can be used to verify signatures.

use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};
use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::algorithm::{Algorithm, VerificationParams};
use crate::key::{VerificationKey, Verifier};

/// RFC 7518, section 3.3.
const MIN_RSA_BYTES: usize = 2048 / 8;

/// The parameters that are used. Others, private ones among them, are not read.
#[derive(Deserialize)]
pub(crate) struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// The key, if it is a public key for a known signature algorithm.
    pub(crate) fn into_key(self) -> Option<VerificationKey> {
        let is_for_signatures = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|one| one == "verify"));
        if !is_for_signatures {
            return None;
        }
        let is_declared = |algorithm: &&Algorithm| self.alg.as_deref().is_none_or(|alg| alg == algorithm.name());
        let verifiers: Vec<(Algorithm, Verifier)> = Algorithm::ALL
            .iter()
            .filter(is_declared)
            .filter_map(|algorithm| Some((*algorithm, Verifier::Public(self.parse(algorithm.params())?))))
            .collect();
        (!verifiers.is_empty()).then_some(VerificationKey { kid: self.kid, verifiers })
    }

    /// A shared secret (`oct`) is not accepted: in a published set it is no secret any more.
    fn parse(&self, params: VerificationParams) -> Option<ParsedPublicKey> {
        match (params, &*self.kty) {
            (VerificationParams::Rsa(parameters), "RSA") => {
                let (n, e) = (decode(self.n.as_ref())?, decode(self.e.as_ref())?);
                let (n, e) = (without_zeros(&n), without_zeros(&e));
                if n.len() < MIN_RSA_BYTES {
                    return None;
                }
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
            }
            (VerificationParams::Ec(curve, algorithm), "EC") if self.crv.as_deref() == Some(curve) => {
                // An uncompressed point: SEC 1, section 2.3.3.
                let point = [&[4], &*decode(self.x.as_ref())?, &*decode(self.y.as_ref())?].concat();
                ParsedPublicKey::new(algorithm, point).ok()
            }
            (VerificationParams::Ed(curve, algorithm), "OKP") if self.crv.as_deref() == Some(curve) => {
                ParsedPublicKey::new(algorithm, decode(self.x.as_ref())?).ok()
            }
            _ => None,
        }
    }
}

fn decode(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text?).ok()
}

/// Some issuers put a zero before a number whose first bit is set.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
