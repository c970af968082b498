//! Claims in headers, one claim a header, as gateways and forward-auth endpoints send them.

use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

use super::request::{HeaderView, single_value};

/// Each configured claim, from its header. An empty header counts as absent: gateways send one where no user is signed
/// in.
///
/// # Errors
/// A header is not a valid claim.
pub(super) fn claims_from_headers(
    headers: &dyn HeaderView,
    names: &[(String, HeaderName)],
) -> Result<Map<String, Value>, String> {
    let mut claims = Map::new();
    for (claim, header) in names {
        let invalid = |why| format!("its {header} {why}");
        let Some(value) = single_value(headers, header.as_str()).map_err(|_| invalid("is sent twice"))? else {
            continue;
        };
        let text = std::str::from_utf8(value).map_err(|_| invalid("is not UTF-8"))?;
        if text.trim() != text {
            return Err(invalid("has white space around its value"));
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
