//! Signature algorithms of JWS (RFC 7518, section 3; RFC 8037 for EdDSA), each with its verification parameters.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RsaParameters,
    VerificationAlgorithm,
};

macro_rules! algorithms {
    ($($name:ident => $params:expr,)+) => {
        /// A signature algorithm by its JWS name. `none` is not one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are the standard's")]
        pub enum Algorithm { $($name,)+ }

        impl Algorithm {
            /// All known algorithms.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The value of `alg`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            pub(crate) fn params(self) -> VerificationParams {
                match self { $(Self::$name => $params,)+ }
            }
        }
    };
}

algorithms! {
    RS256 => VerificationParams::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
    RS384 => VerificationParams::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
    RS512 => VerificationParams::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
    PS256 => VerificationParams::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
    PS384 => VerificationParams::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
    PS512 => VerificationParams::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
    ES256 => VerificationParams::Ec("P-256", &ECDSA_P256_SHA256_FIXED),
    ES384 => VerificationParams::Ec("P-384", &ECDSA_P384_SHA384_FIXED),
    ES512 => VerificationParams::Ec("P-521", &ECDSA_P521_SHA512_FIXED),
    EdDSA => VerificationParams::Ed("Ed25519", &ED25519),
    HS256 => VerificationParams::Secret(hmac::HMAC_SHA256),
    HS384 => VerificationParams::Secret(hmac::HMAC_SHA384),
    HS512 => VerificationParams::Secret(hmac::HMAC_SHA512),
}

/// Verification parameters of an algorithm. A key belongs to one of the variants, so that a public key is never used as a
/// shared secret.
#[derive(Clone, Copy)]
pub(crate) enum VerificationParams {
    Rsa(&'static RsaParameters),
    /// With the curve's name (RFC 7518, 6.2.1.1).
    Ec(&'static str, &'static dyn VerificationAlgorithm),
    /// With the curve's name (RFC 8037, 2).
    Ed(&'static str, &'static dyn VerificationAlgorithm),
    Secret(hmac::Algorithm),
}

impl Algorithm {
    /// The algorithm with this `alg`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }

    /// Whether the verification key can also sign.
    pub fn is_symmetric(self) -> bool {
        matches!(self.params(), VerificationParams::Secret(_))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_is_found_by_its_exact_name_and_none_is_not_one() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(*algorithm));
        }
        for name in ["none", "None", "NONE", "", "rs256", "RS256 ", "HS1", "ES256K"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
