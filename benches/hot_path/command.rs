//! Measurements that are not per request: start time, binary size, and the one-shot command beside the AWS CLI.

use std::fs;
use std::process::Command;
use std::time::Instant;

use cognito_emulator::{DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL};
use serde::Deserialize;

use crate::Outcome;
use crate::contest::{Setup, Stage, aws_environment, request};
use crate::load;
use crate::report::{Comparison, Goal, Report, median};

/// Output of `one_shot.py`.
#[derive(Deserialize)]
struct OneShot {
    wall_ms: f64,
    peak_bytes: f64,
}

pub fn measure(report: &mut Report, stage: &Stage, with_aws_cli: bool) -> Outcome<()> {
    eprintln!("bench: start, size and the one-shot command");
    let mut starts = Vec::new();
    let bearer = request(&stage.app.rs256("starter", 0)?);
    for _ in 0..5 {
        let started = Instant::now();
        let served = stage.tokenvend(Setup::USUAL)?;
        let (status, response) = load::send_once(&served.target, &bearer)?;
        starts.push(started.elapsed().as_secs_f64() * 1000.0);
        if status != 200 {
            return Err(format!("the first request failed: {response}").into());
        }
    }
    report.compare(Comparison::at_most(
        "start to first token, its call to Cognito included".to_owned(),
        median(starts),
        Goal::Milliseconds(30.0),
    ));
    let size = fs::metadata(stage.binary())?.len() as f64 / 1e6;
    report.compare(Comparison::at_most("release binary".to_owned(), size, Goal::Megabytes(20.0)));
    if with_aws_cli { compare_with_aws_cli(report, stage) } else { Ok(()) }
}

fn compare_with_aws_cli(report: &mut Report, stage: &Stage) -> Outcome<()> {
    let venv = stage.directory().join("../peers/venv/bin");
    let url = format!("http://{}", stage.upstream);
    let logins = format!("{DEFAULT_DEVELOPER_PROVIDER}=alice");
    let operation = ["--identity-pool-id", DEFAULT_POOL, "--logins", &logins, "--endpoint-url", &url];
    let run = |times: u32, program: &std::path::Path, before: &[&str]| {
        let mut command = Command::new(venv.join("python"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/python/one_shot.py"));
        command.arg(times.to_string()).arg(program).args(before);
        command.arg("get-open-id-token-for-developer-identity").args(operation).envs(aws_environment());
        let output = command.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Outcome::Ok(serde_json::from_slice::<OneShot>(&output.stdout)?)
    };
    let tokenvend = run(20, stage.binary(), &[])?;
    let aws_cli = run(5, &venv.join("aws"), &["cognito-identity"])?;
    report.compare(Comparison::at_most(
        format!(
            "one-shot command, wall time beside the AWS CLI ({:.1} ms, {:.0} ms)",
            tokenvend.wall_ms, aws_cli.wall_ms
        ),
        tokenvend.wall_ms / aws_cli.wall_ms,
        Goal::Times(1.0 / 40.0),
    ));
    report.compare(Comparison::at_most(
        format!(
            "one-shot command, peak memory beside the AWS CLI ({:.1} MB, {:.1} MB)",
            tokenvend.peak_bytes / 1e6,
            aws_cli.peak_bytes / 1e6
        ),
        tokenvend.peak_bytes / aws_cli.peak_bytes,
        Goal::Times(0.30),
    ));
    Ok(())
}
