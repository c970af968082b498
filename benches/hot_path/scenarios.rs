//! Scenarios. The contestants of one scenario take turns, A B A B, so that a slow hour of the machine is slow for all of
//! them. Their ratio is what counts.

use std::cell::Cell;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bearers::App;
use crate::contest::{Contestant, Setup, Stage, request};
use crate::load::{self, Measured, Requests};
use crate::place::{OTHERS, pin_to};
use crate::report::{Comparison, Goal, Report, Row, median};
use crate::{Arguments, Only, Outcome, command, negative};

/// Connections of a closed load, and the maximum of an open one.
const CONNECTIONS: usize = 64;

/// Size of a run.
#[derive(Debug, Clone, Copy)]
struct Extent {
    rounds: usize,
    round: Duration,
    users: usize,
    many_users: usize,
    new_bearers: usize,
    misses: usize,
}

const WHOLE: Extent = Extent {
    rounds: 11,
    round: Duration::from_millis(1500),
    users: 10_000,
    many_users: 1_000_000,
    new_bearers: 10_000,
    misses: 44_000,
};
const QUICK: Extent = Extent {
    rounds: 2,
    round: Duration::from_secs(1),
    users: 2_000,
    many_users: 50_000,
    new_bearers: 1_000,
    misses: 4_000,
};

/// The rounds of one contestant in a scenario.
struct Turns<'t> {
    contestant: &'t Contestant,
    rounds: Vec<(Measured, Duration)>,
}

impl<'t> Turns<'t> {
    fn new(contestant: &'t Contestant) -> Self {
        Self { contestant, rounds: Vec::new() }
    }

    /// One turn: sends the load, and measures its CPU time.
    fn take(&mut self, send: impl FnOnce() -> Outcome<Measured>) -> Outcome<()> {
        let before = self.contestant.process.cpu_time()?;
        let measured = send()?;
        let took = self.contestant.process.cpu_time()? - before;
        if measured.failed > 0 {
            return Err(format!("{}: {} responses were not 200", self.contestant.name, measured.failed).into());
        }
        self.rounds.push((measured, took));
        Ok(())
    }

    fn row(self, scenario: &str) -> Outcome<Row> {
        let memory = self.contestant.process.memory()?;
        Ok(Row::new(scenario, self.contestant.name, &self.rounds, memory))
    }
}

/// Runs the contestants in turns under a closed load of these requests.
fn closed(scenario: &str, extent: Extent, contestants: &[&Contestant], requests: &Requests<'_>) -> Outcome<Vec<Row>> {
    eprintln!("bench: {scenario}");
    let mut turns: Vec<_> = contestants.iter().map(|contestant| Turns::new(contestant)).collect();
    for _ in 0..extent.rounds {
        for turn in &mut turns {
            let target = &turn.contestant.target;
            turn.take(|| load::closed(target, CONNECTIONS, requests, extent.round))?;
        }
    }
    turns.into_iter().map(|turn| turn.row(scenario)).collect()
}

/// Random ones of these, without end.
fn any_of<'r>(requests: &'r [Vec<u8>]) -> impl Fn() -> Option<&'r [u8]> {
    move || fastrand::choice(requests).map(Vec::as_slice)
}

/// Each of these once.
fn each_of<'r>(requests: &'r [Vec<u8>]) -> impl Fn() -> Option<&'r [u8]> {
    let next = Cell::new(0);
    move || requests.get(next.replace(next.get() + 1)).map(Vec::as_slice)
}

/// Sends each of these once.
fn once(contestant: &Contestant, requests: &[Vec<u8>]) -> Outcome<Measured> {
    let measured = load::closed(&contestant.target, CONNECTIONS, &each_of(requests), Duration::MAX)?;
    if measured.failed > 0 {
        return Err(format!("{}: {} responses were not 200", contestant.name, measured.failed).into());
    }
    Ok(measured)
}

/// Measures everything and reports it.
pub fn run(arguments: &Arguments) -> Outcome<()> {
    let extent = if arguments.quick { QUICK } else { WHOLE };
    pin_to(OTHERS)?;
    let stage = Stage::start(arguments)?;
    let mut report = Report::new(arguments.quick);

    eprintln!("bench: signing {} bearers", extent.users);
    let bearers = rs256(&stage.app, extent.users, 0)?;
    let usual = stage.tokenvend(Setup::USUAL)?;
    let verifying = stage.tokenvend(Setup::VERIFYING)?;
    once(&usual, &bearers)?;
    once(&verifying, &bearers)?;
    let (_, response) = load::send_once(&usual.target, &bearers[0])?;
    let bare = stage.bare(&response)?;

    let wants = |part| arguments.only.is_none_or(|only| only == part);
    if wants(Only::Hits) {
        let bare_of_many = stage.bare_of_many(&response, extent.users)?;
        hits(&mut report, extent, [&bare, &bare_of_many, &usual], &bearers)?;
    }
    if wants(Only::Peers) {
        peers(&mut report, arguments, extent, &stage, [&usual, &verifying], &bearers)?;
    }
    if wants(Only::NeverSeen) {
        never_seen(&mut report, extent, &stage, [&bare, &usual])?;
    }
    drop((verifying, usual));
    if wants(Only::Setups) {
        two_workers(&mut report, extent, &stage, &bearers)?;
        tls(&mut report, extent, &stage, &bare, &bearers)?;
    }
    if wants(Only::Misses) {
        misses(&mut report, extent, &stage)?;
    }
    if wants(Only::ManyUsers) {
        many_users(&mut report, extent, &stage, (&bare, &response))?;
    }
    if wants(Only::Command) {
        command::measure(&mut report, &stage, !arguments.no_peers)?;
    }
    report.finish(&arguments.results)
}

fn rs256(app: &App, users: usize, number: usize) -> Outcome<Vec<Vec<u8>>> {
    (0..users).map(|user| Ok(request(&app.rs256(&format!("user-{user:07}"), number)?))).collect()
}

fn hits(
    report: &mut Report,
    extent: Extent,
    [bare, bare_of_many, usual]: [&Contestant; 3],
    bearers: &[Vec<u8>],
) -> Outcome<()> {
    let rows = closed("hit, one user", extent, &[bare, usual], &any_of(&bearers[..1]))?;
    let title = "CPU per request of a hit, one user, beside the bare handler".to_owned();
    report.compare(Comparison::without_goal(title, rows[1].times(&rows[0])));
    report.add(rows);
    let rows = closed("hit, many users", extent, &[bare, bare_of_many, usual], &any_of(bearers))?;
    compare_with_bare(report, extent.users, &rows, 1.15);
    let rate = rows[0].per_second / 2.0;
    report.add(rows);

    let scenario = "hit, many users, open load at half of bare's capacity";
    eprintln!("bench: {scenario}, {rate:.0}/s");
    let mut turns = [Turns::new(bare), Turns::new(usual)];
    for _ in 0..extent.rounds {
        for turn in &mut turns {
            let target = &turn.contestant.target;
            turn.take(|| load::open(target, CONNECTIONS, &any_of(bearers), rate, extent.round))?;
        }
    }
    let rows = turns.into_iter().map(|turn| turn.row(scenario)).collect::<Outcome<Vec<_>>>()?;
    report.compare(Comparison::at_most(
        "p99 at half of the bare handler's capacity, open load, beside the bare handler".to_owned(),
        rows[1].p99_us / rows[0].p99_us,
        Goal::Times(1.5),
    ));
    report.add(rows);
    Ok(())
}

/// Compares a hit of one among many users with the bare handler, and the bare handler with itself once it has a response
/// for each user.
fn compare_with_bare(report: &mut Report, users: usize, rows: &[Row], goal: f64) {
    let [bare, bare_of_many, tokenvend] = rows else { return };
    let title = format!("CPU per request of a hit, {users} users, beside the bare handler");
    report.compare(Comparison::at_most(title, tokenvend.times(bare), Goal::Times(goal)));
    let title = format!("… and of the bare handler with {users} answers: the floor of a service that stores as many");
    report.compare(Comparison::without_goal(title, bare_of_many.times(bare)));
}

/// Compares like with like: peers that verify each bearer with tokenvend that verifies each, and the peer that caches
/// verified bearers with tokenvend that caches them.
fn peers(
    report: &mut Report,
    arguments: &Arguments,
    extent: Extent,
    stage: &Stage,
    [usual, verifying]: [&Contestant; 2],
    bearers: &[Vec<u8>],
) -> Outcome<()> {
    for contestant in [usual, verifying] {
        negative::check_all(contestant, &stage.app)?;
    }
    if arguments.no_peers {
        return Ok(());
    }
    let packages = arguments.results.join("peers");
    let node = |verifier: &str| {
        let mut command = Command::new("node");
        command.arg("server.mjs").arg(verifier).current_dir(&packages);
        command
    };
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/python/server.py");
    let mut python = Command::new(packages.join("venv/bin/python"));
    python.arg(server);
    let tuned = stage.peer("Node, fastify + fast-jwt, caching", &mut node("fast-jwt"))?;
    let jose = stage.peer("Node, fastify + jose", &mut node("jose"))?;
    let fastapi = stage.peer("Python, FastAPI + PyJWT", &mut python)?;
    for peer in [&tuned, &jose, &fastapi] {
        negative::check_all(peer, &stage.app)?;
        eprintln!("bench: {} rejects all invalid bearers", peer.name);
        once(peer, bearers)?;
    }
    let scenario = "hit, many users, cached bearer tokens";
    let rows = closed(scenario, extent, &[usual, &tuned], &any_of(bearers))?;
    let times = rows[0].per_second / rows[1].per_second;
    report.compare(Comparison::at_least(
        format!("requests/s, both with cached bearer tokens, beside {}", tuned.name),
        times,
        Goal::Times(4.5),
    ));
    report.add(rows);
    let scenario = "hit, many users, verifying each time";
    let rows = closed(scenario, extent, &[verifying, &jose, &fastapi], &any_of(bearers))?;
    for (peer, goal) in [(1, 3.5), (2, 9.0)] {
        report.compare(Comparison::at_least(
            format!("requests/s, both verifying each time, beside {}", rows[peer].contestant),
            rows[0].per_second / rows[peer].per_second,
            Goal::Times(goal),
        ));
    }
    report.add(rows);
    Ok(())
}

fn never_seen(report: &mut Report, extent: Extent, stage: &Stage, [bare, usual]: [&Contestant; 2]) -> Outcome<()> {
    let scenario = "hit, a bearer never seen before";
    eprintln!("bench: {scenario}");
    let mut turns = [Turns::new(bare), Turns::new(usual)];
    let mut checks = Vec::new();
    for number in 1..=extent.rounds {
        let new = rs256(&stage.app, extent.new_bearers, number)?;
        for turn in &mut turns {
            let contestant = turn.contestant;
            turn.take(|| once(contestant, &new))?;
        }
        checks.push(stage.figure("signature-checks", &[extent.new_bearers.to_string()])?);
    }
    let rows = turns.into_iter().map(|turn| turn.row(scenario)).collect::<Outcome<Vec<_>>>()?;
    let of_rounds = |row: &Row| row.cpu_us_of_rounds.clone().into_iter();
    let times = of_rounds(&rows[0]).zip(of_rounds(&rows[1])).zip(&checks);
    let times = median(times.map(|((bare, tokenvend), check)| tokenvend / (bare + check)).collect());
    let check = median(checks);
    report.compare(Comparison::at_most(
        format!("CPU per request of a bearer never seen before, beside bare + the raw RS256 check ({check:.1} µs)"),
        times,
        Goal::Times(1.15),
    ));
    report.add(rows);
    Ok(())
}

/// On a machine with two cores the load generator competes with the workers, so only the CPU time is meaningful.
fn two_workers(report: &mut Report, extent: Extent, stage: &Stage, bearers: &[Vec<u8>]) -> Outcome<()> {
    let two = stage.tokenvend(Setup::TWO_WORKERS)?;
    once(&two, bearers)?;
    report.add(closed("hit, many users, 2 workers", extent, &[&two], &any_of(bearers))?);
    Ok(())
}

/// The cost of encryption on kept connections, beside the bare handler without TLS.
fn tls(report: &mut Report, extent: Extent, stage: &Stage, bare: &Contestant, bearers: &[Vec<u8>]) -> Outcome<()> {
    let tls = stage.tokenvend(Setup::TLS)?;
    once(&tls, bearers)?;
    report.add(closed("hit, many users, over TLS", extent, &[bare, &tls], &any_of(bearers))?);
    Ok(())
}

fn hs256(app: &App, users: usize) -> Vec<Vec<u8>> {
    (0..users).map(|user| request(&app.hs256(&format!("user-{user:07}")))).collect()
}

fn misses(report: &mut Report, extent: Extent, stage: &Stage) -> Outcome<()> {
    let vendor = stage.tokenvend(Setup::MANY_USERS)?;
    let share = extent.misses / extent.rounds;
    let bearers = hs256(&stage.app, 2 * extent.misses);
    let scenario = "miss, an instant Cognito";
    eprintln!("bench: {scenario}");
    let mut turns = Turns::new(&vendor);
    let mut calls = Vec::new();
    for new in bearers.chunks(share).take(extent.rounds) {
        turns.take(|| once(&vendor, new))?;
        let url = format!("http://{}", stage.upstream);
        calls.push(stage.figure("sdk-calls", &[url, share.to_string()])?);
    }
    let row = turns.row(scenario)?;
    let times = median(row.cpu_us_of_rounds.iter().zip(&calls).map(|(miss, call)| miss / call).collect());
    let call = median(calls);
    report.compare(Comparison::at_most(
        format!("CPU per request of a miss, an instant Cognito, beside the bare SDK call ({call:.0} µs)"),
        times,
        Goal::Times(1.3),
    ));
    report.add(vec![row]);

    let (warm, new) = bearers.split_at(share * extent.rounds);
    let next = Cell::new(0);
    let one_in_a_hundred = || {
        if fastrand::u8(0..100) > 0 {
            return fastrand::choice(warm).map(Vec::as_slice);
        }
        new.get(next.replace(next.get() + 1)).map(Vec::as_slice)
    };
    report.add(closed("1 % misses, an instant Cognito", extent, &[&vendor], &one_in_a_hundred)?);
    Ok(())
}

fn many_users(
    report: &mut Report,
    extent: Extent,
    stage: &Stage,
    (bare, response): (&Contestant, &str),
) -> Outcome<()> {
    let vendor = stage.tokenvend(Setup::MANY_USERS)?;
    let before = vendor.process.memory()?;
    eprintln!("bench: minting {} users' tokens", extent.many_users);
    let bearers = hs256(&stage.app, extent.many_users);
    let started = Instant::now();
    once(&vendor, &bearers)?;
    eprintln!("bench: minting took {:.0} s", started.elapsed().as_secs_f64());
    let memory = (vendor.process.memory()? - before) as f64;
    let (_, vended) = load::send_once(&vendor.target, &bearers[0])?;
    let token = vended.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    report.compare(Comparison::at_most(
        format!(
            "memory for {} users, cached bearer tokens included, beside the bytes of their tokens ({} each)",
            extent.many_users,
            token.len()
        ),
        memory / (token.len() * extent.many_users) as f64,
        Goal::Times(1.6),
    ));
    let scenario = format!("hit, {} users", extent.many_users);
    let bare_of_many = stage.bare_of_many(response, extent.many_users)?;
    let rows = closed(&scenario, extent, &[bare, &bare_of_many, &vendor], &any_of(&bearers))?;
    compare_with_bare(report, extent.many_users, &rows, 1.35);
    report.add(rows);
    Ok(())
}
