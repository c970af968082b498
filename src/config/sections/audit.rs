//! `[audit]`.

use super::{MILLISECOND, MINUTE};
use crate::audit::{AuditSettings, OnFailure, Sink, TagDetail};
use crate::config::reader::Section;

pub(super) fn read_audit(section: &mut Section<'_, '_>) -> AuditSettings {
    let path = section.read_optional_path("path", "the path of a file");
    let file = Sink::File(path.clone().unwrap_or_default());
    let sinks = [("off", Sink::Off), ("stderr", Sink::Stderr), ("stdout", Sink::Stdout), ("file", file)];
    let details = [("none", TagDetail::None), ("keys", TagDetail::Keys), ("values", TagDetail::Values)];
    let actions = [("continue", OnFailure::Continue), ("reject", OnFailure::Reject)];
    let settings = AuditSettings {
        sink: section.read_choice("sink", sinks),
        record_cache_hits: section.read_flag("record_cache_hits"),
        principal_tags: section.read_choice("principal_tags", details),
        on_failure: section.read_choice("on_failure", actions),
        queue_capacity: section.read_integer("queue_capacity", 1..=1_000_000),
        max_wait: section.read_duration("max_wait", 10 * MILLISECOND..=MINUTE),
    };
    match settings.sink {
        Sink::File(_) if !section.has("path") => {
            section.reject("path", "nothing", "the path of a file, because audit.sink is \"file\"");
        }
        Sink::Off if settings.on_failure == OnFailure::Reject => {
            section.warn("audit.on_failure is \"reject\", but audit.sink is \"off\": nothing is recorded.");
        }
        _ => {}
    }
    settings
}
