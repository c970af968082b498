//! The `cognito-emulator` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    cognito_emulator::command::main()
}
