//! Host of a token's `iss` for each region, which is also the federated principal of role trust policies.
//!
//! Sources: the login keys of AWS's own mobile SDKs for China; for GovCloud the trust policies in "Amazon Cognito
//! in AWS GovCloud (US)", since STS finds a token's provider by its `iss`.

/// All pools of all AWS customers share it, so a token's issuer alone proves nothing.
pub fn issuer_host(region: &str) -> String {
    match region {
        "us-gov-west-1" => "cognito-identity-us-gov.amazonaws.com".to_owned(),
        gov if gov.starts_with("us-gov-") => format!("cognito-identity.{gov}.amazonaws.com"),
        china if china.starts_with("cn-") => format!("cognito-identity.{china}.amazonaws.com.cn"),
        _ => "cognito-identity.amazonaws.com".to_owned(),
    }
}

/// The key of `Logins` for a token of the region's pools. In China each region has its own.
pub fn login_key(region: &str) -> String {
    if region.starts_with("cn-") {
        format!("cognito-identity.{region}.amazonaws.com.cn")
    } else {
        "cognito-identity.amazonaws.com".to_owned()
    }
}

/// The URL of the JWKS for a region's tokens: on `endpoint` if it replaces AWS's, else on their issuer.
pub fn keys_url(region: &str, endpoint: Option<&str>) -> String {
    let base = endpoint.map_or_else(|| format!("https://{}", issuer_host(region)), str::to_owned);
    format!("{}/.well-known/jwks_uri", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_issuer_host_and_regions_in_china_their_own_login_key() {
        const AWS: &str = "cognito-identity.amazonaws.com";
        const CHINA: &str = "cognito-identity.cn-north-1.amazonaws.com.cn";
        for (region, host, key) in [
            ("eu-west-1", AWS, AWS),
            ("cn-north-1", CHINA, CHINA),
            ("us-gov-west-1", "cognito-identity-us-gov.amazonaws.com", AWS),
            ("us-gov-east-1", "cognito-identity.us-gov-east-1.amazonaws.com", AWS),
        ] {
            assert_eq!((&*issuer_host(region), &*login_key(region)), (host, key), "{region}");
        }
    }

    #[test]
    fn keys_are_published_on_the_issuer_or_on_the_endpoint_that_replaces_it() {
        assert_eq!(keys_url("eu-west-1", None), "https://cognito-identity.amazonaws.com/.well-known/jwks_uri");
        for endpoint in ["http://127.0.0.1:8082", "http://127.0.0.1:8082/"] {
            assert_eq!(keys_url("x", Some(endpoint)), "http://127.0.0.1:8082/.well-known/jwks_uri");
        }
    }
}
