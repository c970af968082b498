//! What must hold of any bytes that come in by headers and claims, tried with the seeds of `fuzz/`. The rest of them are
//! tried beside the doors by which `fuzz/` comes in: `crates/jose/src/fuzzing.rs`, `src/http/fuzzing.rs`.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;

/// What comes of each seed of that target.
fn of_seeds<T>(of: &str, target: impl Fn(&[u8]) -> T) -> Vec<T> {
    let seeds = format!("{}/fuzz/seeds/{of}", env!("CARGO_MANIFEST_DIR"));
    let seeds = std::fs::read_dir(seeds).unwrap();
    seeds.map(|seed| target(&std::fs::read(seed.unwrap().path()).unwrap())).collect()
}

#[test]
fn whoever_gets_in_by_headers_has_shown_what_was_signed() {
    let ways = of_seeds("headers", targets::headers::let_in_only_by_what_was_signed);
    let by: BTreeSet<Option<&str>> = ways.iter().map(Option::as_deref).collect();
    let all = [None, Some("bearer"), Some("cookie"), Some("gateway"), Some("header")];
    assert_eq!(by, BTreeSet::from(all), "a way that no seed gets in by is not tried");
}

#[test]
fn whoever_gets_in_by_claims_has_the_name_that_they_say() {
    let got_in = of_seeds("claims", targets::claims::name_whoever_gets_in);
    assert!(got_in.contains(&true) && got_in.contains(&false), "{got_in:?}");
}

#[test]
fn nobody_is_moved_elsewhere_by_forwarded_headers() {
    of_seeds("forwarded", targets::forwarded::move_nobody);
}
