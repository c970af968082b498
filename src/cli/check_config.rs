//! `tokenvend check-config`: everything that is wrong with a configuration, without running it.

use std::fmt::Write as _;

use super::{CliError, ConfigFile, print};
use crate::auth::AuthenticatorSettings;
use crate::tls;
use clock::{Clock as _, SystemClock};

pub(super) fn run(file: &ConfigFile) -> Result<(), CliError> {
    let loaded = file.load()?;
    let mut text = String::new();
    for warning in &loaded.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let settings = &loaded.settings;
    let now = SystemClock::new().now();
    for (listener, tls) in [("http", &settings.http.tls), ("admin", &settings.admin.tls)] {
        if let Some(why) = tls.as_ref().and_then(|tls| tls::fault_at(tls, now)) {
            let _ = writeln!(text, "warning: {listener}.tls: the certificate {why}: clients will refuse it.");
        }
    }
    let default = settings.pools.find(None).map(|pool| pool.name.clone()).unwrap_or_default();
    for pool in settings.pools.iter() {
        let (id, provider, seconds) = (&pool.id, &pool.provider, pool.token_duration.seconds());
        let mark = if pool.name == default { " (default)" } else { "" };
        let credentials = if pool.credentials.is_some() { ", AWS credentials too" } else { "" };
        let open = match pool.access.rules.len() {
            0 => "open to every verified caller".to_owned(),
            count => format!("open by {count} rule(s)"),
        };
        let name = &pool.name;
        let _ = writeln!(
            text,
            "pool {name}{mark}: {id}, provider {provider}, tokens of {seconds} s{credentials}, {open}"
        );
    }
    for way in &settings.auth {
        let services = if way.act_as.is_some() { ", services among them" } else { "" };
        let _ = writeln!(text, "auth {}: {} of {}{services}", way.name, what_of(&way.kind), way.issuer);
    }
    text.push_str("The configuration holds.\n");
    print(&text)
}

/// What a way of this kind takes.
fn what_of(kind: &AuthenticatorSettings) -> &'static str {
    match kind {
        AuthenticatorSettings::Jwt(_) => "JWTs",
        AuthenticatorSettings::Introspection(_) => "opaque tokens",
        AuthenticatorSettings::ForwardAuth(_) => "whatever the app takes for a user",
        AuthenticatorSettings::Gateway(_) => "a gateway's headers",
        AuthenticatorSettings::Alb(_) => "an AWS load balancer's assertions",
        AuthenticatorSettings::StaticKey(_) => "a backend's keys",
        AuthenticatorSettings::ClientCertificate(_) => "backends' certificates",
    }
}
