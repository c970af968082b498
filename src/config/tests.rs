//! Values of valid configurations. `tests/config` has the invalid ones, with their errors.

use std::collections::BTreeSet;
use std::time::Duration;

use jose::KeySource;

use super::*;
use crate::auth::AuthenticatorSettings;
use crate::claims::template::Template;
use crate::client_address::TrustedProxies;
use crate::gcra::RateLimit;
use crate::rate_limit::RateLimitSettings;

const SMALLEST: &str = r#"
[pools.main]
identity_pool_id = "us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7"
developer_provider = "login.example"
[auth.app]
issuer = "https://app.example"
audience = ["tokenvend"]
algorithms = ["RS256"]
jwks_url = "https://app.example/jwks.json"
"#;

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let document = ConfigSource { name: "my.toml".to_owned(), text: text.to_owned() };
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(&[document], &Environment::from_variables(variables))
}

/// The settings of the smallest configuration with more TOML after it.
fn settings_with(more: &str, variables: &[(&str, &str)]) -> Settings {
    load_with(&format!("{SMALLEST}{more}"), variables).unwrap_or_else(|error| panic!("{more}: {error}")).settings
}

/// Each file of `tests/config/invalid` has a mistake, and each of `tests/config/unwise` causes a warning. The snapshot
/// beside it shows what is reported, once for each line `# with VARIABLE=VALUE`. A secret in it contains "hush".
#[test]
fn every_mistake_is_reported_as_in_its_snapshot() {
    for folder in ["invalid", "unwise"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
        let mut cases = BTreeSet::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            cases.insert(entry.unwrap().path().with_extension("toml"));
        }
        for case in cases {
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(&folder);
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(case.file_stem().unwrap().to_str().unwrap(), report(&case)));
        }
    }
}

/// What is reported about a file, with each of its environments.
fn report(case: &Path) -> String {
    let text = std::fs::read_to_string(case).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let environments: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# with ")).collect();
    if environments.is_empty() {
        return outcome(&text, &[]);
    }
    let outcome_with = |environment: &&str| {
        let variable: Vec<(&str, &str)> = environment.split_once('=').into_iter().collect();
        format!("with {environment}\n{}", outcome(&text, &variable))
    };
    environments.iter().map(outcome_with).collect::<Vec<_>>().join("\n\n")
}

fn outcome(text: &str, variables: &[(&str, &str)]) -> String {
    let outcome = match load_with(text, variables) {
        Ok(loaded) => loaded.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect(),
        Err(error) => error.to_string(),
    };
    assert!(!outcome.contains("hush"), "a secret is shown: {outcome}");
    outcome
}

#[test]
fn the_smallest_configuration_takes_everything_else_from_the_defaults() {
    let loaded = load_with(SMALLEST, &[]).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let settings = loaded.settings;
    let pool = settings.pools.find(None).unwrap();
    assert_eq!((&*pool.name, pool.token_duration.seconds()), ("main", 900));
    assert!(pool.credentials.is_none() && pool.access.is_open());
    assert_eq!(settings.vending.cache.refresh_policy.clock_skew_allowance, Duration::from_secs(300));
    assert_eq!(Ok(settings.vending.upstream.rate_limit.limit), RateLimit::parse("50/s", 10));
    assert_eq!(settings.auth[0].user_id, Template::parse("{sub}").unwrap());
    assert!(!settings.vending.accept_opaque_tokens);
    assert_eq!(settings.http.trusted_proxies, TrustedProxies::none());
    let per_user = RateLimit::parse("10/s", 100).ok();
    assert_eq!(settings.limits, RateLimitSettings { per_user, ..RateLimitSettings::default() });
}

#[test]
fn the_environment_wins_over_the_file() {
    let variables = [
        ("TOKENVEND__CACHE__CLOCK_SKEW_ALLOWANCE", "120"),
        ("TOKENVEND__UPSTREAM__RATE_LIMIT__BURST", "7"),
        ("TOKENVEND__CACHE__MAX_SIZE", "2GiB"),
        ("TOKENVEND__AUTH__CACHE__MAX_ENTRIES", "5"),
        ("TOKENVEND__AUTH__ORDER", "app"),
        ("TOKENVEND__HTTP__ALLOWED_ORIGINS", "https://a.example, https://b.example:8443"),
        ("TOKENVEND__POOLS__MAIN__TOKEN_DURATION", "1h"),
        ("TOKENVEND__AUTH__APP__USER_ID", "{iss}|{/https:~1~1app.example~1user/id}"),
        ("TOKENVEND__POOLS__MAIN__TAGS__TEAM", "{team}"),
        ("UNRELATED", "x"),
    ];
    let settings = settings_with("[cache]\nclock_skew_allowance = \"4m\"", &variables);
    assert_eq!(settings.vending.cache.refresh_policy.clock_skew_allowance, Duration::from_secs(120));
    assert_eq!(settings.vending.upstream.rate_limit.limit.burst(), 7);
    assert_eq!((settings.vending.cache.max_size_bytes, settings.max_auth_cache_entries), (2 << 30, 5));
    assert_eq!(settings.http.allowed_origins, ["https://a.example", "https://b.example:8443"]);
    assert_eq!(settings.pools.find(Some("main")).unwrap().token_duration.seconds(), 3600);
    assert_eq!(settings.auth[0].user_id.fixed_prefix(), "https://app.example|");
    assert_eq!(settings.pools.find(None).unwrap().tags.keys().collect::<Vec<_>>(), ["team"]);
}

#[test]
fn cognito_s_keys_are_at_its_published_url_unless_the_configuration_sets_another() {
    for (variable, value, url) in [
        ("UNRELATED", "", "https://cognito-identity.amazonaws.com/.well-known/jwks_uri"),
        (
            "TOKENVEND__POOLS__MAIN__IDENTITY_POOL_ID",
            "us-gov-west-1:1-2",
            "https://cognito-identity-us-gov.amazonaws.com/.well-known/jwks_uri",
        ),
        ("TOKENVEND__UPSTREAM__ENDPOINT_URL", "http://127.0.0.1:1/", "http://127.0.0.1:1/.well-known/jwks_uri"),
        ("TOKENVEND__UPSTREAM__OPENID_KEYS_URL", "https://inside.example/k", "https://inside.example/k"),
    ] {
        assert_eq!(settings_with("", &[(variable, value)]).openid_jwks.url.as_str(), url);
    }
}

#[test]
fn several_pools_have_a_default_and_each_may_have_its_own_duration() {
    let second = "[pools.second]\nidentity_pool_id = \"eu-west-1:1-2\"\ndeveloper_provider = \"x\"\n\
                  token_duration = 1800\n[vending]\ndefault_pool = \"second\"\n";
    let pools = settings_with(second, &[]).pools;
    assert_eq!(&*pools.find(None).unwrap().name, "second");
    assert_eq!(pools.find(None).unwrap().token_duration.seconds(), 1800);
    assert_eq!(pools.find(Some("main")).unwrap().token_duration.seconds(), 900);
    assert!(pools.find(Some("third")).is_none());
}

#[test]
fn a_secret_is_read_from_a_value_a_variable_or_a_file_and_is_never_shown() {
    let secret = "0123456789abcdef0123456789abcdef";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{secret}\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let hs = SMALLEST.replace("RS256", "HS256");
    let with = |line: &str| hs.replace("jwks_url = \"https://app.example/jwks.json\"", line);
    for (text, variables) in [
        (with(&format!("secret = \"{secret}\"")), vec![]),
        (with("secret = { env = \"APP_SECRET\" }"), vec![("APP_SECRET", secret)]),
        (with(&format!("secret = {{ file = {path:?} }}")), vec![]),
        (with(""), vec![("TOKENVEND__AUTH__APP__SECRET", secret)]),
        (with(""), vec![("TOKENVEND__AUTH__APP__SECRET__FILE", path)]),
    ] {
        let settings = load_with(&text, &variables).unwrap().settings;
        let AuthenticatorSettings::Jwt(jwt) = &settings.auth[0].kind else { panic!("{:?}", settings.auth) };
        match &jwt.keys {
            KeySource::Secret(found) => assert_eq!(**found, secret.as_bytes()),
            other => panic!("{other:?}"),
        }
        assert!(!format!("{settings:?}").contains(secret));
    }
}

#[test]
fn a_gateway_is_a_few_addresses_or_networks_that_gateway_providers_publish() {
    let gateway = "[auth.gateway]\nkind = \"gateway\"\nissuer = \"https://app.example\"\n\
                   claims = { sub = \"X-Auth-Request-User\" }\nsecret_header = \"x-gateway-secret\"\n\
                   secret = \"0123456789abcdef0123456789abcdef\"\n";
    for peers in ["10.0.3.7", "10.0.0.0/8,127.0.0.0/8,fd00::/8,::1", "104.16.0.0/13,104.24.0.0/14,2a06:98c0::/29"] {
        settings_with(gateway, &[("TOKENVEND__AUTH__GATEWAY__TRUSTED_PEERS", peers)]);
    }
}

#[test]
fn the_url_of_a_load_balancer_s_keys_follows_from_its_arn() {
    let resource = "111122223333:loadbalancer/app/web/0123456789abcdef";
    for (location, more, expected) in [
        ("aws:elasticloadbalancing:eu-west-1", "", "https://public-keys.auth.elb.eu-west-1.amazonaws.com/"),
        (
            "aws-us-gov:elasticloadbalancing:us-gov-west-1",
            "",
            "https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1",
        ),
        (
            "aws-cn:elasticloadbalancing:cn-north-1",
            "keys_url = \"https://keys.example/elb\"",
            "https://keys.example/elb",
        ),
    ] {
        let alb = "[auth.alb]\nkind = \"alb\"\nissuer = \"https://app.example\"\n";
        let settings = settings_with(&format!("{alb}signer = \"arn:{location}:{resource}\"\n{more}"), &[]);
        let url = settings.auth.iter().find_map(|authenticator| match &authenticator.kind {
            AuthenticatorSettings::Alb(alb) => Some(alb.keys.url.as_str()),
            _ => None,
        });
        assert_eq!(url, Some(expected));
    }
}

#[test]
fn services_are_users_with_certain_claims_or_have_a_key() {
    let digest = "0123456789abcdef".repeat(4);
    for services in [
        "act_as = { scope = [\"s\"], users = [\"app:*\", \"bob\"] }".to_owned(),
        "act_as = { claims = { azp = [\"billing\"] }, users = [\"app:*\"] }".to_owned(),
        // The users of each issuer have ids of their own; a service has none.
        format!(
            "[auth.key]\nkind = \"static_key\"\nissuer = \"x\"\nkey_sha256 = [\"{digest}\"]\n\
             act_as = {{ users = [\"app:*\"] }}"
        ),
    ] {
        let loaded = load_with(&format!("{SMALLEST}{services}"), &[]).unwrap();
        assert_eq!(loaded.warnings, Vec::<String>::new(), "{services}");
        assert!(loaded.settings.auth.iter().any(|authenticator| authenticator.act_as.is_some()), "{services}");
    }
}

#[test]
fn authenticators_are_tried_in_the_configured_order_and_then_by_name() {
    let more = ["b", "c", "d"].map(|name| {
        format!(
            "[auth.{name}]\nissuer = \"https://{name}.example\"\nuser_id = \"{name}:{{sub}}\"\naudience = [\"t\"]\n\
             algorithms = [\"RS256\"]\njwks_url = \"https://{name}.example/jwks.json\"\n"
        )
    });
    for (order, expected) in [("c", ["c", "app", "b", "d"]), ("d,app", ["d", "app", "b", "c"])] {
        let variables = [("TOKENVEND__AUTH__ORDER", order), ("TOKENVEND__AUTH__APP__USER_ID", "app:{sub}")];
        let settings = settings_with(&more.concat(), &variables);
        assert_eq!(settings.auth.iter().map(|authenticator| &*authenticator.name).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_table_of_the_credential_cache_is_no_authenticator() {
    let settings = settings_with("[auth.cache]\nmax_entries = 7", &[]);
    assert_eq!((settings.max_auth_cache_entries, settings.auth.len()), (7, 1));
    // The names of pools are not restricted.
    assert!(load_with(&SMALLEST.replace("pools.main", "pools.cache"), &[]).is_ok());
}

#[test]
fn a_pool_has_tags_and_rules_over_claims() {
    let permissions = "[pools.main.tags]\nteam = \"{team}\"\n\"a.b\" = { value = \"{/x.y/z}\", required = true }\n\
                       [pools.main.allow.staff]\nauth = [\"app\"]\nscope = [\"vend\"]\n\
                       claims = { \"https://app.example/role\" = [\"staff\"], \"/org/id\" = [\"acme\"] }\n";
    let settings = settings_with(permissions, &[]);
    let pool = settings.pools.find(None).unwrap();
    assert_eq!(pool.tags.keys().collect::<Vec<_>>(), ["a.b", "team"]);
    assert_eq!(pool.access.rules[0].conditions.claims.len(), 2);
}

#[test]
fn an_address_may_be_the_user_id_if_pseudonyms_are_sent() {
    let key = ("TOKENVEND__USERS__PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef");
    let loaded = load_with(&format!("{SMALLEST}user_id = \"{{email}}\""), &[key]).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert!(loaded.settings.users.pseudonym_key.is_some());
}

#[test]
fn public_providers_can_be_linked_and_guests_only_if_configured() {
    let settings = settings_with("[pools.main.linking]\nproviders = [\"accounts.google.com\"]", &[]);
    let linking = &settings.pools.find(None).unwrap().linking;
    assert!(linking.provider("accounts.google.com").is_some() && !linking.guests);
}

#[test]
fn limits_and_trusted_proxies_are_read_from_the_environment() {
    let variables = [
        ("TOKENVEND__LIMITS__PER_ADDRESS__RATE", "90/m"),
        ("TOKENVEND__LIMITS__PER_ADDRESS__BURST", "5"),
        ("TOKENVEND__LIMITS__PER_USER__RATE", "off"),
        ("TOKENVEND__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32, 192.0.2.1"),
        ("TOKENVEND__HTTP__FORWARDED_HEADER", "forwarded"),
    ];
    let settings = settings_with("", &variables);
    let per_address = RateLimit::parse("90/m", 5).ok();
    assert_eq!(settings.limits, RateLimitSettings { per_address, ..RateLimitSettings::default() });
    let trusted: Vec<String> = settings.http.trusted_proxies.networks.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]);
}

#[test]
fn a_size_is_a_whole_number_with_a_unit() {
    for (text, bytes) in [("1MiB", 1 << 20), ("1024KiB", 1 << 20), ("256MiB", 256 << 20), ("1024GiB", 1 << 40)] {
        let settings = settings_with("", &[("TOKENVEND__CREDENTIALS__MAX_SIZE", text)]);
        assert_eq!(settings.vending.credentials.max_size_bytes, bytes, "{text}");
    }
}

#[test]
fn call_rates_have_the_form_of_rate_limits() {
    let tables = "[upstream.rate_limit]\nrate = \"7/s\"\nburst = 3\nmax_wait = \"1s\"\n\
                  [admin.rate_limit]\nrate = \"90/m\"\n[credentials.rate_limit]\nrate = \"5/h\"\nburst = 4";
    let settings = settings_with(tables, &[]);
    let (tokens, credentials) = (settings.vending.upstream.rate_limit, settings.vending.credentials.rate_limit);
    assert_eq!(Ok(tokens.limit), RateLimit::parse("7/s", 3));
    assert_eq!(Ok(credentials.limit), RateLimit::parse("5/h", 4));
    assert_eq!(Ok(settings.admin.rate_limit.limit), RateLimit::parse("90/m", 5));
    let (second, default) = (Duration::from_secs(1), Duration::from_secs(5));
    assert_eq!([tokens.max_wait, credentials.max_wait, settings.admin.rate_limit.max_wait], [second, second, default]);
}

#[test]
fn the_manual_has_exactly_the_keys_that_are_read() {
    let text = include_str!("../../tests/config/one_authenticator_of_each_kind.toml").to_owned();
    let document = ConfigSource { name: "my.toml".to_owned(), text };
    let environment = Environment::default();
    let mut reader = merge(&[document], &environment);
    sections::read(&mut reader).unwrap();
    let read: BTreeSet<String> = reader
        .known_keys()
        .iter()
        .map(|path| {
            let path = path.replace("pools.main", "pools.NAME").replace("auth.app", "auth.NAME");
            let kinds = ["introspection", "forward", "gateway", "alb", "static_key", "client_certificate"];
            kinds.iter().fold(path, |path, kind| path.replace(&format!("auth.{kind}"), "auth.NAME"))
        })
        // Names that the operator chooses.
        .filter(|path| !path.starts_with("auth.NAME.claims."))
        .collect();
    assert_eq!(read, keys_of_the_manual());
}

/// Every `key =` of the manual as a dotted path, including those that are commented out.
fn keys_of_the_manual() -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in DEFAULT_CONFIG.lines() {
        // A section without defaults stands there as an example.
        let header = line.trim_start_matches("# ").strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        if let Some(header) = header {
            section = header.to_owned();
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ")
            && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}
