//! The grammar of the AWS CLI's arguments, which is that of Python's argparse: options may be abbreviated to
//! what is unique, may have their value behind `=`, may be repeated (the last one counts) and may stand
//! anywhere; what a parser does not know is left to the next one.

use crate::language::value::{integer, quoted};

/// One option of a parser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OptionSpec {
    /// With its dashes.
    pub(crate) name: &'static str,
    pub(crate) takes: Arity,
    /// What the value must be one of; empty: anything.
    pub(crate) choices: &'static [&'static str],
}

/// What stands behind an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    Nothing,
    Text,
    /// A text that must be an integer.
    Integer,
    /// A text, or nothing, which means this.
    TextOr(&'static str),
}

/// What a parser made of its arguments.
#[derive(Debug, Default)]
pub(crate) struct ParsedArgs {
    given: Vec<(&'static str, String)>,
    /// The one argument that belongs to no option, if there is any.
    pub(crate) positional: Option<String>,
    /// What this parser has no use for.
    pub(crate) remaining: Vec<String>,
}

impl ParsedArgs {
    /// The last value of an option.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// What a parser knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ParserSpec {
    pub(crate) options: &'static [OptionSpec],
    /// Whether one argument that belongs to no option is its own.
    pub(crate) has_positional: bool,
    /// The option at which it stops reading, as it does at `--version`.
    pub(crate) ends_at: Option<&'static str>,
}

/// Reads arguments.
///
/// # Errors
/// argparse's words on what is wrong.
pub(crate) fn parse(grammar: ParserSpec, arguments: &[String]) -> Result<ParsedArgs, String> {
    let kinds = classify(grammar.options, arguments)?;
    let mut parsed = ParsedArgs::default();
    let mut at = 0;
    while at < arguments.len() {
        match &kinds[at] {
            Kind::Separator | Kind::Plain => {
                // Whatever stands in a row: the first is the positional argument, the rest is left over.
                let row = kinds[at..].iter().take_while(|kind| !kind.is_option()).count();
                for (argument, kind) in arguments[at..at + row].iter().zip(&kinds[at..]) {
                    match (kind, &parsed.positional) {
                        (Kind::Plain, None) if grammar.has_positional => {
                            parsed.positional = Some(argument.clone())
                        }
                        (Kind::Plain, _) => parsed.remaining.push(argument.clone()),
                        _ => {}
                    }
                }
                at += row;
            }
            Kind::Unknown => {
                parsed.remaining.push(arguments[at].clone());
                at += 1;
            }
            Kind::Option(option, attached) => {
                at += 1;
                let next = || (kinds.get(at) == Some(&Kind::Plain)).then(|| arguments[at].clone());
                let fault = |words: &str| format!("argument {}: {words}", option.name);
                let value = match (option.takes, attached) {
                    (Arity::Nothing, None) => String::new(),
                    (Arity::Nothing, Some(value)) => {
                        return Err(fault(&format!("ignored explicit argument {}", quoted(value))));
                    }
                    (_, Some(value)) => value.clone(),
                    (takes, None) => match (next(), takes) {
                        (Some(value), _) => {
                            at += 1;
                            value
                        }
                        (None, Arity::TextOr(constant)) => constant.to_owned(),
                        (None, _) => return Err(fault("expected one argument")),
                    },
                };
                if option.takes == Arity::Integer && integer(&value).is_none() {
                    return Err(fault(&format!("invalid int value: {}", quoted(&value))));
                }
                if !option.choices.is_empty() && !option.choices.contains(&value.as_str()) {
                    return Err(fault(&invalid_choice(option.choices)));
                }
                parsed.given.push((option.name, value));
                if grammar.ends_at == Some(option.name) {
                    return Ok(parsed);
                }
            }
        }
    }
    Ok(parsed)
}

/// What an argument is, told by its looks before any is used.
#[derive(Debug, PartialEq)]
enum Kind {
    Plain,
    Separator,
    Unknown,
    Option(OptionSpec, Option<String>),
}

impl Kind {
    fn is_option(&self) -> bool {
        matches!(self, Self::Option(..) | Self::Unknown)
    }
}

impl PartialEq for OptionSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

fn classify(options: &[OptionSpec], arguments: &[String]) -> Result<Vec<Kind>, String> {
    let mut is_separated = false;
    arguments
        .iter()
        .map(|argument| {
            if is_separated {
                return Ok(Kind::Plain);
            }
            is_separated = argument == "--";
            if is_separated { Ok(Kind::Separator) } else { kind(options, argument) }
        })
        .collect()
}

fn kind(options: &[OptionSpec], argument: &str) -> Result<Kind, String> {
    if !argument.starts_with('-') || argument.len() == 1 {
        return Ok(Kind::Plain);
    }
    let exactly = |name: &str| options.iter().find(|option| option.name == name);
    if let Some(option) = exactly(argument) {
        return Ok(Kind::Option(*option, None));
    }
    let (name, attached) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (argument, None),
    };
    if let (Some(option), true) = (exactly(name), attached.is_some()) {
        return Ok(Kind::Option(*option, attached));
    }
    let matching: Vec<_> = match argument.starts_with("--") {
        true => options.iter().filter(|option| option.name.starts_with(name)).collect(),
        false => Vec::new(),
    };
    match matching[..] {
        [] => {}
        [option] => return Ok(Kind::Option(*option, attached)),
        _ => {
            let names: Vec<_> = matching.iter().map(|option| option.name).collect();
            return Err(format!("ambiguous option: {argument} could match {}", names.join(", ")));
        }
    }
    // A negative number, or a text with a space in it, is no option that somebody mistyped.
    let is_plain = is_negative_number(argument) || argument.contains(' ');
    Ok(if is_plain { Kind::Plain } else { Kind::Unknown })
}

fn is_negative_number(argument: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    argument.strip_prefix('-').is_some_and(|number| match number.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !part.is_empty(),
        None => digits(number) && !number.is_empty(),
    })
}

fn invalid_choice(choices: &[&str]) -> String {
    let mut words = "Invalid choice, valid choices are:\n".to_owned();
    for line in choices.chunks(2) {
        words.push('\n');
        words += &line.iter().map(|choice| format!("{choice:<40}")).collect::<Vec<_>>().join(" | ");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[OptionSpec] = &[
        OptionSpec { name: "--identity-id", takes: Arity::Text, choices: &[] },
        OptionSpec { name: "--identity-pool-id", takes: Arity::Text, choices: &[] },
        OptionSpec { name: "--output", takes: Arity::Text, choices: &["json", "text"] },
        OptionSpec { name: "--debug", takes: Arity::Nothing, choices: &[] },
        OptionSpec { name: "--seconds", takes: Arity::Integer, choices: &[] },
        OptionSpec { name: "--skeleton", takes: Arity::TextOr("input"), choices: &[] },
    ];

    fn parsed(arguments: &[&str]) -> Result<ParsedArgs, String> {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        parse(ParserSpec { options: OPTIONS, has_positional: true, ends_at: None }, &arguments)
    }

    #[test]
    fn options_are_found_wherever_and_however_they_are_written() {
        let found =
            parsed(&["--identity-p=a=b", "word", "--out", "json", "--output=text", "--sk", "--x", "y"]);
        let found = found.unwrap();
        assert_eq!(found.get("--identity-pool-id"), Some("a=b"));
        assert_eq!(found.get("--output"), Some("text"));
        assert_eq!(found.get("--skeleton"), Some("input"));
        assert_eq!(found.positional.as_deref(), Some("word"));
        assert_eq!(found.remaining, ["--x", "y"]);
        assert!(!found.has("--debug"));
    }

    #[test]
    fn what_looks_like_an_option_is_no_value() {
        assert_eq!(parsed(&["--seconds", "-5"]).unwrap().get("--seconds"), Some("-5"));
        assert_eq!(parsed(&["--identity-id", "-x y"]).unwrap().get("--identity-id"), Some("-x y"));
        let words = "argument --identity-id: expected one argument";
        assert_eq!(parsed(&["--identity-id", "-x"]).unwrap_err(), words);
        assert_eq!(parsed(&["--identity-id", "--", "x"]).unwrap_err(), words);
    }

    #[test]
    fn faults_are_told_in_argparses_words() {
        let words = "ambiguous option: --identity could match --identity-id, --identity-pool-id";
        assert_eq!(parsed(&["--identity", "x"]).unwrap_err(), words);
        assert_eq!(
            parsed(&["--seconds", "abc"]).unwrap_err(),
            "argument --seconds: invalid int value: 'abc'"
        );
        assert_eq!(parsed(&["--debug=1"]).unwrap_err(), "argument --debug: ignored explicit argument '1'");
    }
}
