//! Single sections: permissions of pools, user ids, linking, sizes and rate limits.

use super::*;

#[test]
fn the_rules_and_tags_of_a_pool_are_validated_one_by_one() {
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
        ("tags.\"aws:x\" = \"y\"", "pools.main.tags.\"aws:x\" (my.toml, line 3): found the key \"aws:x\" (keys that"),
        ("tags.x = \"{a}{b}\"", "pools.main.tags.x (my.toml, line 3): found \"{a}{b}\" (nothing stands before {b}"),
        ("tags.x = \"a,b\"", "pools.main.tags.x (my.toml, line 3): found \"a,b\""),
        ("tags.x = { valu = \"y\" }", "pools.main.tags.x.value (not set): found nothing"),
        ("tags.x = { valu = \"y\" }", "pools.main.tags.x.valu (my.toml, line 3): found a key that does not exist"),
        (
            "allow.x.auth = [\"nobody\"]",
            "pools.main.allow.x.auth (my.toml, line 3): found \"nobody\"; allowed: names of tables",
        ),
        ("allow.x.scope = []", "pools.main.allow.x.scope (my.toml, line 3): found []"),
        ("allow.x.claims.\"/a//b\" = [\"c\"]", "pools.main.allow.x.claims.\"/a//b\" (my.toml, line 3): found"),
        ("allow.x.scopes = [\"y\"]", "pools.main.allow.x.auth (not set): found a rule without a condition"),
        ("access.mode = \"try\"", "pools.main.access.mode (my.toml, line 3): found \"try\""),
    ] {
        let errors = errors_of(&within_pool(grants), &[]);
        assert!(errors.iter().any(|error| error.starts_with(expected)), "no {expected:?} in {errors:#?}");
    }
}

#[test]
fn an_invalid_tag_or_one_too_many_is_one_error_and_not_also_an_unknown_key() {
    let too_many: String = (0..51).map(|number| format!("tags.t{number} = \"x\"\n")).collect();
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for (tags, expected) in [
        (too_many, "found 51 tags; allowed: at most 50"),
        ("tags.\"aws:x\" = \"y\"".to_owned(), "found the key \"aws:x\""),
        (format!("tags.{long_key} = \"y\""), "a key that IAM accepts for a session tag"),
        (format!("tags.x = \"{long_value}\""), "a constant, a claim"),
        ("tags.\"aws:x\" = { value = \"y\", required = true }".to_owned(), "found the key \"aws:x\""),
    ] {
        let errors = errors_of(&SMALLEST.replace("[pools.main]", &format!("[pools.main]\n{tags}")), &[]);
        assert!(errors.len() == 1 && errors[0].contains(expected), "no {expected:?} alone in {errors:#?}");
    }
}

#[test]
fn a_user_id_without_a_claim_is_an_error_and_one_with_an_address_causes_a_warning() {
    for bad in ["\"\"", "\"{iss}\"", "\"all\"", "\"{sub\"", "\"a\\n{sub}\""] {
        let errors = errors_of(&smallest_with("user_id", &format!("user_id = {bad}")), &[]);
        assert!(errors[0].starts_with("auth.app.user_id"), "{bad}: {errors:?}");
    }
    let of_addresses = smallest_with("user_id", "user_id = \"{email}\"");
    let warnings = load_with(&of_addresses, &[]).unwrap().warnings;
    assert!(warnings[0].contains("e-mail address"), "{warnings:?}");
    let key = ("TOKENVEND__USERS__PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef");
    assert_eq!(load_with(&of_addresses, &[key]).unwrap().warnings, Vec::<String>::new());
    let errors = errors_of(SMALLEST, &[("TOKENVEND__USERS__PSEUDONYM_KEY", "too-short")]);
    assert!(errors[0].contains("found a secret of 9 bytes; allowed: at least 32 bytes"), "{errors:?}");
    assert!(!errors[0].contains("too-short"), "{errors:?}");
}

#[test]
fn only_public_providers_can_be_linked() {
    let with = |providers: &str| format!("{SMALLEST}\n[pools.main.linking]\nproviders = {providers}");
    for bad in ["[\"login.example\"]", "[\"cognito-identity.amazonaws.com\"]", "[\"\"]", "[\"a b\"]", "\"a\""] {
        let errors = errors_of(&with(bad), &[]);
        assert!(errors[0].starts_with("pools.main.linking.providers"), "{bad}: {errors:?}");
    }
    let of_another_pool = format!(
        "{}\n[pools.other]\nidentity_pool_id = \"us-east-1:2\"\ndeveloper_provider = \"login.other\"\n\
         [vending]\ndefault_pool = \"main\"",
        with("[\"login.other\"]")
    );
    let errors = errors_of(&of_another_pool, &[]);
    assert!(errors[0].contains("the developer provider of pools.other"), "{errors:?}");
    let settings = load_with(&with("[\"accounts.google.com\"]"), &[]).unwrap().settings;
    let linking = &settings.pools.find(None).unwrap().linking;
    assert!(linking.provider("accounts.google.com").is_some() && !linking.guests);
}

#[test]
fn limits_and_trusted_proxies_are_validated() {
    let variables = [
        ("TOKENVEND__LIMITS__PER_ADDRESS__RATE", "90/m"),
        ("TOKENVEND__LIMITS__PER_ADDRESS__BURST", "5"),
        ("TOKENVEND__LIMITS__PER_USER__RATE", "off"),
        ("TOKENVEND__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32, 192.0.2.1"),
        ("TOKENVEND__HTTP__FORWARDED_HEADER", "forwarded"),
    ];
    let settings = load_with(SMALLEST, &variables).unwrap().settings;
    let per_address = RateLimit::parse("90/m", 5).ok();
    assert_eq!(settings.limits, RateLimitSettings { per_address, ..RateLimitSettings::default() });
    let trusted: Vec<String> = settings.http.trusted_proxies.networks.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]);
    for (key, value, expected) in [
        ("HTTP__TRUSTED_PROXIES", "0.0.0.0/0", "\"0.0.0.0/0\" (it trusts every peer"),
        ("HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::/0", "\"::/0\" (it trusts every peer"),
        ("HTTP__TRUSTED_PROXIES", "10.0.0.1/8", "\"10.0.0.1/8\" (its host bits are set; did you mean 10.0.0.0/8?)"),
        ("HTTP__TRUSTED_PROXIES", "::ffff:10.0.0.0/104", "(IPv4 peers are compared as IPv4"),
        ("HTTP__TRUSTED_PROXIES", "proxy.internal", "\"proxy.internal\" (it is not a network or an address)"),
        ("HTTP__FORWARDED_HEADER", "x-real-ip", "\"x-real-ip\" (it is none of them)"),
        ("LIMITS__PER_USER__RATE", "10/d", "\"10/d\" (the unit after the slash is not s, m or h)"),
        (
            "LIMITS__FAILED_AUTHENTICATIONS__RATE",
            "0/s",
            "\"0/s\" (the count before the slash is not a number in this range)",
        ),
        ("LIMITS__PER_ADDRESS__BURST", "0", "\"0\"; allowed: a whole number from 1"),
    ] {
        let errors = errors_of(SMALLEST, &[(&format!("TOKENVEND__{key}"), value)]);
        assert!(errors.len() == 1 && errors[0].contains(expected), "no {expected} in {errors:?}");
    }
}

#[test]
fn a_size_is_a_whole_number_with_a_unit() {
    for (text, bytes) in [("1MiB", 1 << 20), ("1024KiB", 1 << 20), ("256MiB", 256 << 20), ("1024GiB", 1 << 40)] {
        let settings = load_with(SMALLEST, &[("TOKENVEND__CREDENTIALS__MAX_SIZE", text)]).unwrap().settings;
        assert_eq!(settings.vending.credentials.max_size_bytes, bytes, "{text}");
    }
    for (value, expected) in [
        ("256", "found 256 (it has no unit); allowed: a size from 1MiB to 1024GiB: a whole number with the unit KiB"),
        ("\"256\"", "found \"256\" (it has no unit)"),
        ("\"256MB\"", "found \"256MB\" (it is not a whole number with one of these units)"),
        ("\"256 MiB\"", "found \"256 MiB\" (it is not"),
        ("\"1.5GiB\"", "found \"1.5GiB\" (it is not"),
        ("\"-1MiB\"", "found \"-1MiB\" (it is not"),
        ("\"MiB\"", "found \"MiB\" (it does not begin with a whole number)"),
        ("\"99999999999999999999GiB\"", "(it is too large)"),
        ("\"99999999999999GiB\"", "(it is too large)"),
        ("\"1KiB\"", "found \"1KiB\"; allowed: a size from 1MiB"),
        ("\"1025GiB\"", "found \"1025GiB\"; allowed: a size from 1MiB"),
        ("\"\"", "found \"\" (it has no unit)"),
        ("true", "found true; allowed: a size"),
    ] {
        let errors = errors_of(&smallest_with("zzz", &format!("[cache]\nmax_size = {value}")), &[]);
        assert!(errors.len() == 1 && errors[0].starts_with("cache.max_size (my.toml"), "{value}: {errors:?}");
        assert!(errors[0].contains(expected), "no {expected:?} in {errors:?}");
    }
}

#[test]
fn call_rates_have_the_form_of_rate_limits_but_cannot_be_off() {
    let tables = "[upstream.rate_limit]\nrate = \"7/s\"\nburst = 3\nmax_wait = \"1s\"\n\
                  [admin.rate_limit]\nrate = \"90/m\"\n[credentials.rate_limit]\nrate = \"5/h\"\nburst = 4";
    let settings = load_with(&smallest_with("zzz", tables), &[]).unwrap().settings;
    let (tokens, credentials) = (settings.vending.upstream.rate_limit, settings.vending.credentials.rate_limit);
    assert_eq!(Ok(tokens.limit), RateLimit::parse("7/s", 3));
    assert_eq!(Ok(credentials.limit), RateLimit::parse("5/h", 4));
    assert_eq!(Ok(settings.admin.rate_limit.limit), RateLimit::parse("90/m", 5));
    let (second, default) = (Duration::from_secs(1), Duration::from_secs(5));
    assert_eq!([tokens.max_wait, credentials.max_wait, settings.admin.rate_limit.max_wait], [second, second, default]);
    for (rate, why) in [
        ("off", "it has no slash"),
        ("50", "it has no slash"),
        ("50/d", "not s, m or h"),
        ("0/s", "not a number in this range"),
    ] {
        for table in ["upstream", "admin", "credentials"] {
            let errors = errors_of(&smallest_with("zzz", &format!("[{table}.rate_limit]\nrate = {rate:?}")), &[]);
            let start = format!("{table}.rate_limit.rate (my.toml, line 11): found {rate:?}");
            assert!(errors.len() == 1 && errors[0].starts_with(&start), "{errors:?}");
            assert!(errors[0].contains(why) && errors[0].contains("allowed: from 1 to 1000000 in a"), "{errors:?}");
        }
    }
}
