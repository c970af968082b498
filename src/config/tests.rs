//! Valid configurations, and the errors of invalid ones.

mod auth;
mod single;

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

fn errors_of(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match load_with(text, variables) {
        Err(ConfigError::InvalidValues(values)) => values.iter().map(ToString::to_string).collect(),
        other => panic!("expected errors, got {other:?}"),
    }
}

/// The smallest configuration with one line of it replaced, or one added.
fn smallest_with(key: &str, line: &str) -> String {
    let mut found = false;
    let mut lines: Vec<&str> = SMALLEST
        .lines()
        .map(|old| {
            let hit = old.starts_with(key);
            found |= hit;
            if hit { line } else { old }
        })
        .collect();
    if !found {
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn the_smallest_configuration_takes_everything_else_from_the_defaults() {
    let loaded = load_with(SMALLEST, &[]).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let settings = loaded.settings;
    let pool = settings.pools.find(None).unwrap();
    assert_eq!((&*pool.name, pool.token_duration.seconds()), ("main", 900));
    assert!(pool.credentials.is_none());
    assert_eq!(settings.vending.cache.refresh_policy.clock_skew_allowance, Duration::from_secs(300));
    assert!((settings.vending.upstream.rate_limit.limit.per_second() - 50.0).abs() < 1e-9);
    assert_eq!(settings.auth[0].user_id, Template::parse("{sub}").unwrap());
    assert!(settings.pools.find(None).unwrap().access.is_open());
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
    let settings = load_with(&smallest_with("token_duration", "[cache]\nclock_skew_allowance = \"4m\""), &variables);
    let settings = settings.unwrap().settings;
    assert_eq!(settings.vending.cache.refresh_policy.clock_skew_allowance, Duration::from_secs(120));
    assert_eq!(settings.vending.upstream.rate_limit.limit.burst(), 7);
    assert_eq!((settings.vending.cache.max_size_bytes, settings.max_auth_cache_entries), (2 << 30, 5));
    assert_eq!(settings.http.allowed_origins, ["https://a.example", "https://b.example:8443"]);
    assert_eq!(settings.pools.find(Some("main")).unwrap().token_duration.seconds(), 3600);
    assert_eq!(settings.auth[0].user_id.fixed_prefix(), "https://app.example|");
    assert_eq!(settings.pools.find(None).unwrap().tags.keys().collect::<Vec<_>>(), ["team"]);
}

#[test]
fn all_errors_are_reported_at_once_each_with_path_origin_value_and_what_is_allowed() {
    let text = "
[pools.main]
identity_pool_id = \"somewhere\"
developer_provider = 7
token_duration = \"5m\"
[auth.app]
audience = []
algorithms = [\"none\"]
[http]
listn = \"127.0.0.1:1\"
[upstream.rate_limit]
burst = 0
";
    let errors = errors_of(text, &[("TOKENVEND__LOG__LEVEL", "loud")]);
    for expected in [
        "pools.main.identity_pool_id (my.toml, line 3): found \"somewhere\" (an identity pool id has no colon",
        "pools.main.developer_provider (my.toml, line 4): found 7; allowed: the pool's DeveloperProviderName",
        "pools.main.token_duration (my.toml, line 5): found 5m; allowed: more than cache.clock_skew_allowance, 5m",
        "auth.app.issuer (not set): found nothing; allowed: text that is not empty",
        "auth.app.audience (my.toml, line 7): found []",
        "auth.app.algorithms (my.toml, line 8): found [\"none\"]; allowed: a list of RS256",
        "auth.app.jwks_url (not set): found none of them; allowed: exactly one of",
        "http.listn (my.toml, line 10): found a key that does not exist; allowed: a key that \
         tokenvend print-default-config shows; did you mean http.listen?",
        "upstream.rate_limit.burst (my.toml, line 12): found 0; allowed: a whole number from 1 to 100000",
        "log.level (environment variable TOKENVEND__LOG__LEVEL): found \"loud\" (it is none of them); allowed: one of",
    ] {
        assert!(errors.iter().any(|error| error.starts_with(expected)), "no {expected:?} in {errors:#?}");
    }
    assert_eq!(errors.len(), 10, "{errors:#?}");
}

#[test]
fn invalid_toml_is_an_error_with_its_line_and_without_its_text() {
    let errors = errors_of(&format!("{SMALLEST}\nsecret = hush hush\n"), &[]);
    assert!(errors[0].contains("my.toml, line 11"), "{errors:?}");
    assert!(!errors.iter().any(|error| error.contains("hush")), "{errors:?}");
}

#[test]
fn an_empty_configuration_is_an_error_that_names_the_required_tables() {
    let errors = errors_of("", &[]);
    assert!(errors.iter().any(|error| error.contains("at least one table [pools.NAME]")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("at least one table [auth.NAME]")), "{errors:?}");
}

#[test]
fn values_that_contradict_each_other_are_rejected() {
    for (text, expected) in [
        (smallest_with("algorithms", "algorithms = [\"RS256\", \"HS256\"]"), "with public keys; allowed: HS"),
        (smallest_with("jwks_url", "secret = \"0123456789abcdef0123456789abcdef\""), "with a shared secret"),
        (smallest_with("jwks_url", "secret = \"short\""), "a secret of 5 bytes; allowed: at least 32"),
        (smallest_with("jwks_url", "jwks_url = \"http://app.example/jwks\""), "could replace the keys"),
        (smallest_with("zzz", "secret = \"x\""), "jwks_url and secret; allowed: exactly one"),
        (smallest_with("zzz", "[admin]\nlisten = \"127.0.0.1:8080\""), "which is also http.listen"),
        (smallest_with("zzz", "[cache]\nmin_remaining_life = \"10m\""), "at most cache.clock_skew_allowance"),
        (
            smallest_with("zzz", "[credentials]\nmandatory_window = \"1m\"\n[cache]\nmin_remaining_life = \"2m\""),
            "credentials.mandatory_window (my.toml, line 11): found 1m; allowed: at least cache.min_remaining_life, 2m",
        ),
        (
            smallest_with("zzz", "[pools.main.credentials]\ncustom_role_arn = \"arn:aws:iam::1:user/x\""),
            "looks like arn:aws:iam::123456789012:role/NAME",
        ),
        (smallest_with("zzz", "[vending]\ndefault_pool = \"other\""), "there is no such pool"),
        (smallest_with("zzz", "[upstream]\nread_timeout = \"20s\""), "at most upstream.call_timeout"),
        (smallest_with("zzz", "[http]\nallowed_origins = [\"*\"]"), "no wildcard"),
        (smallest_with("zzz", "[http]\nallowed_origins = [\"null\"]"), "no wildcard"),
        (smallest_with("zzz", "[http]\nallowed_origins = [\"https://a.example/\"]"), "without a path"),
        (
            SMALLEST.replace("https://app.example/jwks", "https://u:hush@app.example/jwks"),
            "found a URL with a user in it",
        ),
        (SMALLEST.replace("auth.app", "auth.App"), "names of 1 to 64 lower-case"),
        (SMALLEST.replace("us-east-1", "useast"), "no AWS region before the colon"),
        (SMALLEST.replace("pools.main", "pools.Main"), "pool names of 1 to 64 lower-case"),
        (
            smallest_with("developer_provider", "developer_provider = \"x\"\ntoken_duration = \"2h\""),
            "at most vending.max_token_duration",
        ),
    ] {
        let errors = errors_of(&text, &[]);
        assert!(errors.iter().any(|error| error.contains(expected)), "no {expected:?} in {errors:#?}");
    }
}

#[test]
fn cognito_s_keys_are_at_its_published_url_unless_the_configuration_sets_another() {
    let upstream = |line: &str| format!("{SMALLEST}[upstream]\n{line}\n");
    for (text, url) in [
        (SMALLEST.to_owned(), "https://cognito-identity.amazonaws.com/.well-known/jwks_uri"),
        (
            SMALLEST.replace("us-east-1", "us-gov-west-1"),
            "https://cognito-identity-us-gov.amazonaws.com/.well-known/jwks_uri",
        ),
        (upstream("endpoint_url = \"http://127.0.0.1:1/\""), "http://127.0.0.1:1/.well-known/jwks_uri"),
        (upstream("openid_keys_url = \"https://inside.example/k\""), "https://inside.example/k"),
    ] {
        assert_eq!(load_with(&text, &[]).unwrap().settings.openid_jwks.url.as_str(), url);
    }
    let errors = errors_of(&upstream("openid_keys_url = \"http://inside.example/k\""), &[]);
    assert!(errors[0].contains("could replace the keys"), "{errors:?}");
}

#[test]
fn user_ids_of_several_issuers_must_be_distinguishable() {
    let second = |prefix: &str| {
        format!(
            "{SMALLEST}{prefix}[auth.web]\nissuer = \"https://web.example\"\naudience = [\"t\"]\n\
             algorithms = [\"ES256\"]\njwks_url = \"https://web.example/jwks\"\nuser_id = \"web:{{sub}}\"\n"
        )
    };
    let errors = errors_of(&second(""), &[]);
    assert!(errors[0].contains("templates whose fixed beginnings distinguish the issuers"), "{errors:?}");
    assert!(load_with(&second("user_id = \"app:{sub}\"\n"), &[]).is_ok());
    let errors = errors_of(&second("user_id = \"web:x{sub}\"\n"), &[]);
    assert!(errors[0].contains("templates whose fixed beginnings distinguish the issuers"), "{errors:?}");
}

#[test]
fn several_pools_need_a_default_and_each_may_have_its_own_duration() {
    let second = "[pools.second]\nidentity_pool_id = \"eu-west-1:1-2\"\ndeveloper_provider = \"x\"\n\
                  token_duration = 1800\n";
    let errors = errors_of(&format!("{SMALLEST}{second}"), &[]);
    assert!(errors[0].contains("nothing, and 2 pools; allowed: the name of a configured pool (main, second)"));
    let settings = load_with(&format!("{SMALLEST}{second}[vending]\ndefault_pool = \"second\"\n"), &[]);
    let pools = settings.unwrap().settings.pools;
    assert_eq!(&*pools.find(None).unwrap().name, "second");
    assert_eq!(pools.find(None).unwrap().token_duration.seconds(), 1800);
    assert_eq!(pools.find(Some("main")).unwrap().token_duration.seconds(), 900);
    assert!(pools.find(Some("third")).is_none());
}

#[test]
fn values_that_are_allowed_but_unwise_cause_a_warning() {
    let text = smallest_with("developer_provider", "developer_provider = \"x\"\ntoken_duration = \"2h\"")
        + "\n[vending]\nmax_token_duration = \"3h\"\n[admin]\nlisten = \"0.0.0.0:8081\"\n\
           [upstream]\nendpoint_url = \"http://10.0.0.1:5000\"\n";
    let loaded = load_with(&text, &[]).unwrap();
    for expected in ["cannot be revoked", "can read the metrics", "can read the tokens"] {
        assert!(loaded.warnings.iter().any(|w| w.contains(expected)), "{:?}", loaded.warnings);
    }
    assert!(!loaded.settings.vending.accept_opaque_tokens);
    let pool = "developer_provider = \"x\"\nbind_to_session = true\n[pools.main.credentials]\nenabled = true";
    let warnings = load_with(&smallest_with("developer_provider", pool), &[]).unwrap().warnings;
    assert!(warnings[0].contains("AWS credentials are valid for an hour"), "{warnings:?}");
}

#[test]
fn a_secret_is_read_from_a_value_a_variable_or_a_file_and_is_never_shown() {
    let secret = "0123456789abcdef0123456789abcdef";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{secret}\n")).unwrap();
    let hs = SMALLEST.replace("RS256", "HS256");
    let with = |line: &str| hs.replace("jwks_url = \"https://app.example/jwks.json\"", line);
    let path = file.path().to_str().unwrap();
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
    for (line, expected) in [
        ("secret = { env = \"GONE\" }", "the environment variable GONE, which is not set"),
        ("secret = { file = \"/nowhere\" }", "the file /nowhere: "),
        ("secret = { env = \"A\", file = \"B\" }", "both env and file"),
        ("secret = 7", "neither a text nor env nor file"),
        ("secret = \" \"", "only white space"),
    ] {
        let errors = errors_of(&with(line), &[]);
        assert!(errors.iter().any(|error| error.contains(expected)), "no {expected:?} in {errors:#?}");
    }
}

#[test]
fn the_manual_has_exactly_the_keys_that_are_read() {
    // One authenticator of each kind: the manual has the keys of all kinds.
    let others = "[auth.introspection]\nkind = \"introspection\"\nissuer = \"https://i.example\"\n\
                  url = \"https://i.example\"\nuser_id = \"i:{sub}\"\nclient_id = \"a\"\nclient_secret = \"b\"\n\
                  [auth.forward]\nkind = \"forward_auth\"\nissuer = \"https://f.example\"\nurl = \"https://f.example\"\n\
                  user_id = \"f:{user}\"\n\
                  [auth.gateway]\nkind = \"gateway\"\nissuer = \"https://g.example\"\nuser_id = \"g:{sub}\"\n\
                  trusted_peers = [\"10.0.0.0/8\"]\ncertificates = [\"DNS:g\"]\nclaims = { sub = \"x-user\" }\nsecret_header = \"x-key\"\n\
                  secret = \"0123456789abcdef0123456789abcdef\"\n\
                  [auth.alb]\nkind = \"alb\"\nissuer = \"https://a.example\"\nuser_id = \"a:{sub}\"\n\
                  signer = \"arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/a/0\"\n\
                  act_as = { scope = [\"s\"], users = [\"*\"] }\n\
                  [auth.static_key]\nkind = \"static_key\"\nissuer = \"https://k.example\"\n\
                  key_sha256 = [\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]\n\
                  act_as = { users = [\"app:*\"] }\n";
    let text = SMALLEST.replace("[auth.app]", "[auth.app]\nuser_id = \"app:{sub}\"");
    let document = ConfigSource { name: "my.toml".to_owned(), text: format!("{text}{others}") };
    let mut layers = Layers::default();
    layers.add_document("the defaults", DEFAULT_CONFIG, &mut Vec::new());
    layers.take_templates();
    layers.add_document(&document.name, &document.text, &mut Vec::new());
    layers.apply_templates();
    let environment = Environment::default();
    let mut reader = Reader::new(layers, &environment, Vec::new());
    sections::read(&mut reader).unwrap();
    let read: BTreeSet<String> = reader
        .known_keys()
        .iter()
        .map(|path| {
            let path = path.replace("pools.main", "pools.NAME").replace("auth.app", "auth.NAME");
            let kinds = ["introspection", "forward", "gateway", "alb", "static_key"];
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
