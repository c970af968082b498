//! Comparison of two runs of a case.

use super::cases::{Case, ErrorComparison};
use super::run::Outcome;

pub fn differences(case: &Case, reference: &Outcome, tested: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |name: &str, reference: String, tested: String| {
        if reference != tested {
            found.push(format!("--- {name}, AWS CLI:\n{reference}\n--- {name}, tokenvend:\n{tested}"));
        }
    };
    let status = |outcome: &Outcome| match (case.is_any_failure_accepted, outcome.status) {
        (true, 1..) => "failure".to_owned(),
        (_, status) => status.to_string(),
    };
    compare("exit code", status(reference), status(tested));
    if !case.is_output_ignored {
        compare("standard output", reference.stdout.clone(), tested.stdout.clone());
    }
    let requests = |outcome: &Outcome| match (case.is_last_request_compared, outcome.requests.last()) {
        (true, Some(last)) if last.contains("x-amz-target") => last.clone(),
        (true, _) => String::new(),
        (false, _) => outcome.requests.join("\n\n"),
    };
    compare("requests", requests(reference), requests(tested));
    match case.errors {
        ErrorComparison::Text => {
            compare("error message", error_message(&reference.stderr), error_message(&tested.stderr));
        }
        ErrorComparison::Ignored => {}
        ErrorComparison::Presence => {
            let presence = |text: &str| if text.trim().is_empty() { "none" } else { "some" }.to_owned();
            compare("error message", presence(&reference.stderr), presence(&tested.stderr));
        }
    }
    found
}

/// The error message, without the usage before it, in which the programs differ, and without the values of logins, which
/// tokenvend does not print.
fn error_message(text: &str) -> String {
    let text = match text.starts_with("usage:") {
        true => {
            let prefixes = ["aws: error: ", "tokenvend: error: ", "Unknown options: "];
            let found = prefixes.iter().find_map(|prefix| text.find(prefix).map(|at| (prefix, at)));
            let (prefix, at) = found.unwrap_or_else(|| panic!("no error in {text}"));
            let prefix = if prefix.ends_with("error: ") { *prefix } else { "" };
            &text[at + prefix.len()..]
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
            _ => lines.push(without_login_value(line.trim_end())),
        }
    }
    lines.join("\n")
}

/// Removes the value of a login, which tokenvend does not print.
fn without_login_value(line: &str) -> String {
    if let (Some((before, rest)), true) = (line.split_once(", value: "), line.contains("parameter Logins"))
        && let Some((_, after)) = rest.rsplit_once(", type: ")
    {
        return format!("{before}, type: {after}");
    }
    line.to_owned()
}
