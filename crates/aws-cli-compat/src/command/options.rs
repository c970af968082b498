//! Options of the command: the AWS CLI's global ones, those of the operation, and those of tokenvend, which call a
//! running service instead of Cognito.

use super::error::CommandError;
use crate::language::argparse::{self, Arity, OptionSpec, ParsedArgs, ParserSpec};

const fn option(name: &'static str, arity: Arity) -> OptionSpec {
    OptionSpec { name, arity, choices: &[] }
}

/// In the AWS CLI's order, which is visible in its error messages.
const GLOBAL: &[OptionSpec] = &[
    option("--debug", Arity::Flag),
    option("--endpoint-url", Arity::Text),
    option("--no-verify-ssl", Arity::Flag),
    option("--no-paginate", Arity::Flag),
    OptionSpec { name: "--output", arity: Arity::Text, choices: &["json", "text", "table"] },
    option("--query", Arity::Text),
    option("--profile", Arity::Text),
    option("--region", Arity::Text),
    option("--version", Arity::Flag),
    OptionSpec { name: "--color", arity: Arity::Text, choices: &["on", "off", "auto"] },
    option("--no-sign-request", Arity::Flag),
    option("--ca-bundle", Arity::Text),
    option("--cli-read-timeout", Arity::Text),
    option("--cli-connect-timeout", Arity::Text),
    // The AWS CLI's advice on its version 2. Accepted without effect, because none of it applies here.
    option("--v2-debug", Arity::Flag),
];

const OPERATION: &[OptionSpec] = &[
    option("--identity-pool-id", Arity::Text),
    option("--identity-id", Arity::Text),
    option("--logins", Arity::Text),
    option("--principal-tags", Arity::Text),
    option("--token-duration", Arity::Integer),
    option("--cli-input-json", Arity::Text),
    OptionSpec { name: "--generate-cli-skeleton", arity: Arity::OptionalText("input"), choices: &["input", "output"] },
];

const EVERY_COMMAND: ParserSpec = ParserSpec { options: GLOBAL, has_positional: false, stops_at: Some("--version") };
/// Its only valid positional argument is `help`.
const THIS_COMMAND: ParserSpec = ParserSpec { options: OPERATION, has_positional: true, stops_at: None };

/// The options of tokenvend. They have no abbreviations, so that no abbreviation of the AWS CLI becomes ambiguous.
const TOKENVEND_OPTIONS: [&str; 3] = ["--url", "--bearer-file", "--pool"];

/// The arguments by parser.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) global: ParsedArgs,
    /// Arguments for the operation's parser, which runs after the global options have been validated.
    for_operation: Vec<String>,
    pub(super) url: Option<String>,
    pub(super) bearer_file: Option<String>,
    pub(super) pool: Option<String>,
}

impl Options {
    /// Parses the options of tokenvend and the global ones.
    pub(super) fn parse(arguments: &[String]) -> Result<Self, CommandError> {
        let (rest, [url, bearer_file, pool]) = take_tokenvend_options(arguments)?;
        let mut global = argparse::parse(EVERY_COMMAND, &rest).map_err(CommandError::Arguments)?;
        let for_operation = std::mem::take(&mut global.remaining);
        Ok(Self { global, for_operation, url, bearer_file, pool })
    }

    /// Whether help is requested. The AWS CLI accepts `help` only; `--help` is the common spelling.
    pub(super) fn is_help(&self) -> bool {
        self.for_operation.iter().any(|argument| argument == "--help" || argument == "-h")
            || self.for_operation == ["help"]
    }

    /// Parses the operation's options; `None` if help is requested.
    pub(super) fn parse_operation(&self) -> Result<Option<ParsedArgs>, CommandError> {
        let mut parsed = argparse::parse(THIS_COMMAND, &self.for_operation).map_err(CommandError::Arguments)?;
        let missing: Vec<_> = ["--identity-pool-id", "--logins"].into_iter().filter(|name| !parsed.has(name)).collect();
        if !missing.is_empty() && self.is_input_required() {
            let message = format!("the following arguments are required: {}", missing.join(", "));
            return Err(CommandError::Arguments(message));
        }
        match parsed.positional.take() {
            Some(word) if word == "help" => return Ok(None),
            word => parsed.remaining.extend(word),
        }
        if !parsed.remaining.is_empty() {
            return Err(CommandError::Unknown(format!("Unknown options: {}", parsed.remaining.join(", "))));
        }
        Ok(Some(parsed))
    }

    /// Whether the required options are checked. `--cli-input-json` and a skeleton of the input switch the check off,
    /// but only if they are not abbreviated, and their value is not attached with `=`.
    fn is_input_required(&self) -> bool {
        let position = |name: &str| self.for_operation.iter().position(|argument| argument == name);
        let is_input_skeleton = position("--generate-cli-skeleton")
            .is_some_and(|at| self.for_operation.get(at + 1).map(String::as_str) != Some("output"));
        position("--cli-input-json").is_none() && !is_input_skeleton
    }

    /// The first argument that names the user or Cognito's endpoint. With `--url` the bearer token names the user, and
    /// the service knows the endpoint.
    pub(super) fn conflict_with_url(&self) -> Option<&str> {
        let global = ["--endpoint-url", "--profile", "--region", "--no-sign-request"];
        let global = global.into_iter().find(|name| self.global.has(name));
        global.or(self.for_operation.first().map(String::as_str))
    }
}

/// Separates the options of tokenvend from the other arguments, which keep their order.
fn take_tokenvend_options(arguments: &[String]) -> Result<(Vec<String>, [Option<String>; 3]), CommandError> {
    let mut values = [None, None, None];
    let mut rest = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let Some(at) = TOKENVEND_OPTIONS.iter().position(|own| *own == name) else {
            rest.push(argument.clone());
            continue;
        };
        let value = attached.or_else(|| arguments.next().cloned());
        let missing = || CommandError::Arguments(format!("argument {name}: expected one argument"));
        values[at] = Some(value.ok_or_else(missing)?);
    }
    Ok((rest, values))
}
