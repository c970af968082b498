//! Authenticators.

use super::*;

const GATEWAY: &str = r#"
[auth.gateway]
kind = "gateway"
issuer = "https://app.example"
trusted_peers = ["10.0.3.7"]
claims = { sub = "X-Auth-Request-User" }
secret_header = "x-gateway-secret"
secret = "0123456789abcdef0123456789abcdef"
"#;

#[test]
fn a_gateway_is_a_few_addresses_with_a_secret_and_never_the_whole_internet() {
    let with = |old: &str, new: &str| format!("{SMALLEST}{}", GATEWAY.replace(old, new));
    let peers = |list: &str| with("[\"10.0.3.7\"]", list);
    for good in [
        "[\"10.0.3.7\"]",
        "[\"10.0.0.0/8\", \"127.0.0.0/8\", \"fd00::/8\", \"::1\"]",
        // Networks that gateway providers publish.
        "[\"104.16.0.0/13\", \"104.24.0.0/14\", \"2a06:98c0::/29\"]",
    ] {
        assert!(load_with(&peers(good), &[]).is_ok(), "{good}");
    }
    for bad in [
        "[]",
        "[\"0.0.0.0/0\"]",
        "[\"::/0\"]",
        "[\"0.0.0.0/1\", \"128.0.0.0/1\"]",
        "[\"52.0.0.0/8\"]",
        "[\"52.0.0.0/10\", \"52.64.0.0/10\"]",
        "[\"8.0.0.0/7\"]",
        "[\"2000::/3\"]",
        "[\"10.0.3.7/24\"]",
        "[\"::ffff:10.0.3.7\"]",
        "[\"gateway.internal\"]",
        "\"10.0.3.7\"",
    ] {
        let errors = errors_of(&peers(bad), &[]);
        assert!(errors[0].starts_with("auth.gateway.trusted_peers (my.toml, line 14)"), "{bad}: {errors:?}");
    }
    for (old, new, expected) in [
        ("trusted_peers = [\"10.0.3.7\"]", "", "auth.gateway.trusted_peers (not set): found nothing"),
        ("0123456789abcdef0123456789abcdef", "short", "auth.gateway.secret (my.toml, line 17): found a secret of 5"),
        ("secret = \"0123456789abcdef0123456789abcdef\"", "", "auth.gateway.secret (not set): found nothing"),
        ("secret_header = \"x-gateway-secret\"", "", "auth.gateway.secret_header (not set): found nothing"),
        ("claims = { sub = \"X-Auth-Request-User\" }", "", "auth.gateway.claims (not set): found no claim"),
        ("X-Auth-Request-User", "a b", "auth.gateway.claims.sub (my.toml, line 15): found \"a b\""),
        ("X-Auth-Request-User", "x-gateway-secret", "auth.gateway.claims.sub (my.toml, line 15): found the header"),
        ("\nsecret =", "\nprevious_secret = \"old\"\nsecret =", "auth.gateway.previous_secret (my.toml, line 17)"),
    ] {
        let errors = errors_of(&with(old, new), &[]);
        assert!(errors.iter().any(|error| error.starts_with(expected)), "no {expected:?} in {errors:#?}");
    }
    let second = GATEWAY.replace("auth.gateway", "auth.other").replace("x-gateway-secret", "x-other-secret");
    let errors = errors_of(&format!("{SMALLEST}{GATEWAY}{second}"), &[]);
    assert!(errors[0].contains("found the header x-auth-request-user, which auth.gateway reads too"), "{errors:?}");
}

#[test]
fn the_url_of_a_load_balancer_s_keys_follows_from_its_arn() {
    const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123456789abcdef";
    let with = |arn: &str, more: &str| {
        format!("{SMALLEST}[auth.alb]\nkind = \"alb\"\nissuer = \"https://app.example\"\nsigner = \"{arn}\"\n{more}\n")
    };
    let url = |arn: &str, more: &str| {
        let settings = load_with(&with(arn, more), &[]).unwrap().settings;
        let alb = settings.auth.iter().find_map(|way| match &way.kind {
            AuthenticatorSettings::Alb(alb) => Some(alb.keys.url.to_string()),
            _ => None,
        });
        alb.unwrap()
    };
    assert_eq!(url(ARN, ""), "https://public-keys.auth.elb.eu-west-1.amazonaws.com/");
    let gov = ARN.replace("aws:", "aws-us-gov:").replace("eu-west-1", "us-gov-west-1");
    let keys = "https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1";
    assert_eq!(url(&gov, ""), keys);
    let china = ARN.replace("aws:", "aws-cn:").replace("eu-west-1", "cn-north-1");
    assert_eq!(url(&china, "keys_url = \"https://keys.example/elb\""), "https://keys.example/elb");
    assert!(errors_of(&with(&china, ""), &[])[0].starts_with("auth.alb.keys_url (not set): found nothing, and"));
    for bad in [
        "",
        "web",
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0",
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/web/0",
        "arn:aws:elasticloadbalancing:evil.example/:111122223333:loadbalancer/app/web/0",
        "arn:aws:elasticloadbalancing::111122223333:loadbalancer/app/web/0",
        "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/0",
        "arn:aws:iam:eu-west-1:111122223333:loadbalancer/app/web/0",
    ] {
        let errors = errors_of(&with(bad, ""), &[]);
        assert!(errors[0].starts_with("auth.alb.signer (my.toml, line 13)"), "{bad}: {errors:?}");
    }
    let errors = errors_of(&with(ARN, "keys_url = \"http://keys.example\""), &[]);
    assert!(errors[0].starts_with("auth.alb.keys_url (my.toml, line 14)"), "{errors:?}");
}

#[test]
fn a_url_of_a_verification_endpoint_never_contains_a_password_even_if_insecure_http_is_allowed() {
    for scheme in ["https", "http"] {
        let way = format!(
            "[auth.asked]\nkind = \"forward_auth\"\nissuer = \"https://f.example\"\nforward_cookies = [\"session\"]\n\
             user_id = \"f|{{sub}}\"\nallow_insecure_http = true\nurl = \"{scheme}://us:hush@me.example/\"\n"
        );
        let refused = load_with(&format!("{SMALLEST}{way}"), &[]).unwrap_err().to_string();
        assert!(refused.contains("auth.asked.url"), "{refused}");
        assert!(refused.contains("it contains a user or a password"), "{refused}");
    }
}

#[test]
fn a_service_is_distinguished_from_users_and_has_a_list_of_users() {
    let with = |line: &str| smallest_with("zzz", line);
    let key = |more: &str| {
        let digest = "0123456789abcdef".repeat(4);
        format!("[auth.key]\nkind = \"static_key\"\nissuer = \"x\"\nkey_sha256 = [\"{digest}\"]\n{more}")
    };
    for good in [
        "act_as = { scope = [\"s\"], users = [\"app:*\", \"bob\"] }".to_owned(),
        "act_as = { claims = { azp = [\"billing\"] }, users = [\"app:*\"] }".to_owned(),
        // The users of each issuer have ids of their own; a service has none.
        key("act_as = { users = [\"app:*\"] }"),
    ] {
        assert_eq!(load_with(&with(&good), &[]).unwrap().warnings, Vec::<String>::new(), "{good}");
    }
    for (line, expected) in [
        (
            "act_as = { users = [\"*\"] }".to_owned(),
            "auth.app.act_as.scope (not set): found nothing that distinguishes",
        ),
        ("act_as = { scope = [\"s\"] }".to_owned(), "auth.app.act_as.users (not set): found nothing"),
        ("act_as = { scope = [\"s\"], users = [] }".to_owned(), "auth.app.act_as.users (my.toml, line 10)"),
        ("act_as = { scope = [\"s\"], users = [\"a**\"] }".to_owned(), "auth.app.act_as.users (my.toml"),
        (key(""), "auth.key.act_as.users (not set): found nothing"),
        (key("act_as = { users = [] }"), "auth.key.act_as.users (my.toml, line 14): found an empty list"),
        (key("act_as = { users = [\"a\"], scope = [\"s\"] }"), "auth.key.act_as.users (my.toml, line 14)"),
        (key("").replace("0123", "hush"), "auth.key.key_sha256 (my.toml, line 13): found an invalid digest, or none"),
        (
            key("").replace("[\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]", "[]"),
            "auth.key.key",
        ),
        (
            "[auth.mesh]\nkind = \"client_certificate\"\nissuer = \"x\"\ncertificates = [\"DNS:a\"]\n\
             act_as = { users = [\"app:*\"] }"
                .to_owned(),
            "auth.mesh.certificates (my.toml, line 13): found certificates, but the listener requests none",
        ),
        (
            format!(
                "{}[auth.mesh]\nkind = \"client_certificate\"\nissuer = \"x\"\ncertificates = [\"DNS:edge.example\"]\n\
                 act_as = {{ users = [\"app:*\"] }}",
                GATEWAY.replace("secret_header", "certificates = [\"DNS:Edge.example\"]\nsecret_header")
            ),
            "auth.mesh.certificates (my.toml, line 22): found DNS:edge.example, which auth.gateway has too",
        ),
        (key("act_as = { users = [\"\"] }"), "auth.key.act_as.users (my.toml, line 14): found \"\" (it is empty"),
        (
            key("act_as = { users = [\"a\"] }\nrequire = { scope = [\"s\"] }"),
            "auth.key.require (my.toml, line 15): found scope, audience or claims",
        ),
        (
            format!(
                "{}\n{}",
                key("act_as = { users = [\"a:*\"] }"),
                key("act_as = { users = [\"*\"] }").replace("auth.key", "auth.other")
            ),
            "auth.other.key_sha256 (my.toml, line 18): found a digest that auth.key has too",
        ),
        (
            GATEWAY.replace("secret = ", "certificates = [\"DNS:edge.example\"]\nprevious_secret = "),
            "auth.gateway.secret (not set): found nothing",
        ),
        (
            "[auth.mesh]\nkind = \"client_certificate\"\nissuer = \"x\"\ncertificates = [\"billing\"]".to_owned(),
            "auth.mesh.certificates (my.toml, line 13): found \"billing\"",
        ),
    ] {
        let errors = errors_of(&with(&line), &[]);
        assert!(errors.iter().any(|error| error.starts_with(expected)), "no {expected:?} in {errors:#?}");
        assert!(!errors.iter().any(|error| error.contains("hush")), "{errors:#?}");
    }
    let warnings = load_with(&with(&key("act_as = { users = [\"*\"] }")), &[]).unwrap().warnings;
    assert!(warnings[0].contains("act as every user"), "{warnings:?}");
}

#[test]
fn an_unreachable_authenticator_causes_a_warning() {
    let opaque = "[auth.a]\nkind = \"introspection\"\nissuer = \"https://app.example\"\nurl = \"https://app.example/i\"\n\
                  client_id = \"x\"\nclient_secret = \"y\"\n";
    let forward =
        "[auth.a]\nkind = \"forward_auth\"\nissuer = \"https://app.example\"\nurl = \"https://app.example/me\"\n";
    let key = format!(
        "[auth.key]\nkind = \"static_key\"\nissuer = \"x\"\nkey_sha256 = [\"{}\"]\nact_as = {{ users = [\"a:*\"] }}\n",
        "0123456789abcdef".repeat(4)
    );
    let app = "auth.app is unreachable: auth.a, which";
    for (more, expected) in [
        (opaque.to_owned(), vec![app]),
        (forward.to_owned(), vec![app]),
        (format!("{opaque}{key}"), vec![app, "auth.key is unreachable: auth.a, which"]),
        (format!("{opaque}[auth]\norder = [\"app\"]"), vec![]),
        (format!("{opaque}credential_source = \"header:x-token\""), vec![]),
        (format!("{forward}forward_headers = [\"x-token\"]\nforward_cookies = [\"session\"]"), vec![]),
        (opaque.replace("auth.a", "auth.z"), vec![]),
        (format!("{opaque}{}", forward.replace("auth.a", "auth.b")), vec![app, "auth.b is unreachable: auth.a, which"]),
        // No other authenticator reads its cookie.
        (
            format!("{opaque}[auth]\norder = [\"app\"]\n{}", forward.replace("auth.a", "auth.b"))
                + "forward_cookies = [\"session\"]",
            vec![],
        ),
    ] {
        let warnings = load_with(&smallest_with("zzz", &more), &[]).unwrap().warnings;
        let found: Vec<_> = expected.iter().filter(|e| warnings.iter().any(|w| w.starts_with(**e))).collect();
        assert_eq!((warnings.len(), found.len()), (expected.len(), expected.len()), "{more}: {warnings:#?}");
    }
}

#[test]
fn no_authenticator_has_the_name_of_a_key_of_the_section_auth() {
    for (name, keys) in [
        ("cache", "kind = \"jwt\"\nissuer = \"https://b.example\"\naudience = [\"tokenvend\"]"),
        ("cache", "max_entries = 7\nissuer = \"https://b.example\""),
        ("order", "kind = \"static_key\"\nissuer = \"https://b.example\""),
    ] {
        let errors = errors_of(&smallest_with("zzz", &format!("[auth.{name}]\n{keys}")), &[]);
        let start = format!("auth.{name} (my.toml, line ");
        assert!(errors.len() == 1 && errors[0].starts_with(&start), "{name}: {errors:#?}");
        let expected = format!("found an authenticator with the name {name:?}; allowed: another name for it, because");
        assert!(errors[0].contains(&expected), "{errors:#?}");
    }
    // The template [auth.NAME] does not apply to the table of the cache.
    let settings = load_with(&smallest_with("zzz", "[auth.cache]\nmax_entries = 7"), &[]).unwrap().settings;
    assert_eq!((settings.max_auth_cache_entries, settings.auth.len()), (7, 1));
    let errors = errors_of(&smallest_with("zzz", "[auth.cache]\ncache_ttl = \"5m\""), &[]);
    assert!(errors.len() == 1 && errors[0].contains("auth.cache.cache_ttl (my.toml"), "{errors:#?}");
    for rule in ["cache", "order"] {
        let errors = errors_of(&smallest_with("zzz", &format!("[pools.main.allow.x]\nauth = [{rule:?}]")), &[]);
        assert!(errors[0].ends_with("allowed: names of tables [auth.…]: app"), "{errors:#?}");
    }
    // The names of pools are not restricted.
    assert!(load_with(&SMALLEST.replace("pools.main", "pools.cache"), &[]).is_ok());
}
