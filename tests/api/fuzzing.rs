//! The invariants of the fuzz targets for headers and claims, checked with the seeds of `fuzz/`. The other targets have
//! theirs in `crates/jose/src/fuzzing.rs` and `src/http/fuzzing.rs`.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;

/// The results for the seeds of this target.
fn of_seeds<T>(of: &str, target: impl Fn(&[u8]) -> T) -> Vec<T> {
    let seeds = format!("{}/fuzz/seeds/{of}", env!("CARGO_MANIFEST_DIR"));
    let seeds = std::fs::read_dir(seeds).unwrap();
    seeds.map(|seed| target(&std::fs::read(seed.unwrap().path()).unwrap())).collect()
}

#[test]
fn a_caller_verified_by_headers_has_presented_the_signed_token() {
    let accepted = of_seeds("headers", targets::headers::check_credential);
    let by: BTreeSet<Option<&str>> = accepted.iter().map(Option::as_deref).collect();
    let all = [None, Some("bearer"), Some("cookie"), Some("gateway"), Some("header")];
    assert_eq!(by, BTreeSet::from(all), "each authenticator accepts a seed, and one seed is rejected");
}

#[test]
fn a_caller_verified_by_claims_has_the_user_id_of_the_claims() {
    let accepted = of_seeds("claims", targets::claims::check_user_id);
    assert!(accepted.contains(&true) && accepted.contains(&false), "{accepted:?}");
}

#[test]
fn no_forwarded_header_changes_another_clients_address() {
    of_seeds("forwarded", targets::forwarded::check_client_address);
}
