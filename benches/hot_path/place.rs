//! Processes pinned to cores, and their CPU time and memory as the system reports them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Outcome;

/// The core of the measured process; the load generator and the upstream have the other one.
pub const MEASURED: &str = "0";
pub const OTHERS: &str = "1";

/// A process that is killed when this value is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a command on these cores, and reads the first line that it prints if `announces`. Its log goes into this
    /// file, so that it has the cost of a log.
    pub fn start(cores: &str, command: &Command, announces: bool, log: &Path) -> Outcome<(Self, String)> {
        let mut pinned = Command::new("taskset");
        pinned.args(["--cpu-list", cores]).arg(command.get_program()).args(command.get_args());
        pinned.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(directory) = command.get_current_dir() {
            pinned.current_dir(directory);
        }
        pinned.stdin(Stdio::null()).stdout(if announces { Stdio::piped() } else { Stdio::null() });
        pinned.stderr(fs::File::create(log)?);
        let mut process = Self(pinned.spawn()?);
        let mut line = String::new();
        if let Some(output) = process.0.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        Ok((process, line.trim().to_owned()))
    }

    /// The CPU time of its threads, as the scheduler counts it: in nanoseconds and not in ticks. Ended threads are not
    /// included; those that serve do not end.
    pub fn cpu_time(&self) -> Outcome<Duration> {
        cpu_time_of(&self.0.id().to_string())
    }

    /// Its memory in bytes: private pages, and its share of shared ones.
    pub fn memory(&self) -> Outcome<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Sends SIGTERM, and waits for the end of the process.
    pub fn end(&mut self) -> Outcome<()> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        self.0.wait()?;
        Ok(())
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The CPU time of this process.
pub fn own_cpu_time() -> Outcome<Duration> {
    cpu_time_of("self")
}

fn cpu_time_of(process: &str) -> Outcome<Duration> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end between the two reads.
        if let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) {
            sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
    }
    Ok(Duration::from_nanos(sum))
}

/// Pins this process, the load generator.
pub fn pin_to(cores: &str) -> Outcome<()> {
    let own = std::process::id().to_string();
    let mut command = Command::new("taskset");
    let output = command.args(["--all-tasks", "--cpu-list", "--pid", cores, &own]).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}
