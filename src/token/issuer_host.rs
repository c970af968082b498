//! The name in which Cognito speaks for the pools of a region: the host of a token's `iss`, and what role trust
//! policies call the token's issuer.
//!
//! Sources: the login keys of AWS's own mobile SDKs for China; for GovCloud the trust policies in "Amazon Cognito
//! in AWS GovCloud (US)", since STS finds a token's provider by its `iss`.

/// That name, for the pools of this region. All pools of all AWS customers share it, so it alone vouches for
/// nothing.
pub fn issuer_host(region: &str) -> String {
    match region {
        "us-gov-west-1" => "cognito-identity-us-gov.amazonaws.com".to_owned(),
        gov if gov.starts_with("us-gov-") => format!("cognito-identity.{gov}.amazonaws.com"),
        china if china.starts_with("cn-") => format!("cognito-identity.{china}.amazonaws.com.cn"),
        _ => "cognito-identity.amazonaws.com".to_owned(),
    }
}

/// The login key under which a token of the region's pools is handed on. China has a key of its own for each
/// region.
pub fn login_key(region: &str) -> String {
    if region.starts_with("cn-") {
        format!("cognito-identity.{region}.amazonaws.com.cn")
    } else {
        "cognito-identity.amazonaws.com".to_owned()
    }
}

/// Where Cognito publishes the keys of a region's tokens: beside the endpoint that stands in for AWS's, if one
/// does, else under their issuer.
pub fn keys_url(region: &str, endpoint: Option<&str>) -> String {
    let base = endpoint.map_or_else(|| format!("https://{}", issuer_host(region)), str::to_owned);
    format!("{}/.well-known/jwks_uri", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_a_name_of_its_own() {
        for (region, name) in [
            ("eu-west-1", "cognito-identity.amazonaws.com"),
            ("cn-north-1", "cognito-identity.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "cognito-identity-us-gov.amazonaws.com"),
            ("us-gov-east-1", "cognito-identity.us-gov-east-1.amazonaws.com"),
        ] {
            assert_eq!(issuer_host(region), name);
        }
    }

    #[test]
    fn keys_are_published_under_the_issuer_or_beside_what_stands_in_for_it() {
        assert_eq!(
            keys_url("eu-west-1", None),
            "https://cognito-identity.amazonaws.com/.well-known/jwks_uri"
        );
        for endpoint in ["http://127.0.0.1:8082", "http://127.0.0.1:8082/"] {
            assert_eq!(keys_url("x", Some(endpoint)), "http://127.0.0.1:8082/.well-known/jwks_uri");
        }
    }
}
