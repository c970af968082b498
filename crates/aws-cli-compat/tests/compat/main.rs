//! Comparison of the command with the real AWS CLI (v1). Both get the same arguments, environment, files and server.
//! Standard output, exit code, error message and requests must be the same.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "in tests, and in their helpers, a failed precondition fails the test"
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

/// Concurrent cases. More than the cores of a small machine, because some cases wait.
const WORKERS: usize = 3;

/// The number of command lines that docs/aws-cli.md states.
fn documented_case_count() -> usize {
    let page = include_str!("../../../../docs/aws-cli.md");
    let (_, rest) = page.split_once("gives both more than ").unwrap();
    rest.split_once(" command lines").unwrap().0.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_behaves_as_the_aws_cli_does() {
    let Some(peers) = peers_or_skip() else { return };
    let certificates = run::Certificates::new();
    let cases = cases::all();
    let documented = documented_case_count();
    assert!(
        (documented..documented + 50).contains(&cases.len()),
        "{} cases, docs/aws-cli.md says {documented}",
        cases.len()
    );
    let queue: Mutex<Vec<(usize, &Case)>> = Mutex::new(cases.iter().enumerate().rev().collect());
    let differences = Mutex::new(Vec::new());
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    let mut runner = run::Runner::start(peers);
                    loop {
                        let Some((number, case)) = queue.lock().unwrap().pop() else { return };
                        let reference =
                            run::prepare_and_run(case, &certificates, |prepared| runner.run_aws_cli(prepared));
                        let tested = run::prepare_and_run(case, &certificates, |prepared| runner.run_command(prepared));
                        let found = compare::differences(case, &reference, &tested);
                        if !found.is_empty() {
                            let text = format!("{}\n{}", case.line, found.join("\n"));
                            differences.lock().unwrap().push((number, text));
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
