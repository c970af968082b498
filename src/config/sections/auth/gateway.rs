//! `[auth.…]` of the kinds that take a gateway's word for who the user is: `gateway` and `alb`.

use std::time::Duration;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::header::HeaderName;

use super::act_as::certificates;
use super::jwt::{fetching, shared};
use super::remote::header_claims;
use crate::auth::{AlbSettings, GatewaySecret, GatewaySettings};
use crate::config;
use crate::config::reader::Section;
use crate::config::sections::MINUTE;
use crate::config::sections::trusted_proxies::network;

/// What no gateway connects from: more of the internet than anybody publishes as the addresses of its proxies.
const WIDEST_PUBLIC: (u8, u8) = (10, 24);

/// Where nobody comes from whom no router of one's own let in: RFC 1918, 6598, 3927, 4193, 4291, and loopback.
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

pub(super) fn gateway(section: &mut Section<'_, '_>) -> Option<GatewaySettings> {
    let trusted_peers = trusted_peers(section);
    let claims = header_claims(section);
    let certificates = if section.has("certificates") { certificates(section) } else { Some(Vec::new()) };
    // Either is enough; both are demanded where both are set. Half a secret is a slip, not none.
    let has_secret = ["secret", "secret_header", "previous_secret"].iter().any(|key| section.has(key))
        || !section.has("certificates");
    let secret = if has_secret { secret(section).map(Some) } else { Some(None) };
    let (claims, secret) = (claims?, secret?);
    if claims.is_empty() {
        section.fault(
            "claims",
            "no claim",
            "at least one, as in [auth.NAME.claims] sub = \"x-auth-request-user\"",
        );
        return None;
    }
    let of_secret = secret.as_ref().map(|secret| &secret.header);
    if let Some((claim, _)) = claims.iter().find(|(_, header)| Some(header) == of_secret) {
        section.inner("claims").fault(claim, "the header of the secret", "a header of its own");
        return None;
    }
    Some(GatewaySettings { trusted_peers: trusted_peers?, claims, secret, certificates: certificates? })
}

fn trusted_peers(section: &mut Section<'_, '_>) -> Option<Vec<IpNet>> {
    const ALLOWED: &str = "a list of one or more networks or addresses of your gateway, none wider than a /10 \
                           (IPv6: /24) of public addresses, also together";
    let texts = section.list("trusted_peers", ALLOWED)?;
    let networks: Result<Vec<IpNet>, String> =
        texts.iter().map(|text| network(text).map_err(|why| format!("{text:?} ({why})"))).collect();
    let networks = match networks {
        Ok(networks) if !networks.is_empty() => networks,
        Ok(_) => {
            section.fault("trusted_peers", "nobody", ALLOWED);
            return None;
        }
        Err(found) => {
            section.fault("trusted_peers", found, ALLOWED);
            return None;
        }
    };
    // Together: two halves of the internet are all of it.
    if let Some(wide) = IpNet::aggregate(&networks).iter().find(|network| is_too_wide(network)) {
        section.fault("trusted_peers", format!("{wide}, which strangers share"), ALLOWED);
        return None;
    }
    Some(networks)
}

fn is_too_wide(network: &IpNet) -> bool {
    let is_private =
        PRIVATE.iter().filter_map(|text| text.parse().ok()).any(|one: IpNet| one.contains(network));
    let (four, six) = WIDEST_PUBLIC;
    let widest = if network.addr().is_ipv4() { four } else { six };
    !is_private && network.prefix_len() < widest
}

fn secret(section: &mut Section<'_, '_>) -> Option<GatewaySecret> {
    let header = section.parsed("secret_header", "the name of a header", |text| text.parse::<HeaderName>());
    if !section.has("secret") {
        section.fault(
            "secret",
            "nothing",
            "a secret of at least 32 bytes that the gateway sends in secret_header; or certificates",
        );
    }
    let secret = section.secret("secret").and_then(|secret| shared(section, "secret", secret));
    let is_changing = section.has("previous_secret");
    let previous = section.secret("previous_secret");
    let previous = previous.and_then(|secret| shared(section, "previous_secret", secret));
    if is_changing && previous.is_none() {
        return None;
    }
    Some(GatewaySecret { header: header?, accepted: [secret?].into_iter().chain(previous).collect() })
}

pub(super) fn alb(section: &mut Section<'_, '_>) -> Option<AlbSettings> {
    const ARN: &str = "the load balancer's ARN, as in arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/0123456789abcdef";
    let signer = section.parsed("signer", ARN, |text| region_of(text).map(|place| (text.to_owned(), place)));
    let client =
        section.optional("client_id", "the load balancer's client_id at the issuer", |text| match text {
            "" => Err("it is empty"),
            text => Ok(text.to_owned()),
        });
    let own_url =
        section.optional("keys_url", "an https URL without a password, or an http one on loopback", |text| {
            config::keys_url(text)
        });
    let fetching = fetching(section);
    let leeway = section.duration("leeway", Duration::ZERO..=5 * MINUTE);
    let (signer, place) = signer?;
    let Some(url) = own_url.or_else(|| published_at(&place)) else {
        let found = format!("nothing, and the partition {}", place.partition);
        section.fault("keys_url", found, "where AWS publishes the keys of load balancers there");
        return None;
    };
    Some(AlbSettings { signer, client, keys: fetching?(url, None), leeway: leeway? })
}

/// Where a load balancer is.
struct Place {
    partition: String,
    region: String,
}

/// `arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID`.
fn region_of(arn: &str) -> Result<Place, &'static str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "elasticloadbalancing", region, account, resource] = parts[..] else {
        return Err("it is no ARN of a load balancer");
    };
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if !is_word(partition) || !is_word(region) || !is_account || !resource.starts_with("loadbalancer/app/") {
        return Err("it is no ARN of an application load balancer");
    }
    Ok(Place { partition: partition.to_owned(), region: region.to_owned() })
}

/// Where AWS publishes the keys: "Authenticate users using an Application Load Balancer", in its user guide.
fn published_at(Place { partition, region }: &Place) -> Option<Url> {
    let text = match &**partition {
        "aws" => format!("https://public-keys.auth.elb.{region}.amazonaws.com"),
        "aws-us-gov" => format!("https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}"),
        _ => return None,
    };
    Url::parse(&text).ok()
}
