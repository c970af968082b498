//! `[pools.…]`, and the default pool.

use std::sync::Arc;
use std::time::Duration;

use super::{DAY, HOUR, SECOND, linking, pool_policy};
use crate::config::reader::{Reader, Section};
use crate::pools::{Pool, PoolIndex, Pools};
use crate::vending::freshness::RefreshPolicy;
use cognito_types::{DeveloperProvider, IdentityPoolId, TokenDuration};

pub(super) fn read_pools(
    reader: &mut Reader<'_>,
    refresh_policy: Option<&RefreshPolicy>,
    authenticators: &[String],
) -> Option<Pools> {
    let max_token_duration = read_max_token_duration(reader);
    let names = reader.names("pools");
    if names.is_empty() {
        reader.reject("pools", "no pool", "at least one table [pools.NAME]");
    }
    let mut pools = Vec::new();
    for (name, index) in names.iter().zip(0..) {
        let clock_skew_allowance = refresh_policy.map(|refresh_policy| refresh_policy.clock_skew_allowance);
        let section = &mut reader.section(format!("pools.{name}"));
        let pool = read_pool(section, name, PoolIndex(index), clock_skew_allowance, max_token_duration, authenticators);
        pools.push(pool.map(Arc::new));
        if !is_name(name) {
            let allowed = "pool names of 1 to 64 lower-case letters, digits, '-' and '_'";
            reader.reject(&format!("pools.{name}"), format!("the name {name:?}"), allowed);
        }
    }
    let default = read_default_pool(reader, &names);
    let pools: Vec<Arc<Pool>> = pools.into_iter().collect::<Option<_>>()?;
    linking::reject_developer_providers(reader, &pools);
    let default = default?;
    let default = pools.iter().find(|pool| *pool.name == default)?.clone();
    Some(Pools::new(default, pools))
}

fn read_max_token_duration(reader: &mut Reader<'_>) -> Option<Duration> {
    reader.section("vending").read_duration("max_token_duration", SECOND..=DAY)
}

fn read_default_pool(reader: &mut Reader<'_>, names: &[String]) -> Option<String> {
    let mut section = reader.section("vending");
    let allowed = format!("the name of a configured pool ({})", names.join(", "));
    let named = section.parse_optional("default_pool", &allowed, |text| {
        if names.iter().any(|name| name == text) { Ok(text.to_owned()) } else { Err("there is no such pool") }
    });
    match (named, names) {
        (Some(name), _) => Some(name),
        (None, _) if section.has("default_pool") => None,
        (None, [only]) => Some(only.clone()),
        (None, []) => None,
        (None, _) => {
            section.reject("default_pool", format!("nothing, and {} pools", names.len()), allowed);
            None
        }
    }
}

fn read_pool(
    section: &mut Section<'_, '_>,
    name: &str,
    index: PoolIndex,
    clock_skew_allowance: Option<Duration>,
    max_token_duration: Option<Duration>,
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
    let token_duration = read_token_duration(section, name, clock_skew_allowance, max_token_duration);
    let bind_to_session = section.read_flag("bind_to_session");
    let tags = pool_policy::read_tags(section);
    let access = pool_policy::read_access(section, authenticators);
    let linking = linking::read_link_policy(&mut section.subsection("linking"));
    let credentials = pool_policy::read_credentials(section, bind_to_session);
    Some(Pool {
        index,
        name: name.into(),
        id: id?,
        provider: provider?,
        token_duration: token_duration?,
        bind_to_session: bind_to_session?,
        tags: tags?,
        access: access?,
        linking: linking?,
        credentials: credentials?,
    })
}

fn read_token_duration(
    section: &mut Section<'_, '_>,
    name: &str,
    clock_skew_allowance: Option<Duration>,
    max_token_duration: Option<Duration>,
) -> Option<TokenDuration> {
    let duration = section.read_duration("token_duration", SECOND..=DAY)?;
    let (clock_skew_allowance, max_token_duration) = (clock_skew_allowance?, max_token_duration?);
    let found = humantime::format_duration(duration).to_string();
    if duration <= clock_skew_allowance {
        let least = humantime::format_duration(clock_skew_allowance);
        let allowed = format!("more than cache.clock_skew_allowance, {least}: otherwise no token could be served");
        section.reject("token_duration", found, allowed);
        return None;
    }
    if duration > max_token_duration {
        let most = humantime::format_duration(max_token_duration);
        section.reject("token_duration", found, format!("at most vending.max_token_duration, {most}"));
        return None;
    }
    if duration > HOUR {
        section.warn(format!(
            "pools.{name}.token_duration is {found}: a leaked token cannot be revoked and is valid until it expires."
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
