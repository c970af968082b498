//! `[audit]`.

use std::path::PathBuf;
use std::time::Duration;

use super::MINUTE;
use crate::audit::{AuditSettings, OnFailure, Sink, TagDetail};
use crate::config::reader::Section;

/// The values of `sink`; the path of the file is a key of its own.
#[derive(Clone, Copy)]
enum Kind {
    Off,
    Stderr,
    Stdout,
    File,
}

pub(super) fn read_audit(section: &mut Section<'_, '_>) -> Option<AuditSettings> {
    let kinds = [("off", Kind::Off), ("stderr", Kind::Stderr), ("stdout", Kind::Stdout), ("file", Kind::File)];
    let kind = section.read_choice("sink", &kinds);
    let path = section.parse_optional("path", "the path of a file", |path| match path.trim() {
        "" => Err("it is empty"),
        path => Ok(PathBuf::from(path)),
    });
    let record_cache_hits = section.read_flag("record_cache_hits");
    let principal_tags = section.read_choice(
        "principal_tags",
        &[("none", TagDetail::None), ("keys", TagDetail::Keys), ("values", TagDetail::Values)],
    );
    let on_failure =
        section.read_choice("on_failure", &[("continue", OnFailure::Continue), ("reject", OnFailure::Reject)]);
    let queue_capacity = section.read_integer("queue_capacity", 1..=1_000_000);
    let max_wait = section.read_duration("max_wait", Duration::from_millis(10)..=MINUTE);
    let sink = match (kind?, path) {
        (Kind::Off, _) => {
            if on_failure == Some(OnFailure::Reject) {
                section.warn("audit.on_failure is \"reject\", but audit.sink is \"off\": nothing is recorded.");
            }
            Sink::Off
        }
        (Kind::Stderr, _) => Sink::Stderr,
        (Kind::Stdout, _) => Sink::Stdout,
        (Kind::File, Some(path)) => Sink::File(path),
        (Kind::File, None) => {
            if !section.has("path") {
                section.reject("path", "nothing", "the path of a file, because audit.sink is \"file\"");
            }
            return None;
        }
    };
    Some(AuditSettings {
        sink,
        record_cache_hits: record_cache_hits?,
        principal_tags: principal_tags?,
        on_failure: on_failure?,
        queue_capacity: queue_capacity?,
        max_wait: max_wait?,
    })
}
