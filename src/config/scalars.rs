//! Reads single values: texts, addresses, choices, numbers, flags, sizes and durations.

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use humantime::format_duration;

use super::reader::Section;
use super::size::{NO_UNIT, format_size, parse_size};
use super::value::Value;

impl Section<'_, '_> {
    pub(super) fn read_text(&mut self, key: &str) -> String {
        self.parse(key, "text that is not empty", parse_text).unwrap_or_default()
    }

    pub(super) fn read_optional_text(&mut self, key: &str, allowed: &str) -> Option<String> {
        self.parse_optional(key, allowed, parse_text)
    }

    pub(super) fn read_optional_path(&mut self, key: &str, allowed: &str) -> Option<PathBuf> {
        self.read_optional_text(key, allowed).map(PathBuf::from)
    }

    pub(super) fn read_address(&mut self, key: &str) -> SocketAddr {
        let allowed = "an IP address and a port, as in 127.0.0.1:8080 or [::]:8080";
        self.parse(key, allowed, str::parse).unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }

    /// Reads one of several words. The placeholder is the first one.
    pub(super) fn read_choice<T: Clone, const N: usize>(&mut self, key: &str, choices: [(&str, T); N]) -> T {
        let allowed = format!("one of {}", choices.each_ref().map(|(word, _)| *word).join(", "));
        let find = |text: &str| choices.iter().find(|(word, _)| *word == text).ok_or("it is none of them");
        self.parse(key, &allowed, find).unwrap_or(&choices[0]).1.clone()
    }

    pub(super) fn read_integer<T>(&mut self, key: &str, range: RangeInclusive<T>) -> T
    where
        T: TryFrom<i64> + PartialOrd + Display + Copy,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let integer = self.convert(key, &allowed, |leaf| {
            let found = match &leaf.value {
                Value::Integer(integer) => Some(*integer),
                Value::Text(text) if leaf.from_environment => text.parse().ok(),
                _ => None,
            };
            let found = found.and_then(|found| T::try_from(found).ok()).filter(|found| range.contains(found));
            found.ok_or_else(|| leaf.value.to_string())
        });
        integer.unwrap_or(*range.start())
    }

    pub(super) fn read_flag(&mut self, key: &str) -> bool {
        let flag = self.convert(key, "true or false", |leaf| match &leaf.value {
            Value::Flag(flag) => Ok(*flag),
            Value::Text(text) if leaf.from_environment => text.parse().map_err(|_| leaf.value.to_string()),
            other => Err(other.to_string()),
        });
        flag.unwrap_or_default()
    }

    /// Reads a size in bytes: a text with the unit KiB, MiB or GiB (`"256MiB"`).
    pub(super) fn read_size(&mut self, key: &str, range: RangeInclusive<u64>) -> u64 {
        let allowed = format!(
            "a size from {} to {}: a whole number with the unit KiB, MiB or GiB, as in \"256MiB\"",
            format_size(*range.start()),
            format_size(*range.end()),
        );
        let size = self.convert(key, &allowed, |leaf| {
            let parsed = match &leaf.value {
                Value::Text(text) => parse_size(text),
                Value::Integer(_) => Err(NO_UNIT),
                other => return Err(other.to_string()),
            };
            let bytes = parsed.map_err(|why| format!("{} ({why})", leaf.value))?;
            if range.contains(&bytes) { Ok(bytes) } else { Err(leaf.value.to_string()) }
        });
        size.unwrap_or(*range.start())
    }

    /// Reads a duration: a text with a unit (`"90s"`, `"15m"`, `"250ms"`), or whole seconds.
    pub(super) fn read_duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Duration {
        let allowed = format!(
            "a duration from {} to {}, as in \"90s\" or \"15m\"",
            format_duration(*range.start()),
            format_duration(*range.end()),
        );
        let duration = self.convert(key, &allowed, |leaf| {
            let found = match &leaf.value {
                Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
                Value::Text(text) => {
                    let seconds = text.parse().ok().map(Duration::from_secs);
                    seconds.or_else(|| humantime::parse_duration(text).ok())
                }
                _ => None,
            };
            found.filter(|found| range.contains(found)).ok_or_else(|| leaf.value.to_string())
        });
        duration.unwrap_or(*range.start())
    }

    /// Reads a list of texts. Neither it nor any of them is empty.
    pub(super) fn read_texts(&mut self, key: &str) -> Vec<String> {
        self.parse_nonempty_list(key, TEXTS, parse_nonempty)
    }

    /// As [`Section::read_texts`], for a key that may be absent: then the list is empty.
    pub(super) fn read_optional_texts(&mut self, key: &str) -> Vec<String> {
        self.parse_optional_list(key, TEXTS, parse_nonempty)
    }
}

const TEXTS: &str = "a list of one or more texts, none of them empty";

fn parse_nonempty(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("it is empty") } else { Ok(text.to_owned()) }
}

fn parse_text(text: &str) -> Result<String, &'static str> {
    parse_nonempty(text.trim())
}
