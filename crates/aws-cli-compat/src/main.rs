//! The command as a program of its own, without `--url`, which needs the bearer lookup of `tokenvend`. The crate's tests
//! run it.

use std::process::ExitCode;

use aws_cli_compat::{BearerError, COMMAND, command_first, run};

fn main() -> ExitCode {
    let mut arguments = command_first(std::env::args_os().collect());
    let prefix = 1 + usize::from(arguments.get(1).is_some_and(|first| first == COMMAND));
    run(arguments.split_off(prefix.min(arguments.len())), &|_, _| {
        Err(BearerError::Missing("--url is an option of `tokenvend`, not of this program".to_owned()))
    })
}
