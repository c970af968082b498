//! `[pools.NAME.linking]`: what users may link to their identities.

use std::sync::Arc;

use crate::config::reader::{Reader, Section};
use crate::pools::Pool;
use crate::pools::link_policy::LinkPolicy;
use cognito_types::PublicProvider;

const PROVIDERS: &str = "providers";

const ALLOWED: &str = "login names of public providers, as in \"accounts.google.com\", none of them a developer \
                       provider or Cognito itself: their logins are proved to nobody";

pub(super) fn rules(section: &mut Section<'_, '_>) -> Option<LinkPolicy> {
    let providers = providers(section);
    let guests = section.flag("guests");
    Some(LinkPolicy { providers: providers?, guests: guests? })
}

fn providers(section: &mut Section<'_, '_>) -> Option<Vec<PublicProvider>> {
    let mut providers = Vec::new();
    for name in section.list(PROVIDERS, ALLOWED)? {
        match PublicProvider::parse(&name) {
            // In whichever partition: the tokens that clients already have from Cognito.
            Ok(provider) if !name.starts_with("cognito-identity") => providers.push(provider),
            Ok(_) => {
                section.fault(PROVIDERS, format!("{name:?}, which is Cognito itself"), ALLOWED);
                return None;
            }
            Err(why) => {
                section.fault(PROVIDERS, format!("{name:?} ({why})"), ALLOWED);
                return None;
            }
        }
    }
    Some(providers)
}

/// A user of a developer provider is whoever we say: a "login" there would be a user id out of a request.
pub(super) fn refuse_developer_providers(reader: &mut Reader<'_>, pools: &[Arc<Pool>]) {
    for pool in pools {
        for other in pools.iter().filter(|other| pool.linking.provider(other.provider.as_str()).is_some()) {
            let found =
                format!("{:?}, the developer provider of pools.{}", other.provider.as_str(), other.name);
            reader.fault(&format!("pools.{}.linking.{PROVIDERS}", pool.name), found, ALLOWED);
        }
    }
}
