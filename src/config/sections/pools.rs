//! `[pools.…]`, and which of them is the default.

use std::sync::Arc;
use std::time::Duration;

use super::{DAY, HOUR, SECOND, linking, pool_policy};
use crate::config::reader::{Reader, Section};
use crate::pools::{Pool, PoolIndex, Pools};
use crate::vending::freshness::RefreshPolicy;
use cognito_types::{DeveloperProvider, IdentityPoolId, TokenDuration};

pub(super) fn pools(
    reader: &mut Reader<'_>,
    windows: Option<&RefreshPolicy>,
    ways: &[String],
) -> Option<Pools> {
    let ceiling = ceiling(reader);
    let names = reader.names("pools");
    if names.is_empty() {
        reader.fault("pools", "no pool", "at least one table [pools.NAME]");
    }
    let mut pools = Vec::new();
    for (name, index) in names.iter().zip(0..) {
        let allowance = windows.map(|windows| windows.skew_allowance);
        let section = &mut reader.section(format!("pools.{name}"));
        pools.push(pool(section, name, PoolIndex(index), allowance, ceiling, ways).map(Arc::new));
        if !is_name(name) {
            let allowed = "pool names of 1 to 64 lower-case letters, digits, '-' and '_'";
            reader.fault(&format!("pools.{name}"), format!("the name {name:?}"), allowed);
        }
    }
    let default = default_name(reader, &names);
    let pools: Vec<Arc<Pool>> = pools.into_iter().collect::<Option<_>>()?;
    linking::refuse_developer_providers(reader, &pools);
    let default = default?;
    let default = pools.iter().find(|pool| *pool.name == default)?.clone();
    Some(Pools::new(default, pools))
}

fn ceiling(reader: &mut Reader<'_>) -> Option<Duration> {
    reader.section("vending").duration("token_duration_ceiling", SECOND..=DAY)
}

fn default_name(reader: &mut Reader<'_>, names: &[String]) -> Option<String> {
    let mut section = reader.section("vending");
    let allowed = format!("the name of a configured pool ({})", names.join(", "));
    let named = section.optional("default_pool", &allowed, |text| {
        if names.iter().any(|name| name == text) { Ok(text.to_owned()) } else { Err("there is no such pool") }
    });
    match (named, names) {
        (Some(name), _) => Some(name),
        (None, _) if section.has("default_pool") => None,
        (None, [only]) => Some(only.clone()),
        (None, []) => None,
        (None, _) => {
            section.fault("default_pool", format!("nothing, and {} pools", names.len()), allowed);
            None
        }
    }
}

fn pool(
    section: &mut Section<'_, '_>,
    name: &str,
    index: PoolIndex,
    allowance: Option<Duration>,
    ceiling: Option<Duration>,
    ways: &[String],
) -> Option<Pool> {
    let id = section.parsed("identity_pool_id", "a pool id, REGION:GUID", |text| {
        let id = IdentityPoolId::parse(text).map_err(|error| error.to_string())?;
        if looks_like_a_region(id.region()) {
            Ok(id)
        } else {
            Err("no AWS region before the colon".to_owned())
        }
    });
    let provider = section.parsed(
        "developer_provider",
        "the pool's DeveloperProviderName: 1 to 128 letters, digits, '.', '_' and '-'",
        DeveloperProvider::parse,
    );
    let token_duration = token_duration(section, name, allowance, ceiling);
    let end_with_session = section.flag("end_with_session");
    let tags = pool_policy::tags(section);
    let access = pool_policy::access(section, ways);
    let linking = linking::rules(&mut section.inner("linking"));
    let credentials = pool_policy::credentials(section, end_with_session);
    Some(Pool {
        index,
        name: name.into(),
        id: id?,
        provider: provider?,
        token_duration: token_duration?,
        bind_to_session: end_with_session?,
        tags: tags?,
        access: access?,
        linking: linking?,
        credentials: credentials?,
    })
}

fn token_duration(
    section: &mut Section<'_, '_>,
    name: &str,
    allowance: Option<Duration>,
    ceiling: Option<Duration>,
) -> Option<TokenDuration> {
    let duration = section.duration("token_duration", SECOND..=DAY)?;
    let (allowance, ceiling) = (allowance?, ceiling?);
    let found = humantime::format_duration(duration).to_string();
    if duration <= allowance {
        let least = humantime::format_duration(allowance);
        let allowed =
            format!("more than vending.skew_allowance, {least}: else no token could ever be served");
        section.fault("token_duration", found, allowed);
        return None;
    }
    if duration > ceiling {
        let most = humantime::format_duration(ceiling);
        section.fault("token_duration", found, format!("at most vending.token_duration_ceiling, {most}"));
        return None;
    }
    if duration > HOUR {
        section.warn(format!(
            "pools.{name}.token_duration is {found}: a token that leaks cannot be called back before it ends."
        ));
    }
    TokenDuration::parse(duration.as_secs()).ok()
}

/// `us-east-1`, `us-gov-west-1`, `cn-north-1`: a misspelt region would only show as a host that is not found.
fn looks_like_a_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.as_slice() {
        [first, middle @ .., last] => {
            (2..=4).contains(&first.len())
                && is_word(first)
                && !middle.is_empty()
                && middle.iter().all(is_word)
                && last.parse::<u8>().is_ok()
        }
        _ => false,
    }
}

/// What pools and ways of authenticating may be called: names that the environment's keys can spell.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}
