//! The command's options: those that every command of the AWS CLI has, those of the operation, and our own,
//! by which a running tokenvend is asked instead of Cognito.

use super::error::CommandError;
use crate::language::argparse::{self, Arity, OptionSpec, ParsedArgs, ParserSpec};

const fn option(name: &'static str, takes: Arity) -> OptionSpec {
    OptionSpec { name, takes, choices: &[] }
}

/// In the CLI's order, which its errors show.
const GLOBAL: &[OptionSpec] = &[
    option("--debug", Arity::Nothing),
    option("--endpoint-url", Arity::Text),
    option("--no-verify-ssl", Arity::Nothing),
    option("--no-paginate", Arity::Nothing),
    OptionSpec { name: "--output", takes: Arity::Text, choices: &["json", "text", "table"] },
    option("--query", Arity::Text),
    option("--profile", Arity::Text),
    option("--region", Arity::Text),
    option("--version", Arity::Nothing),
    OptionSpec { name: "--color", takes: Arity::Text, choices: &["on", "off", "auto"] },
    option("--no-sign-request", Arity::Nothing),
    option("--ca-bundle", Arity::Text),
    option("--cli-read-timeout", Arity::Text),
    option("--cli-connect-timeout", Arity::Text),
    // Advice on moving to the CLI's second version. Accepted, and of no effect: there is nothing to move.
    option("--v2-debug", Arity::Nothing),
];

const OPERATION: &[OptionSpec] = &[
    option("--identity-pool-id", Arity::Text),
    option("--identity-id", Arity::Text),
    option("--logins", Arity::Text),
    option("--principal-tags", Arity::Text),
    option("--token-duration", Arity::Integer),
    option("--cli-input-json", Arity::Text),
    OptionSpec {
        name: "--generate-cli-skeleton",
        takes: Arity::TextOr("input"),
        choices: &["input", "output"],
    },
];

const EVERY_COMMAND: ParserSpec =
    ParserSpec { options: GLOBAL, has_positional: false, ends_at: Some("--version") };
/// The one argument beside its options would be `help`.
const THIS_COMMAND: ParserSpec = ParserSpec { options: OPERATION, has_positional: true, ends_at: None };

/// Our own are never abbreviated, so that no abbreviation of the CLI's becomes ambiguous by them.
const OWN: [&str; 3] = ["--url", "--bearer-file", "--pool"];

/// The arguments, told apart.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) global: ParsedArgs,
    /// What is for the operation's parser. It looks at them only once the global ones have proved good.
    for_operation: Vec<String>,
    pub(super) url: Option<String>,
    pub(super) bearer_file: Option<String>,
    pub(super) pool: Option<String>,
}

impl Options {
    /// Reads our own options and the global ones.
    pub(super) fn read(arguments: &[String]) -> Result<Self, CommandError> {
        let (rest, [url, bearer_file, pool]) = take_own(arguments)?;
        let mut global = argparse::parse(EVERY_COMMAND, &rest).map_err(CommandError::Arguments)?;
        let for_operation = std::mem::take(&mut global.remaining);
        Ok(Self { global, for_operation, url, bearer_file, pool })
    }

    /// Whether help is asked for. The CLI knows `help` only; `--help` is what everybody tries.
    pub(super) fn is_help(&self) -> bool {
        self.for_operation.iter().any(|argument| argument == "--help" || argument == "-h")
            || self.for_operation == ["help"]
    }

    /// Reads the operation's options. `None`: help is asked for.
    pub(super) fn operation(&self) -> Result<Option<ParsedArgs>, CommandError> {
        let mut parsed =
            argparse::parse(THIS_COMMAND, &self.for_operation).map_err(CommandError::Arguments)?;
        let missing: Vec<_> =
            ["--identity-pool-id", "--logins"].into_iter().filter(|name| !parsed.has(name)).collect();
        if !missing.is_empty() && self.is_required() {
            let words = format!("the following arguments are required: {}", missing.join(", "));
            return Err(CommandError::Arguments(words));
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

    /// What is required may be missing beside these two, but only if they are written out, with a space.
    fn is_required(&self) -> bool {
        let place = |name: &str| self.for_operation.iter().position(|argument| argument == name);
        let is_skeleton_of_input = place("--generate-cli-skeleton")
            .is_some_and(|at| self.for_operation.get(at + 1).map(String::as_str) != Some("output"));
        place("--cli-input-json").is_none() && !is_skeleton_of_input
    }

    /// The first argument that says who the user is, or where Cognito is: with `--url` the bearer and the
    /// service say that.
    pub(super) fn at_odds_with_url(&self) -> Option<&str> {
        let global = ["--endpoint-url", "--profile", "--region", "--no-sign-request"];
        let global = global.into_iter().find(|name| self.global.has(name));
        global.or(self.for_operation.first().map(String::as_str))
    }
}

/// Picks out our own options, and leaves the rest in order.
fn take_own(arguments: &[String]) -> Result<(Vec<String>, [Option<String>; 3]), CommandError> {
    let mut values = [None, None, None];
    let mut rest = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let Some(at) = OWN.iter().position(|own| *own == name) else {
            rest.push(argument.clone());
            continue;
        };
        let value = attached.or_else(|| arguments.next().cloned());
        let missing = || CommandError::Arguments(format!("argument {name}: expected one argument"));
        values[at] = Some(value.ok_or_else(missing)?);
    }
    Ok((rest, values))
}
