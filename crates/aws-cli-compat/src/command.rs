//! `tokenvend get-open-id-token-for-developer-identity`: the AWS CLI (v1) command of that name, option for
//! option and byte for byte, at a thirtieth of its time. What the command shares with others of the AWS CLI is
//! in `aws_cli`; here is what this operation adds, and the call.
//!
//! The steps are taken in the CLI's order, because the first one that fails is the one that is told.

mod cognito_client;
mod credentials;
mod debug_log;
mod environment;
mod error;
mod help;
mod input;
mod options;
mod profile;
mod response;
mod retries;
mod settings;
mod skeleton;
mod tokenvend_client;
mod transport;
mod validate;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use crate::language::argparse::ParsedArgs;
use crate::language::jmespath::Query;
use crate::language::output::{self, TableStyle};
use crate::language::value::Value;
use clock::SystemClock;
use debug_log::DebugLog;
use environment::Environment;
use error::CommandError;
use options::Options;
use profile::Profile;
use settings::{Settings, Timeouts};

pub use tokenvend_client::{BearerError, BearerLookup};

/// The AWS CLI's name of this command.
pub const COMMAND: &str = "get-open-id-token-for-developer-identity";
/// The AWS CLI's name of the command's service.
const SERVICE: &str = "cognito-identity";
/// What Cognito calls it. The CLI heads tables with it.
const OPERATION: &str = "GetOpenIdTokenForDeveloperIdentity";

/// Puts the command's name first where the AWS CLI's users may have other things before it: global options, and
/// the service's name. Whatever is not for this command stays as it is.
pub fn command_first(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_for_this =
        arguments.get(1).is_some_and(|first| first == SERVICE || first.as_encoded_bytes().starts_with(b"-"));
    let place = arguments.iter().position(|argument| argument == COMMAND);
    let Some(place) = place.filter(|_| is_for_this) else { return arguments };
    let command = arguments.remove(place);
    if let Some(service) = arguments.iter().take(place).position(|argument| argument == SERVICE) {
        arguments.remove(service);
    }
    arguments.insert(1, command);
    arguments
}

/// Runs the command and tells how it went.
pub fn run(arguments: Vec<OsString>, bearer: BearerLookup<'_>) -> ExitCode {
    let arguments: Vec<_> =
        arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let (text, fault) = match outcome(&arguments, bearer) {
        Ok(Outcome { text, fault }) => (text, fault.map(CommandError::Failed)),
        Err(fault) => (String::new(), Some(fault)),
    };
    // A reader that has gone away (`| head`) is no failure.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    let Some(fault) = fault else { return ExitCode::SUCCESS };
    let _ = std::io::stderr().write_all(fault.told(help::USAGE).as_bytes());
    ExitCode::from(fault.exit_code())
}

/// What goes to standard output, and why that is not all.
struct Outcome {
    text: String,
    fault: Option<String>,
}

impl Outcome {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), fault: None }
    }
}

fn outcome(arguments: &[String], bearer: BearerLookup<'_>) -> Result<Outcome, CommandError> {
    let options = Options::read(arguments)?;
    let global = &options.global;
    if options.is_help() {
        return Ok(Outcome::text(help::HELP));
    }
    if global.has("--version") {
        return Ok(Outcome::text(concat!("tokenvend ", env!("CARGO_PKG_VERSION"), "\n")));
    }
    let query = global.get("--query").map(parse_query).transpose()?;
    check_endpoint(global)?;
    let timeouts = Timeouts::read(global)?;
    let environment = Environment::of_process();
    let notes = DebugLog { is_wanted: global.has("--debug") };

    if let Some(url) = &options.url {
        let answer = block_on(tokenvend_client::ask(url, &options, timeouts, &environment, bearer))??;
        let configured = environment.get("AWS_DEFAULT_OUTPUT").map(str::to_owned);
        return show(Value::Map(answer), query.as_ref(), global, configured);
    }
    let Some(operation) = options.operation()? else { return Ok(Outcome::text(help::HELP)) };
    let mut input = input::from_options(&operation, &environment)?;
    let profile = Profile::load(global.get("--profile"), &environment)?;
    input::add_json(&mut input, &operation, &environment)?;
    let output = environment.or_profile("AWS_DEFAULT_OUTPUT", &profile.keys, "output").map(str::to_owned);
    let skeleton = operation.get("--generate-cli-skeleton");
    if skeleton == Some("input") {
        return Ok(Outcome::text(skeleton::input()));
    }
    let settings = Settings::load(global, timeouts, &environment, &profile)?;
    let answer = block_on(async {
        let url = cognito_client::endpoint(&settings).await?;
        validate::validate(&input)?;
        if skeleton.is_some() {
            return Ok(skeleton::output());
        }
        let credentials = match settings.is_signed {
            true => {
                let is_given = global.has("--profile");
                Some(
                    credentials::find(&environment, is_given, profile.name.as_deref(), &settings.region)
                        .await?,
                )
            }
            false => None,
        };
        notes.note(|| format!("calling {url} for region {}", settings.region));
        cognito_client::call(input, &url, &settings, credentials.as_ref(), &SystemClock::new(), notes)
            .await
            .map(Value::Map)
    })??;
    show(answer, query.as_ref(), global, output)
}

/// One thread is enough for one call, and quicker to start than one for each core.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map(|runtime| runtime.block_on(future)).map_err(|error| CommandError::failed(error.to_string()))
}

fn parse_query(expression: &str) -> Result<Query, CommandError> {
    Query::parse(expression)
        .map_err(|words| CommandError::failed(format!("Bad value for --query {expression}: {words}")))
}

fn check_endpoint(global: &ParsedArgs) -> Result<(), CommandError> {
    match global.get("--endpoint-url") {
        Some(url) if !url.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme)) => {
            Err(CommandError::failed(format!(
                "Bad value for --endpoint-url \"{url}\": scheme is missing.  Must be of the form http://<hostname>/ or \
             https://<hostname>/"
            )))
        }
        _ => Ok(()),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// Lays out what the query finds.
fn show(
    answer: Value,
    query: Option<&Query>,
    global: &ParsedArgs,
    configured: Option<String>,
) -> Result<Outcome, CommandError> {
    let format = global.get("--output").map(str::to_owned).or(configured);
    let format = format.as_deref().unwrap_or("json");
    if !output::FORMATS.contains(&format) {
        return Err(CommandError::failed(format!("Unknown output type: {format}")));
    }
    let found = match query {
        None => answer,
        Some(query) => query.search(&answer).map_err(CommandError::Failed)?,
    };
    let is_terminal = std::io::stdout().is_terminal();
    let is_coloured = match global.get("--color") {
        Some("on") => true,
        Some("off") => false,
        _ => is_terminal,
    };
    let terminal_width = match terminal_size::terminal_size().filter(|_| is_terminal) {
        Some((width, _)) => usize::from(width.0),
        // A terminal that does not know its own size says zero, and the CLI believes it.
        None if is_terminal => 0,
        None => 80,
    };
    let mut printed = output::print(format, OPERATION, &found, TableStyle { is_coloured, terminal_width });
    if is_terminal && is_coloured && format == "table" {
        // The last thing that the CLI does, to leave the terminal as it was.
        printed.text.push_str(output::RESET);
    }
    Ok(Outcome { text: printed.text, fault: printed.fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_name_comes_first_wherever_it_stands() {
        let ordered = |line: &str| {
            let words = command_first(line.split(' ').map(OsString::from).collect());
            words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
        };
        let wanted = format!("tokenvend {COMMAND} --region r --logins a=b");
        assert_eq!(ordered(&format!("tokenvend --region r {SERVICE} {COMMAND} --logins a=b")), wanted);
        assert_eq!(ordered(&format!("tokenvend {SERVICE} --region r {COMMAND} --logins a=b")), wanted);
        assert_eq!(ordered(&format!("tokenvend --region r {COMMAND} --logins a=b")), wanted);
        let other = format!("tokenvend healthcheck --url {COMMAND}");
        assert_eq!(ordered(&other), other);
    }
}
