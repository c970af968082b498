//! Third-party packages for tests: of Python and Node, installed once under `target/peers/`, and of Debian. Without the
//! interpreter or the registry, a test prints `SKIPPED` and the reason; with `CI=true` it fails.
//!
//! Several test binaries include this module, and none uses all of it.

#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses a part")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder with the scripts and package lists, from the root package or from a crate of the workspace.
pub fn sources() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("tests/peers").is_dir()).unwrap();
    root.join("tests/peers")
}

/// Node finds imported packages only beside the script.
const NODE_SCRIPTS: [&str; 4] =
    ["verify_with_jose.mjs", "credentials_with_aws_sdk.mjs", "oidc_provider.mjs", "express_app.mjs"];

/// The folder with the installed packages, or why there is none.
pub fn peers() -> Result<&'static Path, &'static str> {
    static PEERS: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PEERS.get_or_init(install).as_deref().map_err(String::as_str)
}

fn install() -> Result<PathBuf, String> {
    let sources = sources();
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers");
    fs::create_dir_all(&place).map_err(|fault| fault.to_string())?;
    // Another test run may be installing at the same time.
    let lock = File::create(place.join("lock")).map_err(|fault| fault.to_string())?;
    lock.lock().map_err(|fault| fault.to_string())?;

    let wanted: String = ["requirements.txt", "package.json"]
        .iter()
        .chain(&NODE_SCRIPTS)
        .map(|name| fs::read_to_string(sources.join(name)).unwrap())
        .collect();
    let stamp = place.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(place);
    }
    let venv = place.join("venv");
    attempt(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let requirements = sources.join("requirements.txt");
    attempt(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "-r"]).arg(requirements))?;
    for name in ["package.json"].iter().chain(&NODE_SCRIPTS) {
        fs::copy(sources.join(name), place.join(name)).map_err(|fault| fault.to_string())?;
    }
    attempt(Command::new("npm").args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(&place))?;
    fs::write(&stamp, wanted).map_err(|fault| fault.to_string())?;
    Ok(place)
}

fn attempt(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(fault) => Err(format!("{name} does not run: {fault}")),
    }
}

/// The folder with the installed packages. `None` after a printed `SKIPPED`.
pub fn peers_or_skip() -> Option<&'static Path> {
    peers().map_err(skipped).ok()
}

/// Whether a program of Debian is installed, after an attempt to install it. If not, prints `SKIPPED`.
pub fn has_or_skips(program: &str, package: &str) -> bool {
    let script = sources().join("install.sh");
    let installed = Command::new("sh").arg(script).args([program, package]).output().unwrap();
    if !installed.status.success() {
        skipped(String::from_utf8_lossy(&installed.stderr).trim());
    }
    installed.status.success()
}

/// Prints `SKIPPED` and the reason. In CI it panics, because no test may be skipped there.
#[expect(clippy::disallowed_methods, reason = "CI is detected by its environment")]
pub fn skipped(why: &str) {
    use std::io::Write as _;
    // Directly to the terminal: the test harness captures `eprintln!`.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped: {why}");
}
