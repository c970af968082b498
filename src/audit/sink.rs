//! Where events are written: a stream of the process, or a file that others may move away under our feet.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{AuditError, Sink};

#[derive(Debug)]
pub(super) enum SinkWriter {
    Stderr,
    Stdout,
    File(ReopeningFile),
}

impl SinkWriter {
    /// Opens it; `None` for nowhere.
    pub(super) fn open(sink: &Sink) -> Result<Option<Self>, AuditError> {
        Ok(match sink {
            Sink::Off => None,
            Sink::Stderr => Some(Self::Stderr),
            Sink::Stdout => Some(Self::Stdout),
            Sink::File(path) => {
                let file = ReopeningFile::open(path)
                    .map_err(|error| AuditError::File { path: path.clone(), error })?;
                Some(Self::File(file))
            }
        })
    }

    /// Appends a whole line, and has it out of the process when it returns.
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

/// A file that is only appended to. Before each line it looks whether the file still stands under its path;
/// where it was rotated away a new one is begun, so log rotation needs no signal and loses nothing.
#[derive(Debug)]
pub(super) struct ReopeningFile {
    path: PathBuf,
    file: File,
    /// Whether the last line broke off in the middle.
    is_torn: bool,
}

impl ReopeningFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: open(path)?, is_torn: false })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if !self.stands_under_its_path()? {
            self.file = open(&self.path)?;
            self.is_torn = false;
        }
        if self.is_torn {
            // What broke off stays a broken line of its own, and spoils no other.
            self.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn stands_under_its_path(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        match std::fs::metadata(&self.path) {
            Ok(found) => Ok((found.dev(), found.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A new file is for its owner alone; the mode of one that is there already is the operator's business.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_was_rotated_away_is_begun_anew_for_its_owner_alone() {
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
    fn a_line_that_broke_off_spoils_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit");
        let mut file = ReopeningFile::open(&path).unwrap();
        file.append(b"{\"half").unwrap();
        file.is_torn = true;
        file.append(b"{}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"half\n{}\n");
    }
}
