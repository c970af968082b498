//! `[auth.…]` of the kinds that trust a gateway to identify the user: `gateway` and `alb`.

use std::time::Duration;

use ipnet::IpNet;
use reqwest::Url;

use super::act_as::CERTIFICATES;
use super::jwt::read_jwks_settings;
use super::remote::{read_header_claims, read_header_name};
use crate::auth::{AlbSettings, CertificateMatcher, GatewaySecret, GatewaySettings};
use crate::config::reader::Section;
use crate::config::sections::trusted_proxies::parse_network;
use crate::config::sections::{MINUTE, read_keys_url};

/// The shortest prefixes (IPv4, IPv6) of public networks. No provider publishes a wider one for its proxies.
const MIN_PUBLIC_PREFIX: (u8, u8) = (10, 24);

/// Networks that are not routed on the internet: RFC 1918, 6598, 3927, 4193, 4291, and loopback.
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

pub(super) fn read_gateway(section: &mut Section<'_, '_>) -> GatewaySettings {
    // Either is enough; if both are set, both are checked. An incomplete secret is an error and does not count as none.
    let has_secret = ["secret", "secret_header", "previous_secret"].iter().any(|key| section.has(key))
        || !section.has("certificates");
    let secret = if has_secret { read_secret(section) } else { None };
    let claims = read_header_claims(section);
    if claims.is_empty() && section.is_key_valid("claims") {
        section.reject("claims", "no claim", "at least one, as in [auth.NAME.claims] sub = \"x-auth-request-user\"");
    }
    let secret_header = secret.as_ref().map(|secret| &secret.header);
    if let Some((claim, _)) = claims.iter().find(|(_, header)| Some(header) == secret_header) {
        section.subsection("claims").reject(claim, "the header of the secret", "a header that nothing else uses");
    }
    GatewaySettings {
        trusted_peers: read_trusted_peers(section),
        claims,
        secret,
        certificates: section.parse_optional_list("certificates", CERTIFICATES, CertificateMatcher::parse),
    }
}

fn read_trusted_peers(section: &mut Section<'_, '_>) -> Vec<IpNet> {
    const ALLOWED: &str = "a list of one or more networks or addresses of your gateway, and of public addresses \
                           no more than a /10 (IPv6: /24), also when networks are joined";
    let networks = section.parse_nonempty_list("trusted_peers", ALLOWED, parse_network);
    // Joined first: two halves of the internet are all of it.
    if let Some(wide) = IpNet::aggregate(&networks).iter().find(|network| is_too_wide(network)) {
        section.reject("trusted_peers", format!("{wide}, which contains hosts of others"), ALLOWED);
    }
    networks
}

fn is_too_wide(network: &IpNet) -> bool {
    let is_private = PRIVATE.iter().filter_map(|text| text.parse().ok()).any(|one: IpNet| one.contains(network));
    let (ipv4, ipv6) = MIN_PUBLIC_PREFIX;
    let min_prefix = if network.addr().is_ipv4() { ipv4 } else { ipv6 };
    !is_private && network.prefix_len() < min_prefix
}

fn read_secret(section: &mut Section<'_, '_>) -> Option<GatewaySecret> {
    if !section.has("secret") {
        section.reject(
            "secret",
            "nothing",
            "a secret of at least 32 bytes that the gateway sends in secret_header; or certificates",
        );
    }
    let header = read_header_name(section, "secret_header");
    let secrets = ["secret", "previous_secret"].map(|key| section.read_long_secret(key));
    Some(GatewaySecret { header: header?, accepted: secrets.into_iter().flatten().collect() })
}

pub(super) fn read_alb(section: &mut Section<'_, '_>) -> Option<AlbSettings> {
    const ARN: &str = "the load balancer's ARN, as in arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/0123456789abcdef";
    let signer = section.parse("signer", ARN, |text| parse_location(text).map(|location| (text.to_owned(), location)));
    let client = section.read_optional_text("client_id", "the load balancer's client_id at the issuer");
    let leeway = section.read_duration("leeway", Duration::ZERO..=5 * MINUTE);
    let own_url = read_keys_url(section, "keys_url");
    let url = own_url.or_else(|| signer.as_ref().and_then(|(_, location)| default_keys_url(location)));
    let keys = read_jwks_settings(section, url, None);
    let (signer, location) = signer?;
    if keys.is_none() && !section.has("keys_url") {
        section.reject(
            "keys_url",
            format!("nothing, and the partition {}", location.partition),
            "the URL at which AWS publishes the keys of load balancers in that partition",
        );
    }
    Some(AlbSettings { signer, client, keys: keys?, leeway })
}

struct Location {
    partition: String,
    region: String,
}

/// `arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID`.
fn parse_location(arn: &str) -> Result<Location, &'static str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "elasticloadbalancing", region, account, resource] = parts[..] else {
        return Err("it is not the ARN of a load balancer");
    };
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if !is_word(partition) || !is_word(region) || !is_account || !resource.starts_with("loadbalancer/app/") {
        return Err("it is not the ARN of an application load balancer");
    }
    Ok(Location { partition: partition.to_owned(), region: region.to_owned() })
}

/// The URL at which AWS publishes the keys: "Authenticate users using an Application Load Balancer", in its user guide.
fn default_keys_url(Location { partition, region }: &Location) -> Option<Url> {
    let text = match &**partition {
        "aws" => format!("https://public-keys.auth.elb.{region}.amazonaws.com"),
        "aws-us-gov" => format!("https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}"),
        _ => return None,
    };
    Url::parse(&text).ok()
}
