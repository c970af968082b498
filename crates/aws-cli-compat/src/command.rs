//! The command itself: what this operation adds to the AWS CLI's `language`, and the call.
//!
//! The steps run in the AWS CLI's order, because the first step that fails decides the error message.

mod cognito_client;
mod credentials;
mod debug_log;
mod environment;
mod error;
mod help;
mod input;
mod operation;
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
use operation::{OPERATION, SERVICE};
use options::Options;
use profile::Profile;
use settings::Settings;

pub use operation::COMMAND;
pub use tokenvend_client::{BearerError, BearerLookup};

/// Moves the command's name to the front, because the AWS CLI allows global options and the service's name before it.
/// Arguments of other commands are returned unchanged.
pub fn command_first(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let may_be_this_command =
        arguments.get(1).is_some_and(|first| first == SERVICE || first.as_encoded_bytes().starts_with(b"-"));
    let index = arguments.iter().position(|argument| argument == COMMAND);
    let Some(index) = index.filter(|_| may_be_this_command) else { return arguments };
    let command = arguments.remove(index);
    if let Some(service) = arguments.iter().take(index).position(|argument| argument == SERVICE) {
        arguments.remove(service);
    }
    arguments.insert(1, command);
    arguments
}

/// Runs the command, prints its output and errors, and returns its exit code.
///
/// `arguments` are those after the command's name. `bearer` looks the bearer token up that `--url` needs.
pub fn run(arguments: Vec<OsString>, bearer: BearerLookup<'_>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let (text, error) = match execute(&arguments, bearer) {
        Ok(Output { text, error }) => (text, error.map(CommandError::Failed)),
        Err(error) => (String::new(), Some(error)),
    };
    // A closed pipe (`| head`) is not an error.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    let Some(error) = error else { return ExitCode::SUCCESS };
    let _ = std::io::stderr().write_all(error.render(help::USAGE).as_bytes());
    ExitCode::from(error.exit_code())
}

/// The text for standard output, and the error that cut it short, if any.
struct Output {
    text: String,
    error: Option<String>,
}

impl Output {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), error: None }
    }
}

fn execute(arguments: &[String], bearer: BearerLookup<'_>) -> Result<Output, CommandError> {
    let options = Options::parse(arguments)?;
    let global = &options.global;
    if options.is_help() {
        return Ok(Output::text(help::HELP));
    }
    if global.has("--version") {
        return Ok(Output::text(concat!("tokenvend ", env!("CARGO_PKG_VERSION"), "\n")));
    }
    let query = global.get("--query").map(parse_query).transpose()?;
    check_endpoint(global)?;
    let timeouts = settings::read_timeouts(global)?;
    let environment = Environment::from_process();
    let debug_log = DebugLog { is_enabled: global.has("--debug") };

    if let Some(url) = &options.url {
        let response = block_on(tokenvend_client::request_token(url, &options, timeouts, &environment, bearer))??;
        let configured = environment.get("AWS_DEFAULT_OUTPUT").map(str::to_owned);
        return render(Value::Map(response), query.as_ref(), global, configured);
    }
    let Some(operation) = options.parse_operation()? else { return Ok(Output::text(help::HELP)) };
    let mut input = input::from_options(&operation, &environment)?;
    let profile = Profile::load(global.get("--profile"), &environment)?;
    input::add_json(&mut input, &operation, &environment)?;
    let format = environment.get_or_profile("AWS_DEFAULT_OUTPUT", &profile.keys, "output").map(str::to_owned);
    let skeleton = operation.get("--generate-cli-skeleton");
    if skeleton == Some("input") {
        return Ok(Output::text(skeleton::input()));
    }
    let settings = Settings::load(global, timeouts, &environment, &profile)?;
    let response = block_on(async {
        let url = cognito_client::resolve_endpoint(&settings).await?;
        validate::validate(&input)?;
        if skeleton.is_some() {
            return Ok(skeleton::output());
        }
        let credentials = match settings.is_signed {
            true => {
                let is_profile_given = global.has("--profile");
                let name = profile.name.as_deref();
                Some(credentials::find(&environment, is_profile_given, name, &settings.region).await?)
            }
            false => None,
        };
        debug_log.log(|| format!("calling {url} for region {}", settings.region));
        cognito_client::call(input, &url, &settings, credentials.as_ref(), &SystemClock::new(), debug_log)
            .await
            .map(Value::Map)
    })??;
    render(response, query.as_ref(), global, format)
}

/// Runs the future on this thread: one thread is enough for one call, and starts faster than one for each core.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map(|runtime| runtime.block_on(future)).map_err(|error| CommandError::failed(error.to_string()))
}

fn parse_query(expression: &str) -> Result<Query, CommandError> {
    Query::parse(expression)
        .map_err(|error| CommandError::failed(format!("Bad value for --query {expression}: {error}")))
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

/// Applies the query to the response, and renders the result in the requested format.
fn render(
    response: Value,
    query: Option<&Query>,
    global: &ParsedArgs,
    configured: Option<String>,
) -> Result<Output, CommandError> {
    let format = global.get("--output").map(str::to_owned).or(configured);
    let format = format.as_deref().unwrap_or("json");
    if !output::FORMATS.contains(&format) {
        return Err(CommandError::failed(format!("Unknown output type: {format}")));
    }
    let result = match query {
        None => response,
        Some(query) => query.search(&response).map_err(CommandError::Failed)?,
    };
    let is_terminal = std::io::stdout().is_terminal();
    let is_coloured = match global.get("--color") {
        Some("on") => true,
        Some("off") => false,
        _ => is_terminal,
    };
    let terminal_width = match terminal_size::terminal_size().filter(|_| is_terminal) {
        Some((width, _)) => usize::from(width.0),
        // A terminal that does not know its size reports zero, and the AWS CLI uses that value.
        None if is_terminal => 0,
        None => 80,
    };
    let mut rendered = output::render(format, OPERATION, &result, TableStyle { is_coloured, terminal_width });
    if is_terminal && is_coloured && format == "table" {
        // The AWS CLI resets the terminal's colours at the end.
        rendered.text.push_str(output::RESET);
    }
    Ok(Output { text: rendered.text, error: rendered.error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_name_is_moved_to_the_front() {
        let ordered = |line: &str| {
            let arguments = command_first(line.split(' ').map(OsString::from).collect());
            arguments.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ")
        };
        let expected = format!("tokenvend {COMMAND} --region r --logins a=b");
        assert_eq!(ordered(&format!("tokenvend --region r {SERVICE} {COMMAND} --logins a=b")), expected);
        assert_eq!(ordered(&format!("tokenvend {SERVICE} --region r {COMMAND} --logins a=b")), expected);
        assert_eq!(ordered(&format!("tokenvend --region r {COMMAND} --logins a=b")), expected);
        let other = format!("tokenvend healthcheck --url {COMMAND}");
        assert_eq!(ordered(&other), other);
    }
}
