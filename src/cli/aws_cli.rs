//! `tokenvend get-open-id-token-for-developer-identity`: the AWS CLI command of that name.

use std::ffi::OsString;
use std::process::ExitCode;

use aws_cli_compat::BearerError;

use super::bearer_token;

/// The raw arguments: the AWS CLI's syntax is not clap's.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(super) struct Args {
    /// Arguments of the AWS CLI command; `help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

pub(super) fn run(args: Args) -> ExitCode {
    aws_cli_compat::run(args.arguments, &|file, variable| {
        bearer_token::find(file, variable).map_err(|error| match error {
            bearer_token::BearerError::Missing => BearerError::Missing(error.to_string()),
            other => BearerError::Invalid(other.to_string()),
        })
    })
}
