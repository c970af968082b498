//! Report: a table on the terminal, JSON, and the chart and figures of docs/performance.md. Those are rendered from the
//! JSON alone, so that the page has measured figures only.

mod chart;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::load::Measured;

/// One contestant in one scenario: medians over its rounds, so that a round on a busy machine does not count.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub scenario: String,
    pub contestant: String,
    /// CPU time per request.
    pub cpu_us: f64,
    /// The same in each round. The best and the worst indicate how quiet the machine was.
    pub cpu_us_of_rounds: Vec<f64>,
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    /// At the end: private pages, and its share of shared ones.
    pub memory_bytes: u64,
}

impl Row {
    pub fn new(scenario: &str, contestant: &str, rounds: &[(Measured, Duration)], memory_bytes: u64) -> Self {
        let cpu_us: Vec<_> =
            rounds.iter().map(|(measured, took)| took.as_secs_f64() * 1e6 / measured.answered as f64).collect();
        let in_each_round =
            |figure: fn(&Measured) -> f64| rounds.iter().map(|(measured, _)| figure(measured)).collect();
        Self {
            scenario: scenario.to_owned(),
            contestant: contestant.to_owned(),
            cpu_us: median(cpu_us.clone()),
            cpu_us_of_rounds: cpu_us,
            per_second: median(in_each_round(|measured| measured.answered as f64 / measured.seconds)),
            p50_us: median(in_each_round(|measured| measured.p50_us)),
            p99_us: median(in_each_round(|measured| measured.p99_us)),
            p999_us: median(in_each_round(|measured| measured.p999_us)),
            memory_bytes,
        }
    }

    /// CPU time of a request relative to a contestant that took turns with this one: the median of the ratios in each
    /// round, in which the machine was the same for both.
    pub fn times(&self, other: &Self) -> f64 {
        median(self.cpu_us_of_rounds.iter().zip(&other.cpu_us_of_rounds).map(|(own, other)| own / other).collect())
    }

    /// CPU time of a request for the table: the median, and the best and the worst round.
    fn cpu_time(&self) -> String {
        let min = self.cpu_us_of_rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let max = self.cpu_us_of_rounds.iter().copied().fold(0.0, f64::max);
        format!("{:.1} µs ({min:.1}–{max:.1})", self.cpu_us)
    }
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Upper or lower limit of a figure.
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

/// A figure beside its goal, or a ratio without a goal, for comparison with the figure before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    pub what: String,
    pub found: f64,
    pub goal: Option<Goal>,
    pub at_least: bool,
}

impl Comparison {
    pub fn at_most(what: String, found: f64, goal: Goal) -> Self {
        Self { what, found, goal: Some(goal), at_least: false }
    }

    pub fn at_least(what: String, found: f64, goal: Goal) -> Self {
        Self { what, found, goal: Some(goal), at_least: true }
    }

    /// A ratio without a goal.
    pub fn without_goal(what: String, found: f64) -> Self {
        Self { what, found, goal: None, at_least: false }
    }

    fn is_met(&self) -> bool {
        let Some(goal) = self.goal else { return true };
        if self.at_least { self.found >= goal.number() } else { self.found <= goal.number() }
    }

    fn goal(&self) -> String {
        let Some(goal) = self.goal else { return "–".to_owned() };
        let sign = if self.at_least { "≥" } else { "≤" };
        format!("{sign} {} {}", rounded(goal.number()), goal.unit())
    }

    fn found(&self) -> String {
        format!("{} {}", rounded(self.found), self.goal.map_or("×", Goal::unit))
    }
}

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// The processor, the system, and its load when the run began.
    machine: String,
    version: String,
    quick: bool,
    comparisons: Vec<Comparison>,
    rows: Vec<Row>,
}

impl Report {
    pub fn new(quick: bool) -> Self {
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
            eprintln!("bench: this machine is busy (load {busy}): ratios may be usable, figures are not");
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { machine, version, quick, comparisons: Vec::new(), rows: Vec::new() }
    }

    pub fn add(&mut self, rows: Vec<Row>) {
        rows.iter().for_each(|row| println!("{}", format_row(row)));
        self.rows.extend(rows);
    }

    pub fn compare(&mut self, comparison: Comparison) {
        println!("{}", format_comparison(&comparison));
        self.comparisons.push(comparison);
    }

    /// Prints everything again, and writes the JSON and the chart.
    pub fn finish(&self, results: &Path) -> Outcome<()> {
        println!("\n{}\n", self.machine);
        self.rows.iter().for_each(|row| println!("{}", format_row(row)));
        println!();
        self.comparisons.iter().for_each(|comparison| println!("{}", format_comparison(comparison)));
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
            page.push_str("**A quick run, to see that everything works; its figures are not reliable.**\n\n");
        }
        page.push_str("| what | goal | found |\n|---|---|---|\n");
        for comparison in &self.comparisons {
            let missed = if comparison.is_met() { "" } else { " (missed)" };
            let (what, goal, found) = (&comparison.what, comparison.goal(), comparison.found());
            let _ = writeln!(page, "| {what} | {goal} | {found}{missed} |");
        }
        page.push_str(
            "\n| scenario | who | CPU per request (best to worst round) | requests/s | p50 | p99 | p99.9 | memory |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let _ = writeln!(
                page,
                "| {} | {} | {} | {:.0} | {:.0} µs | {:.0} µs | {:.0} µs | {:.0} MB |",
                row.scenario,
                row.contestant,
                row.cpu_time(),
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

fn format_row(row: &Row) -> String {
    format!(
        "{:<54} {:<38} CPU {:<24} {:>8.0}/s  p50 {:>6.0}  p99 {:>6.0}  p99.9 {:>6.0} µs {:>7.0} MB",
        row.scenario,
        row.contestant,
        row.cpu_time(),
        row.per_second,
        row.p50_us,
        row.p99_us,
        row.p999_us,
        row.memory_bytes as f64 / 1e6,
    )
}

fn format_comparison(comparison: &Comparison) -> String {
    let met = match comparison.goal {
        None => "",
        Some(_) if comparison.is_met() => "met",
        Some(_) => "MISSED",
    };
    format!("  {met:<6} {}: {} (goal {})", comparison.what, comparison.found(), comparison.goal())
}

const BEGIN: &str = "<!-- figures: begin (just bench-page) -->\n";
const END: &str = "<!-- figures: end -->";

/// Writes a run's figures and chart into the docs.
pub fn page_from(json: &Path) -> Outcome<()> {
    let report: Report = serde_json::from_str(&fs::read_to_string(json)?)?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = fs::read_to_string(docs.join("performance.md"))?;
    let (before, rest) = page.split_once(BEGIN).ok_or("docs/performance.md has no marker for figures")?;
    let (_, after) = rest.split_once(END).ok_or("docs/performance.md has no end marker for figures")?;
    fs::write(docs.join("performance.md"), format!("{before}{BEGIN}{}{END}{after}", report.page()))?;
    chart::draw(&report.rows, &docs.join("performance.svg"))
}
