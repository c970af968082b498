//! Distinguished names in the string representation of RFC 4514, as nginx, Envoy and `openssl -nameopt RFC2253` show
//! them. Two different names have different texts, so that texts can be compared.

use std::fmt::Write as _;

use x509_parser::asn1_rs::ToDer as _;
use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

/// The short names of RFC 4514, section 3. All other attributes are written by their OID.
const SHORT_NAMES: [(&str, &str); 9] = [
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

/// The name, its most specific part first. The attributes of one part are in openssl's order, which is reversed too.
pub(super) fn rfc4514(name: &X509Name<'_>) -> String {
    let reversed = |mut parts: Vec<String>, separator: &str| {
        parts.reverse();
        parts.join(separator)
    };
    reversed(name.iter().map(|part| reversed(part.iter().map(attribute).collect(), "+")).collect(), ",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let short = SHORT_NAMES.iter().find(|(known, _)| *known == oid).map(|(_, short)| *short);
    match (short, attribute.as_str()) {
        (Some(short), Ok(text)) => format!("{short}={}", escaped(text)),
        // A value that is not a text, or of an attribute without a short name, is written as its DER encoding.
        (short, _) => {
            let value = attribute.attr_value();
            let bytes = value.to_der_vec().unwrap_or_else(|_| value.data.to_vec());
            format!("{}=#{}", short.unwrap_or(&oid), hex::encode(&bytes))
        }
    }
}

/// Escapes the punctuation of a name, and control characters.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (place, letter) in text.chars().enumerate() {
        match letter {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', letter]),
            '#' if place == 0 => escaped.push_str("\\#"),
            ' ' if place == 0 || place == last => escaped.push_str("\\ "),
            letter if letter.is_control() => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(escaped, "\\{byte:02X}");
                }
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_be_read_as_another_part_of_the_name() {
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
