//! What a configuration may say, and what is said of one that may not.

mod single;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::auth::AuthenticatorSettings;
use crate::claims::template::Template;
use crate::client_address::TrustedProxies;
use crate::rate_limit::{RateLimit, RateLimitSettings};

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
    load(&[document], &Environment::of(variables))
}

fn faults_of(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match load_with(text, variables) {
        Err(ConfigError::Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("expected faults, got {other:?}"),
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
    assert_eq!(settings.vending.windows.skew_allowance, Duration::from_secs(300));
    assert_eq!(settings.vending.upstream.budget.calls_per_second, 50);
    assert_eq!(settings.auth[0].user_id, Template::parse("{sub}").unwrap());
    assert!(settings.pools.find(None).unwrap().access.is_open());
    assert!(!settings.vending.opaque_tokens);
    assert_eq!(settings.http.hops, TrustedProxies::none());
    let per_user = RateLimit::parse("10/s", 100).unwrap();
    assert_eq!(settings.limits, RateLimitSettings { per_user, ..RateLimitSettings::default() });
}

#[test]
fn the_environment_wins_over_the_file() {
    let variables = [
        ("TOKENVEND__VENDING__SKEW_ALLOWANCE", "120"),
        ("TOKENVEND__UPSTREAM__BURST", "7"),
        ("TOKENVEND__HTTP__ALLOWED_ORIGINS", "https://a.example, https://b.example:8443"),
        ("TOKENVEND__POOLS__MAIN__TOKEN_DURATION", "1h"),
        ("TOKENVEND__AUTH__APP__USER_ID", "{iss}|{/https:~1~1app.example~1user/id}"),
        ("TOKENVEND__POOLS__MAIN__TAGS__TEAM", "{team}"),
        ("UNRELATED", "x"),
    ];
    let settings =
        load_with(&smallest_with("token_duration", "[vending]\nskew_allowance = \"4m\""), &variables);
    let settings = settings.unwrap().settings;
    assert_eq!(settings.vending.windows.skew_allowance, Duration::from_secs(120));
    assert_eq!(settings.vending.upstream.budget.burst, 7);
    assert_eq!(settings.http.allowed_origins, ["https://a.example", "https://b.example:8443"]);
    assert_eq!(settings.pools.find(Some("main")).unwrap().token_duration.seconds(), 3600);
    assert_eq!(settings.auth[0].user_id.fixed_prefix(), "https://app.example|");
    assert_eq!(settings.pools.find(None).unwrap().tags.keys().collect::<Vec<_>>(), ["team"]);
}

#[test]
fn all_faults_are_told_at_once_each_with_path_origin_value_and_what_is_allowed() {
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
[upstream]
burst = 0
";
    let faults = faults_of(text, &[("TOKENVEND__LOG__LEVEL", "loud")]);
    for expected in [
        "pools.main.identity_pool_id (my.toml, line 3): found \"somewhere\" (an identity pool id has no colon",
        "pools.main.developer_provider (my.toml, line 4): found 7; allowed: the pool's DeveloperProviderName",
        "pools.main.token_duration (my.toml, line 5): found 5m; allowed: more than vending.skew_allowance, 5m",
        "auth.app.issuer (not set): found nothing; allowed: text that is not empty",
        "auth.app.audience (my.toml, line 7): found []",
        "auth.app.algorithms (my.toml, line 8): found [\"none\"]; allowed: a list of RS256",
        "auth.app.jwks_url (not set): found none of them; allowed: exactly one of",
        "http.listn (my.toml, line 10): found a key that does not exist; allowed: a key of the manual \
         (tokenvend print-default-config); near: http.listen",
        "upstream.burst (my.toml, line 12): found 0; allowed: a whole number from 1 to 100000",
        "log.level (environment variable TOKENVEND__LOG__LEVEL): found \"loud\" (it is none of them); allowed: one of",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "no {expected:?} in {faults:#?}");
    }
    assert_eq!(faults.len(), 10, "{faults:#?}");
}

#[test]
fn text_that_is_no_toml_is_a_fault_with_its_line_and_is_not_repeated() {
    let faults = faults_of(&format!("{SMALLEST}\nsecret = hush hush\n"), &[]);
    assert!(faults[0].contains("my.toml, line 11"), "{faults:?}");
    assert!(!faults.iter().any(|fault| fault.contains("hush")), "{faults:?}");
}

#[test]
fn an_empty_configuration_says_what_is_needed_first() {
    let faults = faults_of("", &[]);
    assert!(faults.iter().any(|fault| fault.contains("at least one table [pools.NAME]")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("at least one table [auth.NAME]")), "{faults:?}");
}

#[test]
fn values_that_are_at_odds_are_refused() {
    for (text, expected) in [
        (smallest_with("algorithms", "algorithms = [\"RS256\", \"HS256\"]"), "with public keys; allowed: HS"),
        (smallest_with("jwks_url", "secret = \"0123456789abcdef0123456789abcdef\""), "with a shared secret"),
        (smallest_with("jwks_url", "secret = \"short\""), "a secret of 5 bytes; allowed: at least 32"),
        (smallest_with("jwks_url", "jwks_url = \"http://app.example/jwks\""), "could swap the keys"),
        (smallest_with("zzz", "secret = \"x\""), "jwks_url and secret; allowed: exactly one"),
        (smallest_with("zzz", "[admin]\nlisten = \"127.0.0.1:8080\""), "which is http.listen too"),
        (smallest_with("zzz", "[vending]\nstale_floor = \"10m\""), "at most vending.skew_allowance"),
        (
            smallest_with("zzz", "[credentials]\nleast_life = \"1m\"\n[vending]\nstale_floor = \"2m\""),
            "credentials.least_life (my.toml, line 11): found 1m; allowed: at least vending.stale_floor, 2m",
        ),
        (
            smallest_with("zzz", "[pools.main.credentials]\ncustom_role_arn = \"arn:aws:iam::1:user/x\""),
            "looks like arn:aws:iam::ACCOUNT:role/NAME",
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
            "at most vending.token_duration_ceiling",
        ),
    ] {
        let faults = faults_of(&text, &[]);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "no {expected:?} in {faults:#?}");
    }
}

#[test]
fn cognito_s_keys_are_where_it_publishes_them_unless_the_configuration_knows_better() {
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
        assert_eq!(load_with(&text, &[]).unwrap().settings.openid_keys.url.as_str(), url);
    }
    let faults = faults_of(&upstream("openid_keys_url = \"http://inside.example/k\""), &[]);
    assert!(faults[0].contains("could swap the keys"), "{faults:?}");
}

#[test]
fn several_issuers_must_be_told_apart() {
    let second = |prefix: &str| {
        format!(
            "{SMALLEST}{prefix}[auth.web]\nissuer = \"https://web.example\"\naudience = [\"t\"]\n\
             algorithms = [\"ES256\"]\njwks_url = \"https://web.example/jwks\"\nuser_id = \"web:{{sub}}\"\n"
        )
    };
    let faults = faults_of(&second(""), &[]);
    assert!(faults[0].contains("templates whose fixed beginnings tell the issuers apart"), "{faults:?}");
    assert!(load_with(&second("user_id = \"app:{sub}\"\n"), &[]).is_ok());
    let faults = faults_of(&second("user_id = \"web:x{sub}\"\n"), &[]);
    assert!(faults[0].contains("templates whose fixed beginnings tell the issuers apart"), "{faults:?}");
}

#[test]
fn several_pools_need_a_default_and_each_may_have_its_own_duration() {
    let second = "[pools.second]\nidentity_pool_id = \"eu-west-1:1-2\"\ndeveloper_provider = \"x\"\n\
                  token_duration = 1800\n";
    let faults = faults_of(&format!("{SMALLEST}{second}"), &[]);
    assert!(
        faults[0].contains("nothing, and 2 pools; allowed: the name of a configured pool (main, second)")
    );
    let settings = load_with(&format!("{SMALLEST}{second}[vending]\ndefault_pool = \"second\"\n"), &[]);
    let pools = settings.unwrap().settings.pools;
    assert_eq!(&*pools.find(None).unwrap().name, "second");
    assert_eq!(pools.find(None).unwrap().token_duration.seconds(), 1800);
    assert_eq!(pools.find(Some("main")).unwrap().token_duration.seconds(), 900);
    assert!(pools.find(Some("third")).is_none());
}

#[test]
fn what_is_allowed_but_unwise_is_warned_of() {
    let text = smallest_with("developer_provider", "developer_provider = \"x\"\ntoken_duration = \"2h\"")
        + "\n[vending]\ntoken_duration_ceiling = \"3h\"\n[admin]\nlisten = \"0.0.0.0:8081\"\n\
           [upstream]\nendpoint_url = \"http://10.0.0.1:5000\"\n";
    let loaded = load_with(&text, &[]).unwrap();
    for expected in ["cannot be called back", "can read the metrics", "can be read on the way"] {
        assert!(loaded.warnings.iter().any(|w| w.contains(expected)), "{:?}", loaded.warnings);
    }
    assert!(!loaded.settings.vending.opaque_tokens);
    let pool =
        "developer_provider = \"x\"\nend_with_session = true\n[pools.main.credentials]\nenabled = true";
    let warnings = load_with(&smallest_with("developer_provider", pool), &[]).unwrap().warnings;
    assert!(warnings[0].contains("AWS credentials last an hour all the same"), "{warnings:?}");
}

#[test]
fn a_secret_is_taken_from_a_value_a_variable_or_a_file_and_is_never_shown() {
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
            KeySource::Secret(found) => assert_eq!(found.expose(), secret.as_bytes()),
            other => panic!("{other:?}"),
        }
        assert!(!format!("{settings:?}").contains(secret));
    }
    for (line, expected) in [
        ("secret = { env = \"GONE\" }", "the environment variable GONE, which is not set"),
        ("secret = { file = \"/nowhere\" }", "the file /nowhere: "),
        ("secret = { env = \"A\", file = \"B\" }", "both env and file"),
        ("secret = 7", "neither a text nor env nor file"),
        ("secret = \" \"", "nothing but white space"),
    ] {
        let faults = faults_of(&with(line), &[]);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "no {expected:?} in {faults:#?}");
    }
}

#[test]
fn every_key_that_is_read_stands_in_the_manual_and_nothing_else_does() {
    // One way of each kind: a key of any of them stands in the manual.
    let others = "[auth.introspection]\nkind = \"introspection\"\nissuer = \"https://i.example\"\n\
                  url = \"https://i.example\"\nuser_id = \"i:{sub}\"\nclient_id = \"a\"\nclient_secret = \"b\"\n\
                  [auth.forward]\nkind = \"forward\"\nissuer = \"https://f.example\"\nurl = \"https://f.example\"\n\
                  user_id = \"f:{user}\"\n\
                  [auth.gateway]\nkind = \"gateway\"\nissuer = \"https://g.example\"\nuser_id = \"g:{sub}\"\n\
                  trusted_peers = [\"10.0.0.0/8\"]\ncertificates = [\"DNS:g\"]\nclaims = { sub = \"x-user\" }\nsecret_header = \"x-key\"\n\
                  secret = \"0123456789abcdef0123456789abcdef\"\n\
                  [auth.alb]\nkind = \"alb\"\nissuer = \"https://a.example\"\nuser_id = \"a:{sub}\"\n\
                  signer = \"arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/a/0\"\n\
                  on_behalf = { scope = [\"s\"], users = [\"*\"] }\n\
                  [auth.static_key]\nkind = \"static_key\"\nissuer = \"https://k.example\"\n\
                  key_sha256 = [\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]\n\
                  on_behalf = { users = [\"app:*\"] }\n";
    let text = SMALLEST.replace("[auth.app]", "[auth.app]\nuser_id = \"app:{sub}\"");
    let document = ConfigSource { name: "my.toml".to_owned(), text: format!("{text}{others}") };
    let mut layers = Layers::default();
    layers.add_document("the defaults", DEFAULT, &mut Vec::new());
    layers.take_templates();
    layers.add_document(&document.name, &document.text, &mut Vec::new());
    layers.apply_templates();
    let environment = Environment::default();
    let mut reader = Reader::new(layers, &environment, Vec::new());
    sections::read(&mut reader).unwrap();
    let read: BTreeSet<String> = reader
        .asked()
        .iter()
        .map(|path| {
            let path = path.replace("pools.main", "pools.NAME").replace("auth.app", "auth.NAME");
            let kinds = ["introspection", "forward", "gateway", "alb", "static_key"];
            kinds.iter().fold(path, |path, kind| path.replace(&format!("auth.{kind}"), "auth.NAME"))
        })
        // Names of the operator's own.
        .filter(|path| !path.starts_with("auth.NAME.claims."))
        .collect();
    assert_eq!(read, keys_of_the_manual());
}

/// Every `key =` of the manual, those that are commented out too, as dotted paths.
fn keys_of_the_manual() -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in DEFAULT.lines() {
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
