//! What counts as a difference.

use super::cases::{Case, Complaint};
use super::run::Outcome;

pub fn differences(case: &Case, theirs: &Outcome, ours: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, theirs: String, ours: String| {
        if theirs != ours {
            found.push(format!("--- {what}, theirs:\n{theirs}\n--- {what}, ours:\n{ours}"));
        }
    };
    let status = |outcome: &Outcome| match (case.is_failure_ours, outcome.status) {
        (true, 1..) => "some failure".to_owned(),
        (_, status) => status.to_string(),
    };
    compare("exit code", status(theirs), status(ours));
    if !case.is_output_ours {
        compare("standard output", theirs.stdout.clone(), ours.stdout.clone());
    }
    let requests = |outcome: &Outcome| match (case.is_asking_ours, outcome.requests.last()) {
        (true, Some(last)) if last.contains("x-amz-target") => last.clone(),
        (true, _) => String::new(),
        (false, _) => outcome.requests.join("\n\n"),
    };
    compare("requests", requests(theirs), requests(ours));
    match case.complaint {
        Complaint::Same => compare("complaint", complaint(&theirs.stderr), complaint(&ours.stderr)),
        Complaint::Whatever => {}
        Complaint::Any => {
            let is_there = |text: &str| if text.trim().is_empty() { "none" } else { "some" }.to_owned();
            compare("complaint", is_there(&theirs.stderr), is_there(&ours.stderr));
        }
    }
    found
}

/// The complaint itself: without the usage before it, which is each program's own, and without what was given
/// for logins, which ours does not repeat.
fn complaint(text: &str) -> String {
    let text = match text.starts_with("usage:") {
        true => {
            let begins = ["aws: error: ", "tokenvend: error: ", "Unknown options: "];
            let found = begins.iter().find_map(|word| text.find(word).map(|at| (word, at)));
            let (word, at) = found.unwrap_or_else(|| panic!("no error in {text}"));
            let word = if word.ends_with("error: ") { *word } else { "" };
            &text[at + word.len()..]
        }
        false => text,
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.split_once(" for input:"), line.split_once(" at character ")) {
            (Some((before, _)), _) => {
                lines.push(before.to_owned());
                break;
            }
            (_, Some((before, _))) => {
                lines.push(before.to_owned());
                break;
            }
            _ if line.starts_with("JSON received:") => break,
            _ => lines.push(without_login(line.trim_end())),
        }
    }
    lines.join("\n")
}

/// What a login was given has no place in an error of ours.
fn without_login(line: &str) -> String {
    if let (Some((before, rest)), true) = (line.split_once(", value: "), line.contains("parameter Logins"))
        && let Some((_, after)) = rest.rsplit_once(", type: ")
    {
        return format!("{before}, type: {after}");
    }
    line.to_owned()
}
