//! JOSE header of a JWS (RFC 7515, section 4).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::unique_json::UniqueJson;

/// A JOSE header without duplicate names.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
    /// All other members. Nearly always empty.
    pub(crate) others: Map<String, Value>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a header without duplicate names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Header, A::Error> {
                let (mut alg, mut kid, mut typ, mut others) = (None, None, None, Map::new());
                while let Some(name) = entries.next_key::<String>()? {
                    let is_duplicate = match &*name {
                        "alg" => alg.replace(entries.next_value()?).is_some(),
                        "kid" => kid.replace(entries.next_value()?).is_some(),
                        "typ" => typ.replace(entries.next_value()?).is_some(),
                        _ => others.insert(name, entries.next_value::<UniqueJson>()?.0).is_some(),
                    };
                    if is_duplicate {
                        return Err(A::Error::custom("duplicate name"));
                    }
                }
                let alg = alg.ok_or_else(|| A::Error::missing_field("alg"))?;
                Ok(Header { alg, kid: kid.flatten(), typ: typ.flatten(), others })
            }
        }

        from.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Header> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn a_header_has_an_algorithm_and_no_duplicate_names() {
        let header = read(r#"{"typ":"JWT","exp":1,"alg":"ES256","kid":null}"#).unwrap();
        assert_eq!((&*header.alg, header.kid, header.typ.as_deref()), ("ES256", None, Some("JWT")));
        assert_eq!(Value::Object(header.others), serde_json::json!({"exp": 1}));
        for bad in [
            "{}",
            "[]",
            r#"["ES256",null,null]"#,
            r#"{"kid":"a"}"#,
            r#"{"alg":null}"#,
            r#"{"alg":1}"#,
            r#"{"alg":"a","kid":1}"#,
            r#"{"alg":"a","alg":"a"}"#,
            r#"{"alg":"a","kid":null,"kid":null}"#,
            r#"{"alg":"a","typ":"a","\u0074yp":"a"}"#,
            r#"{"alg":"a","exp":1,"exp":1}"#,
            r#"{"alg":"a","jwk":{"x":1,"x":1}}"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
