//! The `tokenvend` command: parse, run one command, exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenvend::cli::main()
}
