//! Claims that stand in headers, one each, as gateways and forward-auth endpoints write them.

use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

use super::request::{HeaderView, one};

/// A header that cannot be taken for a claim, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its {header} {why}")]
pub(super) struct InvalidHeaderClaim<'n> {
    header: &'n HeaderName,
    why: &'static str,
}

/// Each configured claim from the one header that it stands in. An empty header is none: gateways send those for
/// nobody.
pub(super) fn claims_of<'n>(
    headers: &dyn HeaderView,
    names: &'n [(String, HeaderName)],
) -> Result<Map<String, Value>, InvalidHeaderClaim<'n>> {
    let mut claims = Map::new();
    for (claim, header) in names {
        let odd = |why| InvalidHeaderClaim { header, why };
        let Some(value) = one(headers, header.as_str()).map_err(|_| odd("stands there twice"))? else {
            continue;
        };
        let text = std::str::from_utf8(value).map_err(|_| odd("is no UTF-8"))?;
        if text.trim() != text {
            return Err(odd("has white space around it"));
        }
        if !text.is_empty() {
            claims.insert(claim.clone(), text.into());
        }
    }
    Ok(claims)
}

impl HeaderView for HeaderMap {
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8])) {
        self.get_all(name).iter().for_each(|value| show(value.as_bytes()));
    }

    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str)) {
        self.keys().for_each(|name| show(name.as_str()));
    }
}
