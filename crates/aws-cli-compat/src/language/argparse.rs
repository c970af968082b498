//! Argument parser with the rules of Python's argparse, which the AWS CLI uses.
//!
//! Options may have any unique abbreviation, may have their value after `=`, may be repeated (the last one applies) and
//! may be at any position. Unknown arguments are left to the next parser.

use crate::language::value::{parse_integer, repr_text};

/// One option of a parser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OptionSpec {
    /// Dashes included.
    pub(crate) name: &'static str,
    pub(crate) arity: Arity,
    /// The allowed values; empty if all are allowed.
    pub(crate) choices: &'static [&'static str],
}

/// The value of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    Flag,
    Text,
    /// A text that must be an integer.
    Integer,
    /// A text; this one if there is none.
    OptionalText(&'static str),
}

/// Parsed arguments.
#[derive(Debug, Default)]
pub(crate) struct ParsedArgs {
    options: Vec<(&'static str, String)>,
    pub(crate) positional: Option<String>,
    /// Arguments that this parser does not know.
    pub(crate) remaining: Vec<String>,
}

impl ParsedArgs {
    /// The last value of an option.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// Options and positional arguments of a parser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ParserSpec {
    pub(crate) options: &'static [OptionSpec],
    /// Whether the parser takes one positional argument.
    pub(crate) has_positional: bool,
    /// The option after which parsing stops, such as `--version`.
    pub(crate) stops_at: Option<&'static str>,
}

/// Parses arguments.
///
/// # Errors
/// argparse's message.
pub(crate) fn parse(spec: ParserSpec, arguments: &[String]) -> Result<ParsedArgs, String> {
    let kinds = classify(spec.options, arguments)?;
    let mut parsed = ParsedArgs::default();
    let mut at = 0;
    while at < arguments.len() {
        match &kinds[at] {
            ArgumentKind::Separator | ArgumentKind::Plain => {
                // Of consecutive plain arguments the first is the positional one, and the others remain.
                let row = kinds[at..].iter().take_while(|kind| !kind.is_option()).count();
                for (argument, kind) in arguments[at..at + row].iter().zip(&kinds[at..]) {
                    match (kind, &parsed.positional) {
                        (ArgumentKind::Plain, None) if spec.has_positional => {
                            parsed.positional = Some(argument.clone())
                        }
                        (ArgumentKind::Plain, _) => parsed.remaining.push(argument.clone()),
                        _ => {}
                    }
                }
                at += row;
            }
            ArgumentKind::Unknown => {
                parsed.remaining.push(arguments[at].clone());
                at += 1;
            }
            ArgumentKind::Option(option, attached) => {
                at += 1;
                let next = || (kinds.get(at) == Some(&ArgumentKind::Plain)).then(|| arguments[at].clone());
                let error = |message: &str| format!("argument {}: {message}", option.name);
                let value = match (option.arity, attached) {
                    (Arity::Flag, None) => String::new(),
                    (Arity::Flag, Some(value)) => {
                        return Err(error(&format!("ignored explicit argument {}", repr_text(value))));
                    }
                    (_, Some(value)) => value.clone(),
                    (arity, None) => match (next(), arity) {
                        (Some(value), _) => {
                            at += 1;
                            value
                        }
                        (None, Arity::OptionalText(constant)) => constant.to_owned(),
                        (None, _) => return Err(error("expected one argument")),
                    },
                };
                if option.arity == Arity::Integer && parse_integer(&value).is_none() {
                    return Err(error(&format!("invalid int value: {}", repr_text(&value))));
                }
                if !option.choices.is_empty() && !option.choices.contains(&value.as_str()) {
                    return Err(error(&invalid_choice(option.choices)));
                }
                parsed.options.push((option.name, value));
                if spec.stops_at == Some(option.name) {
                    return Ok(parsed);
                }
            }
        }
    }
    Ok(parsed)
}

/// ArgumentKind of an argument, determined by its form before any option takes a value.
#[derive(Debug, PartialEq)]
enum ArgumentKind {
    Plain,
    Separator,
    Unknown,
    Option(OptionSpec, Option<String>),
}

impl ArgumentKind {
    fn is_option(&self) -> bool {
        matches!(self, Self::Option(..) | Self::Unknown)
    }
}

impl PartialEq for OptionSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

fn classify(options: &[OptionSpec], arguments: &[String]) -> Result<Vec<ArgumentKind>, String> {
    let mut is_separated = false;
    arguments
        .iter()
        .map(|argument| {
            if is_separated {
                return Ok(ArgumentKind::Plain);
            }
            is_separated = argument == "--";
            if is_separated { Ok(ArgumentKind::Separator) } else { classify_argument(options, argument) }
        })
        .collect()
}

fn classify_argument(options: &[OptionSpec], argument: &str) -> Result<ArgumentKind, String> {
    if !argument.starts_with('-') || argument.len() == 1 {
        return Ok(ArgumentKind::Plain);
    }
    let find_exact = |name: &str| options.iter().find(|option| option.name == name);
    if let Some(option) = find_exact(argument) {
        return Ok(ArgumentKind::Option(*option, None));
    }
    let (name, attached) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (argument, None),
    };
    if let (Some(option), true) = (find_exact(name), attached.is_some()) {
        return Ok(ArgumentKind::Option(*option, attached));
    }
    let matching: Vec<_> = match argument.starts_with("--") {
        true => options.iter().filter(|option| option.name.starts_with(name)).collect(),
        false => Vec::new(),
    };
    match matching[..] {
        [] => {}
        [option] => return Ok(ArgumentKind::Option(*option, attached)),
        _ => {
            let names: Vec<_> = matching.iter().map(|option| option.name).collect();
            return Err(format!("ambiguous option: {argument} could match {}", names.join(", ")));
        }
    }
    // A negative number or a text with a space is a value and not an unknown option.
    let is_plain = is_negative_number(argument) || argument.contains(' ');
    Ok(if is_plain { ArgumentKind::Plain } else { ArgumentKind::Unknown })
}

fn is_negative_number(argument: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    argument.strip_prefix('-').is_some_and(|number| match number.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction) && !fraction.is_empty(),
        None => is_digits(number) && !number.is_empty(),
    })
}

fn invalid_choice(choices: &[&str]) -> String {
    let mut message = "Invalid choice, valid choices are:\n".to_owned();
    for line in choices.chunks(2) {
        message.push('\n');
        message += &line.iter().map(|choice| format!("{choice:<40}")).collect::<Vec<_>>().join(" | ");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[OptionSpec] = &[
        OptionSpec { name: "--identity-id", arity: Arity::Text, choices: &[] },
        OptionSpec { name: "--identity-pool-id", arity: Arity::Text, choices: &[] },
        OptionSpec { name: "--output", arity: Arity::Text, choices: &["json", "text"] },
        OptionSpec { name: "--debug", arity: Arity::Flag, choices: &[] },
        OptionSpec { name: "--seconds", arity: Arity::Integer, choices: &[] },
        OptionSpec { name: "--skeleton", arity: Arity::OptionalText("input"), choices: &[] },
    ];

    fn parse_strs(arguments: &[&str]) -> Result<ParsedArgs, String> {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        parse(ParserSpec { options: OPTIONS, has_positional: true, stops_at: None }, &arguments)
    }

    #[test]
    fn options_may_be_abbreviated_attached_repeated_and_at_any_position() {
        let arguments = ["--identity-p=a=b", "word", "--out", "json", "--output=text", "--sk", "--x", "y"];
        let parsed = parse_strs(&arguments).unwrap();
        assert_eq!(parsed.get("--identity-pool-id"), Some("a=b"));
        assert_eq!(parsed.get("--output"), Some("text"));
        assert_eq!(parsed.get("--skeleton"), Some("input"));
        assert_eq!(parsed.positional.as_deref(), Some("word"));
        assert_eq!(parsed.remaining, ["--x", "y"]);
        assert!(!parsed.has("--debug"));
    }

    #[test]
    fn an_argument_with_the_form_of_an_option_is_not_a_value() {
        assert_eq!(parse_strs(&["--seconds", "-5"]).unwrap().get("--seconds"), Some("-5"));
        assert_eq!(parse_strs(&["--identity-id", "-x y"]).unwrap().get("--identity-id"), Some("-x y"));
        let message = "argument --identity-id: expected one argument";
        assert_eq!(parse_strs(&["--identity-id", "-x"]).unwrap_err(), message);
        assert_eq!(parse_strs(&["--identity-id", "--", "x"]).unwrap_err(), message);
    }

    #[test]
    fn error_messages_are_those_of_argparse() {
        let message = "ambiguous option: --identity could match --identity-id, --identity-pool-id";
        assert_eq!(parse_strs(&["--identity", "x"]).unwrap_err(), message);
        assert_eq!(parse_strs(&["--seconds", "abc"]).unwrap_err(), "argument --seconds: invalid int value: 'abc'");
        let message = "argument --debug: ignored explicit argument '1'";
        assert_eq!(parse_strs(&["--debug=1"]).unwrap_err(), message);
    }
}
