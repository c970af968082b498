//! Instructions of one hit in user space, counted by valgrind. The count does not depend on how busy the machine is, so
//! CI can compare changes by it.
//!
//! The real program runs twice under callgrind, with N and with 2 N requests, one after the other on one connection. The
//! difference excludes start and shutdown. The baseline is committed, and a count above it by more than the tolerance
//! fails. A count below it by as much is only reported: the processor may be the reason, or an improvement, which should
//! be accepted so that the baseline does not hide the next regression.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::contest::{Contestant, Setup, Stage, request};
use crate::place::OTHERS;
use crate::{Arguments, Outcome, load};

/// The cost of requests must be visible beside that of start and shutdown: ten times this many cost more than both.
const REQUESTS: usize = 2_000;
/// Differences that the compiler, the C library, the processor and the number of idle wake-ups cause.
const TOLERANCE: f64 = 0.10;

/// Instructions of one request by contestant, for each architecture.
#[derive(Default, Serialize, Deserialize)]
struct Baseline(BTreeMap<String, BTreeMap<String, u64>>);

/// Counts, and compares with the baseline or replaces it.
pub fn count(arguments: &Arguments, accept: bool) -> Outcome<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err("valgrind is not installed: apt-get install valgrind".into());
    }
    let stage = Stage::start(arguments)?;
    let bearer = request(&stage.app.rs256("user-0000001", 0)?);
    let response = {
        let plain = stage.tokenvend(Setup::USUAL)?;
        load::send_once(&plain.target, &bearer)?;
        load::send_once(&plain.target, &bearer)?.1
    };
    let valgrind = |file: &Path| {
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--tool=callgrind"]);
        command.arg(format!("--callgrind-out-file={}", file.display()));
        command
    };
    let bare =
        instructions_per_request(&stage, &bearer, |file| stage.bare_under(Some(valgrind(file)), OTHERS, &response, 1))?;
    let hit = instructions_per_request(&stage, &bearer, |file| {
        stage.tokenvend_under(Some(valgrind(file)), OTHERS, Setup::USUAL)
    })?;
    let found = BTreeMap::from([("bare".to_owned(), bare), ("hit".to_owned(), hit)]);
    println!("instructions: {bare} a request of the bare handler, {hit} a hit, {:.2} times as many", ratio(hit, bare));
    compare_with_baseline(&found, accept)
}

fn compare_with_baseline(found: &BTreeMap<String, u64>, accept: bool) -> Outcome<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.json");
    let mut baseline: Baseline =
        fs::read_to_string(&file).map_or(Ok(Baseline::default()), |text| serde_json::from_str(&text))?;
    let architecture = std::env::consts::ARCH;
    if accept {
        baseline.0.insert(architecture.to_owned(), found.clone());
        fs::write(&file, serde_json::to_string_pretty(&baseline)? + "\n")?;
        println!("accepted as the baseline of {architecture}");
        return Ok(());
    }
    let how = "`just instructions --accept` accepts the counts as the baseline; give the reason in the commit message";
    let Some(expected) = baseline.0.get(architecture) else {
        return Err(format!("there is no baseline for {architecture}; {how}").into());
    };
    for (name, found) in found {
        let Some(expected) = expected.get(name) else {
            return Err(format!("there is no baseline for {name:?}; {how}").into());
        };
        let change = ratio(*found, *expected) - 1.0;
        if change > TOLERANCE {
            return Err(format!(
                "one request of {name:?} takes {:.1} % more instructions than the baseline, {found} instead of \
                 {expected}; up to {:.0} % is tolerated. {how}",
                change * 100.0,
                TOLERANCE * 100.0
            )
            .into());
        }
        println!("{name}: {:+.1} % beside the baseline of {expected}", change * 100.0);
        if change < -TOLERANCE {
            println!("  the baseline is outdated, and hides regressions. {how}");
        }
    }
    Ok(())
}

fn instructions_per_request(
    stage: &Stage,
    bearer: &[u8],
    start: impl Fn(&Path) -> Outcome<Contestant>,
) -> Outcome<u64> {
    let (once, twice) = (total(stage, bearer, REQUESTS, &start)?, total(stage, bearer, 2 * REQUESTS, &start)?);
    Ok(twice.saturating_sub(once) / REQUESTS as u64)
}

/// The instructions of a whole run with that many requests.
fn total(stage: &Stage, bearer: &[u8], requests: usize, start: impl Fn(&Path) -> Outcome<Contestant>) -> Outcome<u64> {
    let file: PathBuf = stage.directory().join("callgrind.out");
    let _ = fs::remove_file(&file);
    let mut contestant: Contestant = start(&file)?;
    let left = std::cell::Cell::new(requests);
    let next = || left.replace(left.get().checked_sub(1)?).gt(&0).then_some(bearer);
    let measured = load::closed(&contestant.target, 1, &next, Duration::from_secs(300))?;
    if measured.failed > 0 || measured.answered != requests as u64 {
        return Err(format!("{}: not all requests succeeded", contestant.name).into());
    }
    contestant.process.end()?;
    let started = Instant::now();
    loop {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
        if let Some(totals) = line {
            return Ok(totals.trim().parse()?);
        }
        if started.elapsed() > Duration::from_secs(30) {
            return Err(format!("{}: callgrind wrote no totals", contestant.name).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / other as f64
}
