//! Sizes in bytes, as texts with a unit: `"256MiB"`.

pub(super) const NO_UNIT: &str = "it has no unit";

pub(super) fn parse_size(text: &str) -> Result<u64, &'static str> {
    let at = text.find(|character: char| !character.is_ascii_digit()).ok_or(NO_UNIT)?;
    let (number, unit) = text.split_at(at);
    let factor: u64 = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("it is not a whole number with one of these units"),
    };
    if number.is_empty() {
        return Err("it does not begin with a whole number");
    }
    let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(factor));
    bytes.ok_or("it is too large")
}

pub(super) fn format_size(bytes: u64) -> String {
    let (factor, unit) = [(1 << 30, "GiB"), (1 << 20, "MiB")]
        .into_iter()
        .find(|(factor, _)| bytes.is_multiple_of(*factor))
        .unwrap_or((1 << 10, "KiB"));
    format!("{}{unit}", bytes / factor)
}
