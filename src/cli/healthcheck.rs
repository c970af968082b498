//! `tokenvend healthcheck`: for containers, whose images have no curl.

use std::time::Duration;

use super::Failure;

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The health resource of the running service.
    #[arg(long, default_value = "http://127.0.0.1:8080/livez", env = "TOKENVEND_HEALTHCHECK_URL")]
    url: String,
}

pub(super) async fn run(args: &Args) -> Result<(), Failure> {
    let fail = |words: String| Failure { code: 69, words: format!("{} is not healthy: {words}", args.url) };
    let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build();
    let client = client.map_err(|error| fail(error.to_string()))?;
    let answer = client.get(&args.url).send().await.map_err(|error| fail(error.without_url().to_string()))?;
    if answer.status().is_success() { Ok(()) } else { Err(fail(format!("it answers {}", answer.status()))) }
}
