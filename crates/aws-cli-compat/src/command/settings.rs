//! Settings of the call, from options, the environment and the profile, in the AWS CLI's order.

use std::time::Duration;

use super::environment::Environment;
use super::error::CommandError;
use super::profile::Profile;
use super::retries::{Mode, Retries};
use super::transport::{Timeouts, TlsTrust};
use crate::language::argparse::ParsedArgs;
use crate::language::value::{parse_integer, repr_text};

/// This service's name in the AWS CLI's variables and files.
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL_COGNITO_IDENTITY";
const SERVICE_KEY: &str = "cognito_identity";

/// # Errors
/// A timeout is not a number of seconds.
pub(super) fn read_timeouts(global: &ParsedArgs) -> Result<Timeouts, CommandError> {
    let read = |option: &str, name: &str| match global.get(option) {
        None => Ok(Some(Duration::from_secs(60))),
        Some(text) => match parse_integer(text) {
            Some(0) => Ok(None),
            Some(seconds) if seconds < 0 => Err(CommandError::failed(format!(
                "Attempted to set {name} timeout to {seconds}, but the timeout cannot be set to a value less than or \
                 equal to 0."
            ))),
            Some(seconds) => Ok(Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))),
            None => Err(CommandError::failed(format!("invalid literal for int() with base 10: {}", repr_text(text)))),
        },
    };
    Ok(Timeouts { read: read("--cli-read-timeout", "read")?, connect: read("--cli-connect-timeout", "connect")? })
}

/// Everything that a call needs besides its input and credentials.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
    pub(super) use_fips: bool,
    pub(super) use_dual_stack: bool,
    pub(super) is_signed: bool,
    pub(super) retries: Retries,
    pub(super) trust: TlsTrust,
    pub(super) timeouts: Timeouts,
}

impl Settings {
    /// # Errors
    /// There is no region, or a value is invalid.
    pub(super) fn load(
        global: &ParsedArgs,
        timeouts: Timeouts,
        environment: &Environment,
        profile: &Profile,
    ) -> Result<Self, CommandError> {
        let either = |variable: &str, key: &str| environment.get_or_profile(variable, &profile.keys, key);
        let is_true =
            |variable: &str, key: &str| either(variable, key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let retries = read_retries(either("AWS_RETRY_MODE", "retry_mode"), either("AWS_MAX_ATTEMPTS", "max_attempts"))?;
        // Version 1 of the AWS CLI does not read AWS_REGION.
        let option = global.get("--region").filter(|region| !region.is_empty());
        let region = option.or_else(|| either("AWS_DEFAULT_REGION", "region")).ok_or_else(|| {
            let message = "You must specify a region. You can also configure your region by running \"aws configure\".";
            CommandError::Bare(message.to_owned())
        })?;
        if !is_region(region) {
            let message = format!("Provided region_name '{region}' doesn't match a supported format.");
            return Err(CommandError::Failed(message));
        }
        let trust = read_trust(global, environment, either("AWS_CA_BUNDLE", "ca_bundle"));
        Ok(Self {
            region: region.to_owned(),
            endpoint: read_endpoint(global, environment, profile)?,
            use_fips: is_true("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
            use_dual_stack: is_true("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
            is_signed: !global.has("--no-sign-request"),
            retries,
            trust,
            timeouts,
        })
    }
}

/// `configured` is the bundle of `AWS_CA_BUNDLE` or the profile.
pub(super) fn read_trust(global: &ParsedArgs, environment: &Environment, configured: Option<&str>) -> TlsTrust {
    if global.has("--no-verify-ssl") {
        return TlsTrust::NoVerification;
    }
    let bundle = global.get("--ca-bundle").or(configured).or_else(|| environment.get("REQUESTS_CA_BUNDLE"));
    bundle.map_or(TlsTrust::System, |path| TlsTrust::Bundle(path.into()))
}

fn read_retries(mode: Option<&str>, max_attempts: Option<&str>) -> Result<Retries, CommandError> {
    let mode = match mode {
        None | Some("legacy") => Mode::Legacy,
        Some("standard" | "adaptive") => Mode::Standard,
        Some(other) => {
            return Err(CommandError::failed(format!(
                "Invalid value provided to \"mode\": \"{other}\" must be one of: ('legacy', 'standard', 'adaptive')"
            )));
        }
    };
    let max_attempts = match max_attempts {
        None => mode.default_attempts(),
        Some(text) => match parse_integer(text) {
            Some(number) if number >= 1 => u32::try_from(number).unwrap_or(u32::MAX),
            Some(number) => {
                return Err(CommandError::failed(format!(
                    "Value provided to \"max_attempts\": {number} must be an integer greater than or equal to 1."
                )));
            }
            None => {
                let message = format!("invalid literal for int() with base 10: {}", repr_text(text));
                return Err(CommandError::Failed(message));
            }
        },
    };
    Ok(Retries { mode, max_attempts })
}

/// The endpoint to call instead of AWS's own one of the region.
fn read_endpoint(
    global: &ParsedArgs,
    environment: &Environment,
    profile: &Profile,
) -> Result<Option<String>, CommandError> {
    if let Some(url) = global.get("--endpoint-url") {
        return Ok(Some(url.to_owned()));
    }
    let ignored = environment.get_or_profile(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        &profile.keys,
        "ignore_configured_endpoint_urls",
    );
    if ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    if let Some(url) = environment.get(ENDPOINT_VARIABLE).or_else(|| environment.get("AWS_ENDPOINT_URL")) {
        return Ok(Some(url.to_owned()));
    }
    let url = profile.service_key(SERVICE_KEY, "endpoint_url")?;
    Ok(url.or_else(|| profile.keys.get("endpoint_url").map(String::as_str)).map(str::to_owned))
}

fn is_region(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.bytes().all(|b| b.is_ascii_digit())
        && !text.starts_with('-')
        && !text.ends_with('-')
}
