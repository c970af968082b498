//! `[pools.…]`, and the default pool.

use std::sync::Arc;
use std::time::Duration;

use super::{DAY, HOUR, SECOND, linking, pool_policy};
use crate::config::reader::{Bound, Reader, Section};
use crate::pools::{Pool, PoolIndex, Pools};
use cognito_types::{DeveloperProvider, IdentityPoolId, TokenDuration};

/// Returns none if the default pool is invalid.
pub(super) fn read_pools(
    reader: &mut Reader<'_>,
    clock_skew_allowance: Duration,
    authenticators: &[String],
) -> Option<Pools> {
    let least = Bound { path: "cache.clock_skew_allowance", duration: clock_skew_allowance };
    let max_token_duration = reader.section("vending").read_duration("max_token_duration", SECOND..=DAY);
    let most = Bound { path: "vending.max_token_duration", duration: max_token_duration };
    let names = reader.names("pools");
    if names.is_empty() {
        reader.reject("pools", "no pool", "at least one table [pools.NAME]");
    }
    let mut pools = Vec::new();
    for (name, index) in names.iter().zip(0..) {
        let section = &mut reader.section(format!("pools.{name}"));
        pools.extend(read_pool(section, name, PoolIndex(index), [least, most], authenticators).map(Arc::new));
        if !is_name(name) {
            let allowed = "pool names of 1 to 64 lower-case letters, digits, '-' and '_'";
            reader.reject(&format!("pools.{name}"), format!("the name {name:?}"), allowed);
        }
    }
    linking::reject_developer_providers(reader, &pools);
    let default = read_default_pool(&mut reader.section("vending"), &names)?;
    let default = pools.iter().find(|pool| *pool.name == default)?.clone();
    Some(Pools::new(default, pools))
}

fn read_default_pool(section: &mut Section<'_, '_>, names: &[String]) -> Option<String> {
    let allowed = format!("the name of a configured pool ({})", names.join(", "));
    let named = section.parse_optional("default_pool", &allowed, |text| {
        names.iter().find(|name| *name == text).cloned().ok_or("there is no such pool")
    });
    match names {
        _ if section.has("default_pool") => named,
        [] => None,
        [only] => Some(only.clone()),
        _ => {
            section.reject("default_pool", format!("nothing, and {} pools", names.len()), allowed);
            None
        }
    }
}

fn read_pool(
    section: &mut Section<'_, '_>,
    name: &str,
    index: PoolIndex,
    duration_bounds: [Bound<'_>; 2],
    authenticators: &[String],
) -> Option<Pool> {
    let id = section.parse("identity_pool_id", "a pool id, REGION:GUID", |text| {
        let id = IdentityPoolId::parse(text).map_err(|error| error.to_string())?;
        if looks_like_region(id.region()) { Ok(id) } else { Err("no AWS region before the colon".to_owned()) }
    });
    let provider = section.parse(
        "developer_provider",
        "the pool's DeveloperProviderName: 1 to 128 letters, digits, '.', '_' and '-'",
        DeveloperProvider::parse,
    );
    let token_duration = read_token_duration(section, duration_bounds);
    let bind_to_session = section.read_flag("bind_to_session");
    Some(Pool {
        index,
        name: name.into(),
        bind_to_session,
        tags: pool_policy::read_tags(section),
        access: pool_policy::read_access(section, authenticators),
        linking: linking::read_link_policy(&mut section.subsection("linking")),
        credentials: pool_policy::read_credentials(section, bind_to_session),
        id: id?,
        provider: provider?,
        token_duration: token_duration?,
    })
}

fn read_token_duration(section: &mut Section<'_, '_>, [least, most]: [Bound<'_>; 2]) -> Option<TokenDuration> {
    const KEY: &str = "token_duration";
    let duration = section.read_duration(KEY, SECOND..=DAY);
    if duration <= least.duration {
        let allowed = format!("more than {least}: otherwise no token could be served");
        section.reject_duration(KEY, duration, least, allowed);
    } else if duration > most.duration {
        section.reject_duration(KEY, duration, most, format!("at most {most}"));
    }
    if duration > HOUR {
        section.warn(format!(
            "{} is {}: a leaked token cannot be revoked and is valid until it expires.",
            section.key_path(KEY),
            humantime::format_duration(duration),
        ));
    }
    TokenDuration::parse(duration.as_secs()).ok()
}

/// `us-east-1`, `us-gov-west-1`, `cn-north-1`: a misspelt region would otherwise appear only as an unknown host.
fn looks_like_region(region: &str) -> bool {
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

/// Whether a pool or an authenticator may have the name: environment variables must be able to spell it.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}
