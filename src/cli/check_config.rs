//! `tokenvend check-config`: validates a configuration without starting the service.

use std::fmt::Write as _;

use super::config_file::ConfigFile;
use super::error::CliError;
use super::stdout::print;
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
        if let Some(why) = tls.as_ref().and_then(|tls| tls::check(tls).ok()?.error_at(now)) {
            let _ = writeln!(text, "warning: {listener}.tls: the certificate {why}: clients will reject it.");
        }
    }
    let default = settings.pools.find(None).map(|pool| pool.name.clone()).unwrap_or_default();
    for pool in settings.pools.iter() {
        let (id, provider, seconds) = (&pool.id, &pool.provider, pool.token_duration.seconds());
        let mark = if pool.name == default { " (default)" } else { "" };
        let credentials = if pool.credentials.is_some() { ", AWS credentials" } else { "" };
        let access = match pool.access.rules.len() {
            0 => "all authenticated callers allowed".to_owned(),
            count => format!("access by {count} allow rule(s)"),
        };
        let name = &pool.name;
        let _ = writeln!(
            text,
            "pool {name}{mark}: {id}, provider {provider}, tokens of {seconds} s{credentials}, {access}"
        );
    }
    for authenticator in &settings.auth {
        let services = if authenticator.act_as.is_some() { ", services included" } else { "" };
        let _ = writeln!(
            text,
            "auth {}: {} of {}{services}",
            authenticator.name,
            credential_kind(&authenticator.kind),
            authenticator.issuer
        );
    }
    text.push_str("The configuration is valid.\n");
    print(&text)
}

/// The credentials that an authenticator of this kind verifies.
fn credential_kind(kind: &AuthenticatorSettings) -> &'static str {
    match kind {
        AuthenticatorSettings::Jwt(_) => "JWTs",
        AuthenticatorSettings::Introspection(_) => "opaque tokens",
        AuthenticatorSettings::ForwardAuth(_) => "credentials that the app verifies",
        AuthenticatorSettings::Gateway(_) => "headers of a gateway",
        AuthenticatorSettings::Alb(_) => "assertions of an AWS load balancer",
        AuthenticatorSettings::StaticKey(_) => "static keys of backends",
        AuthenticatorSettings::ClientCertificate(_) => "client certificates of backends",
    }
}
