//! Distinguished names as text, so that two different names never have the same one: as RFC 4514 writes them,
//! which is what nginx, Envoy and `openssl -nameopt RFC2253` show. Whoever compares such a text compares names.

use std::fmt::Write as _;

use x509_parser::asn1_rs::ToDer as _;
use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

/// The short names of RFC 4514, section 3. Every other attribute stands by its number.
const SHORT: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// The name, most specific part first. Those that stand together are in openssl's order, which is the reverse of
/// their own as well.
pub(super) fn rfc4514(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in name.iter() {
        let mut together: Vec<String> = part.iter().map(attribute).collect();
        together.reverse();
        parts.push(together.join("+"));
    }
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let number = attribute.attr_type().to_id_string();
    let short = SHORT.iter().find(|(known, _)| *known == number).map(|(_, short)| *short);
    match (short, attribute.as_str()) {
        (Some(short), Ok(text)) => format!("{short}={}", escaped(text)),
        // A value that is not plain text, or whose kind is not known, stands as its bytes.
        (short, _) => {
            let value = attribute.attr_value();
            let bytes = value.to_der_vec().unwrap_or_else(|_| value.data.to_vec());
            format!("{}=#{}", short.unwrap_or(&number), hex::encode(&bytes))
        }
    }
}

/// Escapes what would otherwise be taken for the name's own punctuation, and what cannot be seen.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    text.chars().enumerate().fold(String::with_capacity(text.len()), |mut escaped, (place, letter)| {
        let is_at_edge = place == 0 || place == last;
        match letter {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', letter]),
            '#' if place == 0 => escaped.push_str("\\#"),
            ' ' if is_at_edge => escaped.push_str("\\ "),
            letter if letter.is_control() => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    // Writing to memory does not fail.
                    let _ = write!(escaped, "\\{byte:02X}");
                }
            }
            letter => escaped.push(letter),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_can_pass_for_another_part_of_the_name() {
        for (text, expected) in [
            ("edge", "edge"),
            ("a,O=b", "a\\,O=b"),
            ("a+CN=b", "a\\+CN=b"),
            ("#1f", "\\#1f"),
            (" a b ", "\\ a b\\ "),
            (" ", "\\ "),
            ("a\\", "a\\\\"),
            ("a\0\n", "a\\00\\0A"),
            ("Žofie", "Žofie"),
            ("", ""),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }
}
