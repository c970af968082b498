//! `--debug`: what is done, on standard error. Never a header, a body or a parameter's value: those are
//! secrets here.

use std::io::Write as _;

#[derive(Debug, Clone, Copy)]
pub(super) struct DebugLog {
    pub(super) is_wanted: bool,
}

impl DebugLog {
    /// Writes a line, if it is wanted. That it cannot be written is nobody's concern.
    pub(super) fn note(self, words: impl FnOnce() -> String) {
        if self.is_wanted {
            let _ = writeln!(std::io::stderr(), "tokenvend: debug: {}", words());
        }
    }
}
