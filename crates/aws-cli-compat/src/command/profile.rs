//! Settings from the AWS CLI's shared files, `~/.aws/config` and `~/.aws/credentials`. The AWS SDK reads the
//! credentials in them.

use std::collections::HashMap;

use super::environment::Environment;
use super::error::CommandError;

/// The keys of one section. The value of a key with nested keys (in `services`) is their lines.
pub(super) type SectionKeys = HashMap<String, String>;

/// One profile, and the `services` sections.
#[derive(Debug, Default)]
pub(super) struct Profile {
    /// The requested name, if any.
    pub(super) name: Option<String>,
    pub(super) keys: SectionKeys,
    services: HashMap<String, SectionKeys>,
}

impl Profile {
    /// Loads the profile of `--profile`, or else of the environment.
    ///
    /// # Errors
    /// There is no such profile, or a file cannot be parsed.
    pub(super) fn load(option: Option<&str>, environment: &Environment) -> Result<Self, CommandError> {
        let name = option
            .or_else(|| environment.get("AWS_DEFAULT_PROFILE"))
            .or_else(|| environment.get("AWS_PROFILE"))
            .map(str::to_owned);
        let requested = name.as_deref().unwrap_or("default");
        let config = sections(environment, "AWS_CONFIG_FILE", "~/.aws/config")?;
        let credentials = sections(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")?;

        let mut found = None;
        let mut services = HashMap::new();
        for (title, keys) in config {
            let (kind, name) = title.split_once([' ', '\t']).unwrap_or((&title, ""));
            let name = name.trim().trim_matches(['"', '\'']);
            match kind {
                "services" => drop(services.insert(name.to_owned(), keys)),
                "profile" if name == requested => found = Some(keys),
                "default" if name.is_empty() && requested == "default" => found = Some(keys),
                _ => {}
            }
        }
        for (title, keys) in credentials {
            if title == requested {
                found.get_or_insert_default().extend(keys);
            }
        }
        match (found, name) {
            (None, Some(name)) => Err(CommandError::failed(format!("The config profile ({name}) could not be found"))),
            (found, name) => Ok(Self { name, keys: found.unwrap_or_default(), services }),
        }
    }

    /// A key of a service in the `services` section that the profile names.
    pub(super) fn service_key(&self, service: &str, key: &str) -> Result<Option<&str>, CommandError> {
        let Some(name) = self.keys.get("services") else { return Ok(None) };
        let Some(section) = self.services.get(name) else {
            return Err(CommandError::failed(format!(
                "The profile is configured to use the services section but the \"{name}\" services configuration \
                 does not exist."
            )));
        };
        let lines = section.get(service).map(String::as_str).unwrap_or_default().lines();
        let mut pairs = lines.filter_map(|line| line.split_once('='));
        Ok(pairs.find(|(known, _)| known.trim() == key).map(|(_, value)| value.trim()))
    }
}

/// The sections of a file, in order; none if there is no such file.
fn sections(
    environment: &Environment,
    variable: &str,
    default_path: &str,
) -> Result<Vec<(String, SectionKeys)>, CommandError> {
    let path = environment.expand_path(environment.get(variable).unwrap_or(default_path));
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(Vec::new()) };
    parse(&text).ok_or_else(|| CommandError::failed(format!("Unable to parse config file: {path}")))
}

fn parse(text: &str) -> Option<Vec<(String, SectionKeys)>> {
    let mut sections: Vec<(String, SectionKeys)> = Vec::new();
    let mut key: Option<String> = None;
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(title) = line.strip_prefix('[').and_then(|title| title.split_once(']')) {
            sections.push((title.0.trim().to_owned(), SectionKeys::new()));
            key = None;
            continue;
        }
        let (_, keys) = sections.last_mut()?;
        // An indented line belongs to the key before it.
        if let (true, Some(key)) = (line.starts_with([' ', '\t']), &key) {
            let value = keys.entry(key.clone()).or_default();
            value.push('\n');
            value.push_str(bare);
            continue;
        }
        let (name, value) = line.split_once(['=', ':'])?;
        let name = name.trim().to_lowercase();
        keys.insert(name.clone(), value.trim().to_owned());
        key = Some(name);
    }
    Some(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_nested_keys_are_parsed() {
        let text = "# x\n[profile a]\nRegion = eu-west-1\nservices = s\n\n[services s]\ncognito_identity =\n  \
                    endpoint_url = http://x\n  other = y\n";
        let sections = parse(text).unwrap();
        assert_eq!(sections[0].0, "profile a");
        assert_eq!(sections[0].1["region"], "eu-west-1");
        let services = HashMap::from([("s".to_owned(), sections[1].1.clone())]);
        let profile = Profile { name: None, keys: sections[0].1.clone(), services };
        assert_eq!(profile.service_key("cognito_identity", "endpoint_url"), Ok(Some("http://x")));
        assert!(parse("nonsense").is_none());
    }
}
