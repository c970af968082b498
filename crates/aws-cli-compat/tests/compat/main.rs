//! The command before its judge: the real AWS CLI (v1) and ours get the same arguments, environment and files,
//! and a server that answers both alike. What they print, what they end with, what they complain of and what
//! they send must be the same.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what a test cannot go on without fails it, helpers included"
)]

mod cases;
mod compare;
#[path = "../../../../tests/peers/packages.rs"]
mod packages;
mod run;
mod stub;

use std::sync::Mutex;

use cases::Case;
use packages::peers_or_skip;

/// Runs of the CLI side by side. More than the machine has cores, because some cases wait.
const WORKERS: usize = 3;

/// How many command lines docs/aws-cli.md says that the judge gives.
fn cases_by_the_page() -> usize {
    let page = include_str!("../../../../docs/aws-cli.md");
    let (_, rest) = page.split_once("gives both more than ").unwrap();
    rest.split_once(" command lines").unwrap().0.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli_and_ours_cannot_be_told_apart() {
    let Some(place) = peers_or_skip() else { return };
    let certificates = run::Certificates::new();
    let cases = cases::all();
    let told = cases_by_the_page();
    assert!((told..told + 50).contains(&cases.len()), "{} cases, docs/aws-cli.md says {told}", cases.len());
    let todo: Mutex<Vec<(usize, &Case)>> = Mutex::new(cases.iter().enumerate().rev().collect());
    let differences = Mutex::new(Vec::new());
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    let mut judge = run::Judge::start(place);
                    loop {
                        let Some((number, case)) = todo.lock().unwrap().pop() else { return };
                        let theirs = run::prepared(case, &certificates, |prepared| judge.run(prepared));
                        let ours = run::prepared(case, &certificates, |prepared| judge.run_ours(prepared));
                        let found = compare::differences(case, &theirs, &ours);
                        if !found.is_empty() {
                            let line = &case.line;
                            differences
                                .lock()
                                .unwrap()
                                .push((number, format!("{line}\n{}", found.join("\n"))));
                        }
                    }
                });
            }
        });
    });
    let mut differences = differences.into_inner().unwrap();
    differences.sort();
    for (_, difference) in &differences {
        println!("DIFFERENCE in: {difference}\n");
    }
    println!("{} cases, {} differences", cases.len(), differences.len());
    assert!(differences.is_empty());
}
