//! `[pools.NAME.linking]`: what users may link to their identities.

use std::sync::Arc;

use crate::config::reader::{Reader, Section};
use crate::pools::LinkPolicy;
use crate::pools::Pool;
use cognito_types::PublicProvider;

const PROVIDERS: &str = "providers";

const ALLOWED: &str = "login names of public providers, as in \"accounts.google.com\"; no developer provider and \
                       not Cognito itself, because their logins cannot be verified";

pub(super) fn read_link_policy(section: &mut Section<'_, '_>) -> LinkPolicy {
    LinkPolicy {
        providers: section.parse_list(PROVIDERS, ALLOWED, parse_provider),
        guests: section.read_flag("guests"),
    }
}

fn parse_provider(name: &str) -> Result<PublicProvider, String> {
    // Cognito in any partition: clients already have tokens from it.
    if name.starts_with("cognito-identity") {
        return Err("it is Cognito itself".to_owned());
    }
    PublicProvider::parse(name).map_err(|why| why.to_string())
}

/// Rejects developer providers: this service names their users, so a "login" of one would be a user id from a request.
pub(super) fn reject_developer_providers(reader: &mut Reader<'_>, pools: &[Arc<Pool>]) {
    for pool in pools {
        for other in pools.iter().filter(|other| pool.linking.provider(other.provider.as_str()).is_some()) {
            let found = format!("{:?}, the developer provider of pools.{}", other.provider.as_str(), other.name);
            reader.reject(&format!("pools.{}.linking.{PROVIDERS}", pool.name), found, ALLOWED);
        }
    }
}
