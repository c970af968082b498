//! How many connections a process may have: from its descriptors and its memory.

use std::fmt;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a connection takes besides a head at its limit. Measured: 17 KiB of HTTP/1 while it is active, 18 KiB of TLS, and
/// 48 KiB of HTTP/2 over TLS, which has no such head.
const CONNECTION_OVERHEAD: u64 = 32 * 1024;

/// What the process has, and keeps for other purposes than connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapacitySettings {
    /// A lower limit than the computed one.
    pub max_connections: Option<usize>,
    /// Descriptors for outgoing connections, files and the other listeners.
    pub reserved_descriptors: u64,
    /// Memory for everything that is no connection: caches, code, the allocator's overhead.
    pub reserved_memory: u64,
    /// [`ConnectionLimits::max_head_bytes`](crate::ConnectionLimits::max_head_bytes).
    pub max_head_bytes: u64,
}

/// How many connections the process may have, and why. `Display` states the arithmetic in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    settings: CapacitySettings,
    /// `None` without a limit.
    descriptors: Option<u64>,
    memory: Option<u64>,
}

impl Capacity {
    /// Reads the limits of this process. Its descriptor limit is raised to the hard limit before.
    pub fn of_process(settings: CapacitySettings) -> Self {
        Self { settings, descriptors: raise_descriptor_limit(), memory: memory_limit(Path::new("/")) }
    }

    /// The connections that fit.
    pub fn max_connections(&self) -> usize {
        let by_count = self.settings.max_connections.map(|most| most as u64);
        let limits = [by_count, self.by_descriptors(), self.by_memory()];
        // Without any limit, the number of connections that one address can have to one port.
        let most = limits.into_iter().flatten().min().unwrap_or(65_536);
        usize::try_from(most).unwrap_or(usize::MAX).max(1)
    }

    /// The bytes that may wait for clients of HTTP/2: an eighth of the memory that is left for connections, at least 1 MiB.
    pub fn max_waiting_bytes(&self) -> usize {
        let memory = self.memory.map_or(256 << 20, |memory| memory.saturating_sub(self.settings.reserved_memory) / 8);
        usize::try_from(memory.max(1 << 20)).unwrap_or(usize::MAX)
    }

    fn by_descriptors(&self) -> Option<u64> {
        self.descriptors.map(|limit| limit.saturating_sub(self.settings.reserved_descriptors))
    }

    /// Seven eighths of the memory: the last one is for what waits for clients.
    fn by_memory(&self) -> Option<u64> {
        let each = self.settings.max_head_bytes + CONNECTION_OVERHEAD;
        self.memory.map(|memory| memory.saturating_sub(self.settings.reserved_memory) / 8 * 7 / each)
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        write!(f, "{} connections: the least of", self.max_connections())?;
        if let Some(most) = settings.max_connections {
            write!(f, " {most} (configured),")?;
        }
        match (self.descriptors, self.by_descriptors()) {
            (Some(limit), Some(most)) => {
                write!(f, " {most} (of {limit} descriptors {} are reserved),", settings.reserved_descriptors)?;
            }
            _ => write!(f, " unlimited descriptors,")?,
        }
        match (self.memory, self.by_memory()) {
            (Some(limit), Some(most)) => write!(
                f,
                " {most} (of {} MiB memory {} MiB are reserved, and 7/8 of the rest hold {} KiB each)",
                limit >> 20,
                settings.reserved_memory >> 20,
                (settings.max_head_bytes + CONNECTION_OVERHEAD) >> 10,
            ),
            _ => write!(f, " unlimited memory"),
        }
    }
}

/// Raises the soft limit on descriptors to the hard one. Returns the limit, `None` if there is none.
fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "descriptor limit cannot be raised");
            limit.current
        }
    }
}

/// The memory limit of the cgroup (version 2, then 1) that the process is in, or of a group above it. `None` without one.
fn memory_limit(root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let limits = groups.lines().flat_map(|line| {
        // `0::/path` or `5:cpu,memory:/path`.
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let (folder, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        // Inside a container the path is the host's, and the group itself is mounted at the folder.
        let groups = Path::new(path.trim_start_matches('/')).ancestors();
        let files = groups.map(|group| root.join(folder).join(group).join(file));
        files.filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse::<u64>().ok()).collect()
    });
    // Version 1 says "no limit" as a number close to 2^63.
    limits.filter(|limit| *limit < 1 << 60).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: CapacitySettings = CapacitySettings {
        max_connections: None,
        reserved_descriptors: 256,
        reserved_memory: 384 << 20,
        max_head_bytes: 32 << 10,
    };

    #[test]
    fn the_scarcest_resource_limits_the_connections_and_the_text_states_the_arithmetic() {
        let capacity = Capacity { settings: SETTINGS, descriptors: Some(65_536), memory: Some(512 << 20) };
        assert_eq!(capacity.max_connections(), 1792);
        assert_eq!(capacity.max_waiting_bytes(), 16 << 20);
        assert_eq!(
            capacity.to_string(),
            "1792 connections: the least of 65280 (of 65536 descriptors 256 are reserved), 1792 (of 512 MiB memory 384 MiB \
             are reserved, and 7/8 of the rest hold 64 KiB each)"
        );
        let few = Capacity { descriptors: Some(1024), ..capacity };
        assert_eq!(few.max_connections(), 768);
        let settings = CapacitySettings { max_connections: Some(100), ..SETTINGS };
        let configured = Capacity { settings, descriptors: None, memory: None };
        assert_eq!(configured.max_connections(), 100);
        assert_eq!(
            configured.to_string(),
            "100 connections: the least of 100 (configured), unlimited descriptors, unlimited memory"
        );
        let nothing_left = Capacity { descriptors: Some(10), ..capacity };
        assert_eq!(nothing_left.max_connections(), 1);
    }

    #[test]
    fn the_descriptor_limit_is_raised_to_the_hard_limit() {
        let raised = raise_descriptor_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!((limit.current, limit.current), (limit.maximum, raised));
    }

    #[test]
    fn the_memory_limit_is_the_least_of_the_groups_above_in_both_versions() {
        let folder = std::env::temp_dir().join(format!("cgroup-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/self/cgroup", "0::/a/b\n");
        assert_eq!(memory_limit(&folder), None);
        write("sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(memory_limit(&folder), None);
        write("sys/fs/cgroup/a/memory.max", "536870912\n");
        assert_eq!(memory_limit(&folder), Some(536_870_912));
        write("proc/self/cgroup", "6:cpu:/x\n5:cpu,memory:/host/only\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(memory_limit(&folder), None);
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
        assert_eq!(memory_limit(&folder), Some(1000));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
