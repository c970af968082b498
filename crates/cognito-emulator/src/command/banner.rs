//! What the emulator says of itself when it has started.

use std::fmt::Write as _;

use crate::{AccessKey, Settings};

/// What runs where, and a command to try it with. The first line ends in the URL, and has to: programs read it.
pub(super) fn render(settings: &Settings, url: &str) -> String {
    let mut text = format!("Cognito emulator on {url}\n");
    // Writing to a String cannot fail.
    for pool in &settings.pools {
        let guests = if pool.allow_guests { "guests allowed" } else { "no guests" };
        let _ = writeln!(text, "  pool       {} ({}, {guests})", pool.id, pool.developer_provider);
        let roles = [("users", &pool.authenticated_role), ("guests", &pool.unauthenticated_role)];
        for (whose, role) in roles.into_iter().filter_map(|(whose, role)| Some((whose, role.as_ref()?))) {
            let _ = writeln!(text, "             its {whose} have the role {}", role.as_str());
        }
    }
    for key in &settings.credentials {
        let _ = writeln!(text, "  access key {}", key.id);
    }
    let state = settings
        .state_file
        .as_ref()
        .map_or_else(|| "in memory only, gone when it stops".to_owned(), |file| file.display().to_string());
    let _ = writeln!(text, "  state      {state}");
    let _ = writeln!(text, "  discovery  {url}/.well-known/openid-configuration");
    let _ = writeln!(text, "  faults     {url}/_emulator/faults (GET, PUT, DELETE)");
    let _ = writeln!(text, "  calls      {url}/_emulator/calls (GET, DELETE)");
    let _ = writeln!(text, "  sessions   {url}/_emulator/sessions (GET)");
    if let (Some(pool), Some(key)) = (settings.pools.first(), settings.credentials.first()) {
        // A secret given on the command line is known to whoever gave it; only the built-in one is shown.
        let secret = if *key == AccessKey::default() { key.secret.as_str() } else { "…" };
        let _ = write!(
            text,
            "\nTry it:\n  AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={secret} \\\n  \
             aws cognito-identity get-open-id-token-for-developer-identity \\\n    \
             --endpoint-url {url} --region {} \\\n    --identity-pool-id {} \\\n    --logins {}=alice\n",
            key.id,
            pool.id.region(),
            pool.id,
            pool.developer_provider,
        );
    }
    text
}
