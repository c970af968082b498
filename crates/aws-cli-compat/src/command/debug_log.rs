//! Log of `--debug` on standard error: one line for each step. It has no headers, bodies or parameter values, which are
//! secrets.

use std::io::Write as _;

#[derive(Debug, Clone, Copy)]
pub(super) struct DebugLog {
    pub(super) is_enabled: bool,
}

impl DebugLog {
    /// Writes a line if the log is enabled. Write errors are ignored.
    pub(super) fn log(self, message: impl FnOnce() -> String) {
        if self.is_enabled {
            let _ = writeln!(std::io::stderr(), "tokenvend: debug: {}", message());
        }
    }
}
