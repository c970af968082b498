//! Problem types: each is in an OpenAPI document, and a test asserts each.

use std::collections::BTreeSet;
use std::path::Path;

/// The names in the table of problem types. (Titles are sentences.)
fn kinds() -> BTreeSet<String> {
    let source = include_str!("../../src/http/problem.rs");
    let (_, from_table) = source.split_once("\nproblems! {").unwrap();
    let (table, _) = from_table.split_once("\n}").unwrap();
    let texts = table.split('"').skip(1).step_by(2);
    let is_name = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    texts.filter(is_name).map(str::to_owned).collect()
}

fn each_test(folder: &Path, look: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_test(&path, look);
        } else {
            look(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The problem types that tests assert, by `is_problem` or as a whole URN in bytes from a socket.
fn asserted() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    each_test(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api"), &mut |source| {
        let calls = source.split("is_problem(").skip(1);
        let names = calls.filter_map(|call| call.split(')').next()?.split('"').nth(1));
        let types = source.split("urn:tokenvend:error:").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(names.chain(types).map(str::to_owned));
    });
    found
}

#[test]
fn every_problem_type_is_in_an_openapi_document_and_in_a_test() {
    let kinds = kinds();
    assert!(kinds.len() > 30 && kinds.contains("unauthorized"), "the table was not found: {kinds:?}");
    let asserted = asserted();
    let untested: Vec<&String> = kinds.difference(&asserted).collect();
    assert!(untested.is_empty(), "no test has an answer that is_problem(_, {untested:?})");
    let contract =
        [include_str!("../../docs/openapi/public.json"), include_str!("../../docs/openapi/admin.json")].concat();
    for name in kinds {
        assert!(contract.contains(&format!("`{name}`")), "{name} is in neither OpenAPI document");
    }
}
