//! The example project `examples/emulator-in-tests`, which uses this crate as a dev-dependency.

use std::path::Path;
use std::process::Command;

/// Builds into this workspace's target directory, so that both share the compiled dependencies that have the same
/// features.
#[test]
fn the_tests_of_the_example_project_pass() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/emulator-in-tests");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["test", "--locked"])
        .current_dir(example)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("test result: ok. 2 passed"), "{stdout}\n{stderr}");
}
