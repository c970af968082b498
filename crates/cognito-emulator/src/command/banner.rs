//! The banner that the command prints after the start.

use std::fmt::Write as _;

use crate::settings::{AccessKey, Settings};

/// URL, settings and an example command. The first line must end in the URL, because programs read it.
pub(super) fn render(settings: &Settings, url: &str) -> String {
    let mut text = format!("Cognito emulator on {url}\n");
    // Writing to a String cannot fail.
    for pool in &settings.pools {
        let guests = if pool.allow_guests { "guests allowed" } else { "no guests" };
        let _ = writeln!(text, "  pool       {} ({}, {guests})", pool.id, pool.developer_provider);
        let roles = [("users", &pool.authenticated_role), ("guests", &pool.unauthenticated_role)];
        for (kind, role) in roles.into_iter().filter_map(|(kind, role)| Some((kind, role.as_ref()?))) {
            let _ = writeln!(text, "             role of {kind}: {}", role.as_str());
        }
    }
    for key in &settings.access_keys {
        let _ = writeln!(text, "  access key {}", key.id);
    }
    let state = settings
        .state_file
        .as_ref()
        .map_or_else(|| "in memory only, lost when it stops".to_owned(), |file| file.display().to_string());
    let _ = writeln!(text, "  state      {state}");
    let _ = writeln!(text, "  discovery  {url}/.well-known/openid-configuration");
    let _ = writeln!(text, "  faults     {url}/_emulator/faults (GET, PUT, DELETE)");
    let _ = writeln!(text, "  calls      {url}/_emulator/calls (GET, DELETE)");
    let _ = writeln!(text, "  sessions   {url}/_emulator/sessions (GET)");
    if let (Some(pool), Some(key)) = (settings.pools.first(), settings.access_keys.first()) {
        // Only the built-in secret is printed. The user knows a secret of the command line.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::PoolSeed;
    use cognito_types::RoleArn;

    #[test]
    fn the_banner_has_the_settings_the_resources_and_a_command_but_no_secret_of_the_operator() {
        let url = "http://127.0.0.1:8082";
        insta::assert_snapshot!("default_settings", render(&Settings::default(), url));

        let role = |name: &str| RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{name}")).ok();
        let pool = PoolSeed {
            allow_guests: true,
            authenticated_role: role("App"),
            unauthenticated_role: role("Guest"),
            ..PoolSeed::default()
        };
        let settings = Settings {
            pools: vec![pool],
            access_keys: vec![AccessKey { id: "AKIAOWN".to_owned(), secret: "a-secret".to_owned() }],
            state_file: Some("state.json".into()),
            ..Settings::default()
        };
        insta::assert_snapshot!("all_settings", render(&settings, url));
    }
}
