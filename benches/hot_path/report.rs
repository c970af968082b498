//! What came of it: a table on the terminal, JSON, and from the JSON alone the chart and the figures of
//! docs/performance.md, so that the page cannot say what was not measured.

mod chart;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::load::Measured;

/// One contestant in one scenario: medians over its rounds, so that one in which the machine was away does not count.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub scenario: String,
    pub contestant: String,
    /// CPU time per request.
    pub cpu_us: f64,
    /// The same in the best and the worst round: how quiet the machine was.
    pub cpu_us_least: f64,
    pub cpu_us_most: f64,
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    /// At the end, what it has to itself and its share of what it shares.
    pub memory_bytes: u64,
}

impl Row {
    pub fn of(scenario: &str, contestant: &str, rounds: &[(Measured, Duration)], memory_bytes: u64) -> Self {
        let cpu_us: Vec<_> = rounds
            .iter()
            .map(|(measured, took)| took.as_secs_f64() * 1e6 / measured.answered as f64)
            .collect();
        let of_each =
            |what: fn(&Measured) -> f64| rounds.iter().map(|(measured, _)| what(measured)).collect();
        Self {
            scenario: scenario.to_owned(),
            contestant: contestant.to_owned(),
            cpu_us_least: cpu_us.iter().copied().fold(f64::INFINITY, f64::min),
            cpu_us_most: cpu_us.iter().copied().fold(0.0, f64::max),
            cpu_us: median(cpu_us),
            per_second: median(of_each(|measured| measured.answered as f64 / measured.seconds)),
            p50_us: median(of_each(|measured| measured.p50_us)),
            p99_us: median(of_each(|measured| measured.p99_us)),
            p999_us: median(of_each(|measured| measured.p999_us)),
            memory_bytes,
        }
    }
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What a figure may be at most, or must be at least.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    Times(f64),
    Milliseconds(f64),
    Megabytes(f64),
}

impl Goal {
    fn number(self) -> f64 {
        match self {
            Self::Times(number) | Self::Milliseconds(number) | Self::Megabytes(number) => number,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Times(_) => "×",
            Self::Milliseconds(_) => "ms",
            Self::Megabytes(_) => "MB",
        }
    }
}

/// A figure beside its goal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    pub what: String,
    pub found: f64,
    pub goal: Goal,
    pub at_least: bool,
}

impl Comparison {
    pub fn at_most(what: String, found: f64, goal: Goal) -> Self {
        Self { what, found, goal, at_least: false }
    }

    pub fn at_least(what: String, found: f64, goal: Goal) -> Self {
        Self { what, found, goal, at_least: true }
    }

    fn is_met(&self) -> bool {
        if self.at_least { self.found >= self.goal.number() } else { self.found <= self.goal.number() }
    }
}

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// The processor, the system, and how busy it was with other things when the run began.
    machine: String,
    version: String,
    quick: bool,
    comparisons: Vec<Comparison>,
    rows: Vec<Row>,
}

impl Report {
    pub fn begin(quick: bool) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        // Not `available_parallelism`: this process is pinned.
        let cores = info.lines().filter(|line| line.starts_with("processor")).count();
        let system = read("/proc/sys/kernel/osrelease");
        let busy = read("/proc/loadavg");
        let busy = busy.split(' ').next().unwrap_or_default();
        let model = model.unwrap_or("unknown processor");
        let machine = format!("{model}, {cores} cores, Linux {}, load {busy}", system.trim());
        if busy.parse::<f64>().is_ok_and(|busy| busy > 0.5) {
            eprintln!("bench: this machine is busy (load {busy}): ratios may be of use, figures are not");
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { machine, version, quick, comparisons: Vec::new(), rows: Vec::new() }
    }

    pub fn add(&mut self, rows: Vec<Row>) {
        rows.iter().for_each(|row| println!("{}", line_of(row)));
        self.rows.extend(rows);
    }

    pub fn compare(&mut self, comparison: Comparison) {
        println!("{}", told(&comparison));
        self.comparisons.push(comparison);
    }

    pub fn find(&self, scenario: &str, contestant: &str) -> Outcome<Row> {
        let found = self.rows.iter().find(|row| row.scenario == scenario && row.contestant == contestant);
        Ok(found.ok_or("no such row")?.clone())
    }

    /// Prints everything once more, and writes the JSON and the chart.
    pub fn end(&self, results: &Path) -> Outcome<()> {
        println!("\n{}\n", self.machine);
        self.rows.iter().for_each(|row| println!("{}", line_of(row)));
        println!();
        self.comparisons.iter().for_each(|comparison| println!("{}", told(comparison)));
        let json = results.join("hot_path.json");
        fs::write(&json, serde_json::to_string_pretty(self)? + "\n")?;
        chart::draw(&self.rows, &results.join("hot_path.svg"))?;
        println!("\nin {} and beside it; `just bench-page` puts it into docs/performance.md", json.display());
        Ok(())
    }

    /// The figures as Markdown.
    fn page(&self) -> String {
        let mut page = format!("Measured with tokenvend {} on {}.\n\n", self.version, self.machine);
        if self.quick {
            page.push_str("**A quick run, to see that it works: not figures to go by.**\n\n");
        }
        page.push_str("| what | goal | found |\n|---|---|---|\n");
        for comparison in &self.comparisons {
            let Comparison { what, found, goal, at_least } = comparison;
            let sign = if *at_least { "≥" } else { "≤" };
            let missed = if comparison.is_met() { "" } else { " (missed)" };
            let (number, unit) = (rounded(goal.number()), goal.unit());
            let _ =
                writeln!(page, "| {what} | {sign} {number} {unit} | {} {unit}{missed} |", rounded(*found));
        }
        page.push_str(
            "\n| scenario | who | CPU per request (best to worst round) | requests/s | p50 | p99 | p99.9 | memory |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let _ = writeln!(
                page,
                "| {} | {} | {:.1} µs ({:.1}–{:.1}) | {:.0} | {:.0} µs | {:.0} µs | {:.0} µs | {:.0} MB |",
                row.scenario,
                row.contestant,
                row.cpu_us,
                row.cpu_us_least,
                row.cpu_us_most,
                row.per_second,
                row.p50_us,
                row.p99_us,
                row.p999_us,
                row.memory_bytes as f64 / 1e6,
            );
        }
        page
    }
}

fn rounded(number: f64) -> String {
    if number < 0.1 { format!("{number:.4}") } else { format!("{number:.2}") }
}

fn line_of(row: &Row) -> String {
    format!(
        "{:<54} {:<38} {:>7.1} µs CPU ({:>6.1}–{:>6.1}) {:>8.0}/s  p50 {:>6.0}  p99 {:>6.0}  p99.9 {:>6.0} µs {:>7.0} MB",
        row.scenario,
        row.contestant,
        row.cpu_us,
        row.cpu_us_least,
        row.cpu_us_most,
        row.per_second,
        row.p50_us,
        row.p99_us,
        row.p999_us,
        row.memory_bytes as f64 / 1e6,
    )
}

fn told(comparison: &Comparison) -> String {
    let Comparison { what, found, goal, at_least } = comparison;
    let (sign, met) = (if *at_least { "≥" } else { "≤" }, if comparison.is_met() { "met" } else { "MISSED" });
    let (found, number, unit) = (rounded(*found), rounded(goal.number()), goal.unit());
    format!("  {met:<6} {what}: {found} {unit} (goal {sign} {number} {unit})")
}

const BEGIN: &str = "<!-- figures: begin (just bench-page) -->\n";
const END: &str = "<!-- figures: end -->";

/// Puts a run's figures and chart into the docs.
pub fn page_from(json: &Path) -> Outcome<()> {
    let report: Report = serde_json::from_str(&fs::read_to_string(json)?)?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = fs::read_to_string(docs.join("performance.md"))?;
    let (before, rest) = page.split_once(BEGIN).ok_or("docs/performance.md has no place for figures")?;
    let (_, after) = rest.split_once(END).ok_or("the place for figures has no end")?;
    fs::write(docs.join("performance.md"), format!("{before}{BEGIN}{}{END}{after}", report.page()))?;
    chart::draw(&report.rows, &docs.join("performance.svg"))
}
