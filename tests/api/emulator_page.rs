//! `docs/emulator.md`: its Python, JavaScript and shell blocks run without a change against an emulator. (Its Rust is a
//! documentation test of the crate.)

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages::peers_or_skip;
use crate::third_party_clients::{self, output_text};

const BINARY: &str = env!("CARGO_BIN_EXE_tokenvend");

/// The code of each fenced block in this language.
fn blocks(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/emulator.md");
    let page = fs::read_to_string(page).unwrap();
    let opening = format!("```{language}\n");
    page.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A file that is removed at the end of the test.
struct Script(PathBuf);

impl Script {
    fn new(place: &Path, name: &str, code: &str) -> Self {
        let path = place.join(format!("{}-{name}", std::process::id()));
        fs::write(&path, code).unwrap();
        Self(path)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs each block with the emulator's URL in the environment, and `tokenvend` and `aws` on the path.
async fn run_all(language: &str, program: &str, arguments: &[&str], extension: &str) {
    let Some(place) = peers_or_skip() else { return };
    let emulator = third_party_clients::emulator().await;
    let blocks = blocks(language);
    assert!(!blocks.is_empty());
    for (number, code) in blocks.iter().enumerate() {
        // Beside the installed packages, where Node looks them up.
        let script = Script::new(place, &format!("{number}.{extension}"), code);
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("bash");
        command.args(["-c", r#"PATH="$1:$2:$PATH"; shift 2; exec "$@""#, "bash"]);
        command.arg(place.join("venv/bin")).arg(Path::new(BINARY).parent().unwrap());
        command.arg(program).args(arguments).arg(&script.0).current_dir(&directory);
        command.env("URL", emulator.url());
        let output = third_party_clients::run(command).await;
        assert!(output.status.success(), "{code}\n{}", output_text(&output));
    }
    emulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_shell_works() {
    run_all("sh", "bash", &["-eu"], "sh").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_python_works() {
    run_all("python", "python", &[], "py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_javascript_works() {
    run_all("javascript", "node", &[], "mjs").await;
}
