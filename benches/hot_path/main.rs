//! Benchmark of the hot path: tokenvend as users run it, a bare actix-web handler that sends the same bytes, and
//! services written by hand, measured in one run. `benches/README.md` describes the method.
//!
//! `contest` contestants and their setup · [`place`] processes, cores, CPU time and memory · [`load`] load generator ·
//! [`bearers`] bearer tokens of the app · [`upstream`] a Cognito that responds at once · [`bare`] the bare handler ·
//! [`negative`] bearer tokens that every contestant must reject · [`instructions`] instructions of a hit · [`scenarios`]
//! the measurements · [`command`] the one-shot command · [`report`] table, JSON, chart and page.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a program that measures: it reads the clock itself, and prints"
)]

mod bare;
mod bearers;
mod command;
mod contest;
mod instructions;
mod load;
mod negative;
mod place;
mod report;
mod scenarios;
mod upstream;

use std::process::ExitCode;

use clap::Parser;

/// Every error ends the run with its message, so its type does not matter.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Measures tokenvend beside a bare handler and its peers. `just bench` builds it all and runs this.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Shorter rounds and fewer users: about 3 minutes, to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Leave the Node and Python peers out.
    #[arg(long)]
    no_peers: bool,
    /// Measure one part only.
    #[arg(long)]
    only: Option<Only>,
    /// The release binary to measure.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/tokenvend"))]
    binary: std::path::PathBuf,
    /// The directory for results.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench"))]
    results: std::path::PathBuf,
    /// `cargo bench` passes this option to every program that it runs.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// Parts that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// Hits beside the bare handler.
    Hits,
    /// Hits beside services written by hand.
    Peers,
    /// New bearer tokens of known users.
    NeverSeen,
    /// Two workers, and TLS.
    Setups,
    /// Misses.
    Misses,
    /// A million users.
    ManyUsers,
    /// Start, size, and the one-shot command.
    Command,
}

/// Parts that run in processes of their own, so that their CPU time is separate.
#[derive(Debug, clap::Subcommand)]
enum Part {
    /// A bare actix-web handler that sends the response in this file, with a copy in memory for each user.
    Bare { response: std::path::PathBuf, users: usize },
    /// A Cognito that responds at once.
    Upstream,
    /// The SDK's call to that Cognito, this many times one after the other: prints the CPU time of one in µs.
    SdkCalls { url: String, count: u32 },
    /// Checks an RS256 signature this many times: prints the CPU time of one in µs.
    SignatureChecks { count: u32 },
    /// Counts the instructions of a hit, and compares them with the committed baseline.
    Instructions {
        /// Accept the counts as the baseline.
        #[arg(long)]
        accept: bool,
    },
    /// Renders docs/performance.md and the chart from a run's JSON.
    Page { json: std::path::PathBuf },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.part {
        Some(Part::Bare { response, users }) => bare::serve(response, *users),
        Some(Part::Upstream) => upstream::serve(),
        Some(Part::SdkCalls { url, count }) => upstream::call(url, *count),
        Some(Part::SignatureChecks { count }) => bearers::check_signatures(*count),
        Some(Part::Instructions { accept }) => instructions::count(&arguments, *accept),
        Some(Part::Page { json }) => report::page_from(json),
        None => scenarios::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
