//! What single sections may say: grants, user ids, linking, limits.

use super::*;

#[test]
fn what_a_pool_grants_is_proved_rule_by_rule_and_tag_by_tag() {
    let with = |grants: &str| format!("{SMALLEST}{grants}");
    let within_pool = |line: &str| SMALLEST.replace("[pools.main]", &format!("[pools.main]\n{line}"));
    let good = "[pools.main.tags]\nteam = \"{team}\"\n\"a.b\" = { value = \"{/x.y/z}\", required = true }\n\
                [pools.main.allow.staff]\nauth = [\"app\"]\nscope = [\"vend\"]\n\
                claims = { \"https://app.example/role\" = [\"staff\"], \"/org/id\" = [\"acme\"] }\n";
    let settings = load_with(&with(good), &[]).unwrap().settings;
    let pool = settings.pools.find(None).unwrap();
    assert_eq!(pool.tags.keys().collect::<Vec<_>>(), ["a.b", "team"]);
    assert_eq!(pool.access.rules[0].conditions.claims.len(), 2);
    for (grants, expected) in [
        (
            "tags.\"aws:x\" = \"y\"",
            "pools.main.tags.\"aws:x\" (my.toml, line 3): found the key \"aws:x\" (keys that",
        ),
        (
            "tags.x = \"{a}{b}\"",
            "pools.main.tags.x (my.toml, line 3): found \"{a}{b}\" (nothing stands before {b}",
        ),
        ("tags.x = \"a,b\"", "pools.main.tags.x (my.toml, line 3): found \"a,b\""),
        ("tags.x = { valu = \"y\" }", "pools.main.tags.x.value (not set): found nothing"),
        (
            "tags.x = { valu = \"y\" }",
            "pools.main.tags.x.valu (my.toml, line 3): found a key that does not exist",
        ),
        (
            "allow.x.auth = [\"nobody\"]",
            "pools.main.allow.x.auth (my.toml, line 3): found \"nobody\"; allowed: names of tables",
        ),
        ("allow.x.scope = []", "pools.main.allow.x.scope (my.toml, line 3): found []"),
        (
            "allow.x.claims.\"/a//b\" = [\"c\"]",
            "pools.main.allow.x.claims.\"/a//b\" (my.toml, line 3): found",
        ),
        ("allow.x.scopes = [\"y\"]", "pools.main.allow.x.auth (not set): found a rule without a condition"),
        ("access.mode = \"try\"", "pools.main.access.mode (my.toml, line 3): found \"try\""),
    ] {
        let faults = faults_of(&within_pool(grants), &[]);
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "no {expected:?} in {faults:#?}");
    }
}

#[test]
fn a_tag_that_is_unfit_or_one_too_many_is_one_fault_and_not_also_a_key_that_does_not_exist() {
    let too_many: String = (0..51).map(|number| format!("tags.t{number} = \"x\"\n")).collect();
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for (tags, expected) in [
        (too_many, "found 51 tags; allowed: at most 50"),
        ("tags.\"aws:x\" = \"y\"".to_owned(), "found the key \"aws:x\""),
        (format!("tags.{long_key} = \"y\""), "a key that IAM takes for a session tag"),
        (format!("tags.x = \"{long_value}\""), "a constant, a claim"),
        ("tags.\"aws:x\" = { value = \"y\", required = true }".to_owned(), "found the key \"aws:x\""),
    ] {
        let faults = faults_of(&SMALLEST.replace("[pools.main]", &format!("[pools.main]\n{tags}")), &[]);
        assert!(faults.len() == 1 && faults[0].contains(expected), "no {expected:?} alone in {faults:#?}");
    }
}

#[test]
fn a_user_id_without_a_claim_or_with_an_address_in_it_is_told() {
    for bad in ["\"\"", "\"{iss}\"", "\"all\"", "\"{sub\"", "\"a\\n{sub}\""] {
        let faults = faults_of(&smallest_with("user_id", &format!("user_id = {bad}")), &[]);
        assert!(faults[0].starts_with("auth.app.user_id"), "{bad}: {faults:?}");
    }
    let of_addresses = smallest_with("user_id", "user_id = \"{email}\"");
    let warnings = load_with(&of_addresses, &[]).unwrap().warnings;
    assert!(warnings[0].contains("e-mail address"), "{warnings:?}");
    let key = ("TOKENVEND__USERS__PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef");
    assert_eq!(load_with(&of_addresses, &[key]).unwrap().warnings, Vec::<String>::new());
    let faults = faults_of(SMALLEST, &[("TOKENVEND__USERS__PSEUDONYM_KEY", "too-short")]);
    assert!(faults[0].contains("found a secret of 9 bytes; allowed: at least 32 bytes"), "{faults:?}");
    assert!(!faults[0].contains("too-short"), "{faults:?}");
}

#[test]
fn only_public_providers_can_be_linked() {
    let with = |providers: &str| format!("{SMALLEST}\n[pools.main.linking]\nproviders = {providers}");
    for bad in ["[\"login.example\"]", "[\"cognito-identity.amazonaws.com\"]", "[\"\"]", "[\"a b\"]", "\"a\""]
    {
        let faults = faults_of(&with(bad), &[]);
        assert!(faults[0].starts_with("pools.main.linking.providers"), "{bad}: {faults:?}");
    }
    let of_another_pool = format!(
        "{}\n[pools.other]\nidentity_pool_id = \"us-east-1:2\"\ndeveloper_provider = \"login.other\"\n\
         [vending]\ndefault_pool = \"main\"",
        with("[\"login.other\"]")
    );
    let faults = faults_of(&of_another_pool, &[]);
    assert!(faults[0].contains("the developer provider of pools.other"), "{faults:?}");
    let settings = load_with(&with("[\"accounts.google.com\"]"), &[]).unwrap().settings;
    let linking = &settings.pools.find(None).unwrap().linking;
    assert!(linking.provider("accounts.google.com").is_some() && !linking.guests);
}

#[test]
fn limits_and_trusted_proxies_are_proved() {
    let variables = [
        ("TOKENVEND__LIMITS__PER_ADDRESS__RATE", "90/m"),
        ("TOKENVEND__LIMITS__PER_ADDRESS__BURST", "5"),
        ("TOKENVEND__LIMITS__PER_USER__RATE", "off"),
        ("TOKENVEND__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32, 192.0.2.1"),
        ("TOKENVEND__HTTP__FORWARDED_HEADER", "forwarded"),
    ];
    let settings = load_with(SMALLEST, &variables).unwrap().settings;
    let per_address = RateLimit::parse("90/m", 5).unwrap();
    assert_eq!(settings.limits, RateLimitSettings { per_address, ..RateLimitSettings::default() });
    let trusted: Vec<String> = settings.http.hops.networks.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]);
    for (key, value, expected) in [
        ("HTTP__TRUSTED_PROXIES", "0.0.0.0/0", "\"0.0.0.0/0\" (it trusts everybody"),
        ("HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::/0", "\"::/0\" (it trusts everybody"),
        ("HTTP__TRUSTED_PROXIES", "10.0.0.1/8", "\"10.0.0.1/8\" (is 10.0.0.0/8 meant?)"),
        ("HTTP__TRUSTED_PROXIES", "::ffff:10.0.0.0/104", "(peers of IPv4 are compared as such"),
        ("HTTP__TRUSTED_PROXIES", "proxy.internal", "\"proxy.internal\" (it is neither)"),
        ("HTTP__FORWARDED_HEADER", "x-real-ip", "\"x-real-ip\" (it is none of them)"),
        ("LIMITS__PER_USER__RATE", "10/d", "\"10/d\" (after the slash stands s, m or h)"),
        ("LIMITS__FAILURES__RATE", "0/s", "\"0/s\" (before the slash stands no such number)"),
        ("LIMITS__PER_ADDRESS__BURST", "0", "\"0\"; allowed: a whole number from 1"),
    ] {
        let faults = faults_of(SMALLEST, &[(&format!("TOKENVEND__{key}"), value)]);
        assert!(faults.len() == 1 && faults[0].contains(expected), "no {expected} in {faults:?}");
    }
}

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
fn a_gateway_is_a_few_addresses_with_a_secret_and_never_everybody() {
    let with = |old: &str, new: &str| format!("{SMALLEST}{}", GATEWAY.replace(old, new));
    let peers = |list: &str| with("[\"10.0.3.7\"]", list);
    for good in [
        "[\"10.0.3.7\"]",
        "[\"10.0.0.0/8\", \"127.0.0.0/8\", \"fd00::/8\", \"::1\"]",
        // Networks that providers of gateways publish.
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
        let faults = faults_of(&peers(bad), &[]);
        assert!(faults[0].starts_with("auth.gateway.trusted_peers (my.toml, line 14)"), "{bad}: {faults:?}");
    }
    for (old, new, expected) in [
        ("trusted_peers = [\"10.0.3.7\"]", "", "auth.gateway.trusted_peers (not set): found nothing"),
        (
            "0123456789abcdef0123456789abcdef",
            "short",
            "auth.gateway.secret (my.toml, line 17): found a secret of 5",
        ),
        ("secret = \"0123456789abcdef0123456789abcdef\"", "", "auth.gateway.secret (not set): found nothing"),
        ("secret_header = \"x-gateway-secret\"", "", "auth.gateway.secret_header (not set): found nothing"),
        ("claims = { sub = \"X-Auth-Request-User\" }", "", "auth.gateway.claims (not set): found no claim"),
        ("X-Auth-Request-User", "a b", "auth.gateway.claims.sub (my.toml, line 15): found \"a b\""),
        (
            "X-Auth-Request-User",
            "x-gateway-secret",
            "auth.gateway.claims.sub (my.toml, line 15): found the header",
        ),
        (
            "\nsecret =",
            "\nprevious_secret = \"old\"\nsecret =",
            "auth.gateway.previous_secret (my.toml, line 17)",
        ),
    ] {
        let faults = faults_of(&with(old, new), &[]);
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "no {expected:?} in {faults:#?}");
    }
    let second = GATEWAY.replace("auth.gateway", "auth.other").replace("x-gateway-secret", "x-other-secret");
    let faults = faults_of(&format!("{SMALLEST}{GATEWAY}{second}"), &[]);
    assert!(faults[0].contains("found the header x-auth-request-user, as auth.gateway has it"), "{faults:?}");
}

#[test]
fn the_keys_of_a_load_balancer_are_where_its_arn_says() {
    const ARN: &str =
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123456789abcdef";
    let with = |arn: &str, more: &str| {
        format!(
            "{SMALLEST}[auth.alb]\nkind = \"alb\"\nissuer = \"https://app.example\"\nsigner = \"{arn}\"\n{more}\n"
        )
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
    assert!(
        faults_of(&with(&china, ""), &[])[0].starts_with("auth.alb.keys_url (not set): found nothing, and")
    );
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
        let faults = faults_of(&with(bad, ""), &[]);
        assert!(faults[0].starts_with("auth.alb.signer (my.toml, line 13)"), "{bad}: {faults:?}");
    }
    let faults = faults_of(&with(ARN, "keys_url = \"http://keys.example\""), &[]);
    assert!(faults[0].starts_with("auth.alb.keys_url (my.toml, line 14)"), "{faults:?}");
}

#[test]
fn no_url_that_a_credential_is_judged_at_has_a_password_in_it_whatever_else_is_allowed_of_it() {
    for scheme in ["https", "http"] {
        let way = format!(
            "[auth.asked]\nkind = \"forward\"\nissuer = \"https://f.example\"\nshow_cookies = [\"session\"]\n\
             user_id = \"f|{{sub}}\"\nallow_plain_http = true\nurl = \"{scheme}://us:hush@me.example/\"\n"
        );
        let refused = load_with(&format!("{SMALLEST}{way}"), &[]).unwrap_err().to_string();
        assert!(refused.contains("auth.asked.url"), "{refused}");
        assert!(refused.contains("it has a user or a password in it"), "{refused}");
    }
}

#[test]
fn a_service_is_told_from_users_and_has_users_of_its_own() {
    let with = |line: &str| smallest_with("zzz", line);
    let key = |more: &str| {
        let digest = "0123456789abcdef".repeat(4);
        format!("[auth.key]\nkind = \"static_key\"\nissuer = \"x\"\nkey_sha256 = [\"{digest}\"]\n{more}")
    };
    for good in [
        "on_behalf = { scope = [\"s\"], users = [\"app:*\", \"bob\"] }".to_owned(),
        "on_behalf = { claims = { azp = [\"billing\"] }, users = [\"app:*\"] }".to_owned(),
        // The users of all issuers have names of their own; a backend has none.
        key("on_behalf = { users = [\"app:*\"] }"),
    ] {
        assert_eq!(load_with(&with(&good), &[]).unwrap().warnings, Vec::<String>::new(), "{good}");
    }
    for (line, expected) in [
        (
            "on_behalf = { users = [\"*\"] }".to_owned(),
            "auth.app.on_behalf.scope (not set): found nothing that tells",
        ),
        ("on_behalf = { scope = [\"s\"] }".to_owned(), "auth.app.on_behalf.users (not set): found nothing"),
        (
            "on_behalf = { scope = [\"s\"], users = [] }".to_owned(),
            "auth.app.on_behalf.users (my.toml, line 10)",
        ),
        (
            "on_behalf = { scope = [\"s\"], users = [\"a**\"] }".to_owned(),
            "auth.app.on_behalf.users (my.toml",
        ),
        (key(""), "auth.key.on_behalf.users (not set): found nothing"),
        (key("on_behalf = { users = [] }"), "auth.key.on_behalf.users (my.toml, line 14): found nobody"),
        (
            key("on_behalf = { users = [\"a\"], scope = [\"s\"] }"),
            "auth.key.on_behalf.users (my.toml, line 14)",
        ),
        (key("").replace("0123", "hush"), "auth.key.key_sha256 (my.toml, line 13): found something else"),
        (
            key("").replace("[\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]", "[]"),
            "auth.key.key",
        ),
        (
            "[auth.mesh]\nkind = \"certificate\"\nissuer = \"x\"\ncertificates = [\"DNS:a\"]\n\
             on_behalf = { users = [\"app:*\"] }"
                .to_owned(),
            "auth.mesh.certificates (my.toml, line 13): found certificates, and a listener that asks for none",
        ),
        (
            format!(
                "{}[auth.mesh]\nkind = \"certificate\"\nissuer = \"x\"\ncertificates = [\"DNS:edge.example\"]\n\
                 on_behalf = {{ users = [\"app:*\"] }}",
                GATEWAY.replace("secret_header", "certificates = [\"DNS:Edge.example\"]\nsecret_header")
            ),
            "auth.mesh.certificates (my.toml, line 22): found DNS:edge.example, as auth.gateway has it",
        ),
        (
            key("on_behalf = { users = [\"\"] }"),
            "auth.key.on_behalf.users (my.toml, line 14): found \"\" (it is empty",
        ),
        (
            key("on_behalf = { users = [\"a\"] }\nrequire = { scope = [\"s\"] }"),
            "auth.key.require (my.toml, line 15): found scope, audience or claims",
        ),
        (
            format!(
                "{}\n{}",
                key("on_behalf = { users = [\"a:*\"] }"),
                key("on_behalf = { users = [\"*\"] }").replace("auth.key", "auth.other")
            ),
            "auth.other.key_sha256 (my.toml, line 18): found a digest that auth.key has too",
        ),
        (
            GATEWAY.replace("secret = ", "certificates = [\"DNS:edge.example\"]\nprevious_secret = "),
            "auth.gateway.secret (not set): found nothing",
        ),
        (
            "[auth.mesh]\nkind = \"certificate\"\nissuer = \"x\"\ncertificates = [\"billing\"]".to_owned(),
            "auth.mesh.certificates (my.toml, line 13): found \"billing\"",
        ),
    ] {
        let faults = faults_of(&with(&line), &[]);
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "no {expected:?} in {faults:#?}");
        assert!(!faults.iter().any(|fault| fault.contains("hush")), "{faults:#?}");
    }
    let warnings = load_with(&with(&key("on_behalf = { users = [\"*\"] }")), &[]).unwrap().warnings;
    assert!(warnings[0].contains("act for every user"), "{warnings:?}");
}

#[test]
fn a_way_that_another_keeps_everything_from_is_warned_of() {
    let opaque = "[auth.a]\nkind = \"introspection\"\nissuer = \"https://app.example\"\nurl = \"https://app.example/i\"\n\
                  client_id = \"x\"\nclient_secret = \"y\"\n";
    let forward =
        "[auth.a]\nkind = \"forward\"\nissuer = \"https://app.example\"\nurl = \"https://app.example/me\"\n";
    let key = format!(
        "[auth.key]\nkind = \"static_key\"\nissuer = \"x\"\nkey_sha256 = [\"{}\"]\non_behalf = {{ users = [\"a:*\"] }}\n",
        "0123456789abcdef".repeat(4)
    );
    let app = "auth.app is out of reach: auth.a, which";
    for (more, expected) in [
        (opaque.to_owned(), vec![app]),
        (forward.to_owned(), vec![app]),
        (format!("{opaque}{key}"), vec![app, "auth.key is out of reach: auth.a, which"]),
        (format!("{opaque}[users]\nauth_order = [\"app\"]"), vec![]),
        (format!("{opaque}carrier = \"header:x-token\""), vec![]),
        (format!("{forward}show_headers = [\"x-token\"]\nshow_cookies = [\"session\"]"), vec![]),
        (opaque.replace("auth.a", "auth.z"), vec![]),
        (
            format!("{opaque}{}", forward.replace("auth.a", "auth.b")),
            vec![app, "auth.b is out of reach: auth.a, which"],
        ),
        // Its cookie is its own.
        (
            format!("{opaque}[users]\nauth_order = [\"app\"]\n{}", forward.replace("auth.a", "auth.b"))
                + "show_cookies = [\"session\"]",
            vec![],
        ),
    ] {
        let warnings = load_with(&smallest_with("zzz", &more), &[]).unwrap().warnings;
        let found: Vec<_> = expected.iter().filter(|e| warnings.iter().any(|w| w.starts_with(**e))).collect();
        assert_eq!((warnings.len(), found.len()), (expected.len(), expected.len()), "{more}: {warnings:#?}");
    }
}
