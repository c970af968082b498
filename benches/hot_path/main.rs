//! The hot path beside an empty answer: tokenvend as users run it, a bare actix-web handler that sends the same
//! bytes, and what people write by hand, all measured in one run. `benches/README.md` tells how to read it.
//!
//! `contest` who is measured, and how it is set up · [`place`] processes, cores, CPU time and memory · [`load`] the
//! load generator · [`bearers`] the app that signs users in · [`upstream`] an instant Cognito · [`bare`] the empty
//! answer · [`negative`] what everybody must refuse · [`instructions`] what a hit takes in instructions · [`scenarios`]
//! what is measured · [`command`] the one-shot command · [`report`] table, JSON, chart and page.

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

/// What can go wrong ends the run; whoever reads it wants the words, not the type.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Measures tokenvend beside a bare handler and its peers. `just bench` builds it all and runs this.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Shorter rounds and fewer users: about 3 minutes, to see that it all works.
    #[arg(long)]
    quick: bool,
    /// Without the Node and Python peers.
    #[arg(long)]
    no_peers: bool,
    /// One part of it, to look at while something is worked on.
    #[arg(long)]
    only: Option<Only>,
    /// The release binary to measure.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/tokenvend"))]
    binary: std::path::PathBuf,
    /// Where results go.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench"))]
    results: std::path::PathBuf,
    /// What `cargo bench` hands to every program that it runs.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// What can be measured without the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// Hits beside the bare handler.
    Hits,
    /// Hits beside what people write by hand.
    Peers,
    /// Bearers that were never seen before.
    NeverSeen,
    /// Two workers, and TLS.
    Setups,
    /// Misses.
    Misses,
    /// Very many users.
    ManyUsers,
    /// Start, size, and the one-shot command.
    Command,
}

/// The parts that the harness starts as processes of their own, so that their time is told apart.
#[derive(Debug, clap::Subcommand)]
enum Part {
    /// A bare actix-web handler that always sends the answer in this file, from as many places in memory as that.
    Bare { answer: std::path::PathBuf, users: usize },
    /// A Cognito that answers at once.
    Upstream,
    /// The bare SDK's call to that Cognito, this many times one after the other: prints the CPU time of one in µs.
    SdkCalls { url: String, count: u32 },
    /// Checks an RS256 signature, this many times: prints the CPU time of one in µs.
    SignatureChecks { count: u32 },
    /// Counts the instructions of a hit, and compares them with the committed baseline.
    Instructions {
        /// Makes what is found the baseline.
        #[arg(long)]
        accept: bool,
    },
    /// Renders docs/performance.md and the chart anew from a run's JSON.
    Page { json: std::path::PathBuf },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.part {
        Some(Part::Bare { answer, users }) => bare::serve(answer, *users),
        Some(Part::Upstream) => upstream::serve(),
        Some(Part::SdkCalls { url, count }) => upstream::call(url, *count),
        Some(Part::SignatureChecks { count }) => bearers::check_many(*count),
        Some(Part::Instructions { accept }) => instructions::count(&arguments, *accept),
        Some(Part::Page { json }) => report::page_from(json),
        None => scenarios::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::FAILURE
        }
    }
}
