//! Sinks of the audit trail: a stream of the process, or a file that log rotation may move away.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::settings::Sink;

#[derive(Debug)]
pub(super) enum SinkWriter {
    Stderr,
    Stdout,
    File(ReopeningFile),
}

impl SinkWriter {
    /// Opens a sink; `None` for [`Sink::Off`].
    pub(super) fn open(sink: &Sink) -> Result<Option<Self>, AuditError> {
        Ok(match sink {
            Sink::Off => None,
            Sink::Stderr => Some(Self::Stderr),
            Sink::Stdout => Some(Self::Stdout),
            Sink::File(path) => {
                let file = ReopeningFile::open(path).map_err(|error| AuditError::File { path: path.clone(), error })?;
                Some(Self::File(file))
            }
        })
    }

    /// Writes a whole line and flushes it to the operating system.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().lock().write_all(line),
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(line)?;
                out.flush()
            }
            Self::File(file) => file.append(line),
        }
    }
}

/// An append-only file. Before each line it checks that the path still leads to the open file, and opens a new one after
/// a rotation. So log rotation needs no signal and loses no event.
#[derive(Debug)]
pub(super) struct ReopeningFile {
    path: PathBuf,
    file: File,
    /// Whether the last line was written only in part.
    has_partial_line: bool,
}

impl ReopeningFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: open(path)?, has_partial_line: false })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if !self.is_at_path()? {
            self.file = open(&self.path)?;
            self.has_partial_line = false;
        }
        if self.has_partial_line {
            // The incomplete line stays on a line of its own and does not damage the next one.
            self.file.write_all(b"\n")?;
            self.has_partial_line = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.has_partial_line = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_at_path(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        match std::fs::metadata(&self.path) {
            Ok(found) => Ok((found.dev(), found.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A new file is readable by its owner only; the mode of an existing one is not changed.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_file_is_opened_after_a_rotation_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let (path, moved) = (directory.path().join("audit"), directory.path().join("audit.1"));
        let mut file = ReopeningFile::open(&path).unwrap();
        file.append(b"one\n").unwrap();
        std::fs::rename(&path, &moved).unwrap();
        file.append(b"two\n").unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "theirs\n").unwrap();
        file.append(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs\nthree\n");
        assert_eq!(std::fs::metadata(&moved).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_incomplete_line_does_not_damage_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit");
        let mut file = ReopeningFile::open(&path).unwrap();
        file.append(b"{\"half").unwrap();
        file.has_partial_line = true;
        file.append(b"{}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"half\n{}\n");
    }
}
