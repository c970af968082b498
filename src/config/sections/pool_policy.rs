//! The permissions of a pool: `[pools.NAME.tags]`, `[pools.NAME.access]`, `[pools.NAME.allow.RULE]` and
//! `[pools.NAME.credentials]`.

use crate::claims::ClaimPath;
use crate::claims::conditions::Conditions;
use crate::claims::template::Template;
use crate::config::reader::Section;
use crate::pools::CredentialsGrant;
use crate::pools::access_policy::{AccessMode, AccessPolicy, AllowRule};
use crate::pools::principal_tags::{TagRule, TagRules, check_key, check_value};
use cognito_types::{PrincipalTags, RoleArn};

/// Reads tags, each `KEY = "VALUE"` or a table of `value` and `required`.
pub(super) fn read_tags(section: &mut Section<'_, '_>) -> TagRules {
    let keys = section.names("tags");
    if keys.len() > PrincipalTags::MAX_TAGS {
        section.reject("tags", format!("{} tags", keys.len()), "at most 50, which is Cognito's limit");
    }
    let mut tags = section.subsection("tags");
    TagRules::new(keys.iter().filter_map(|key| read_tag(&mut tags, key)).collect())
}

fn read_tag(section: &mut Section<'_, '_>, key: &str) -> Option<TagRule> {
    if let Err(why) = check_key(key) {
        section.reject(key, format!("the key {key:?} ({why})"), "a key that IAM accepts for a session tag");
    }
    // Read in any case: a key that is not read would also be reported as unknown.
    if section.names(key).is_empty() {
        return Some(TagRule { key: key.into(), required: false, value: read_value(section, key)? });
    }
    let mut table = section.subsection(key);
    let required = table.has("required") && table.read_flag("required");
    Some(TagRule { key: key.into(), required, value: read_value(&mut table, "value")? })
}

fn read_value(section: &mut Section<'_, '_>, key: &str) -> Option<Template> {
    const ALLOWED: &str =
        "a constant, a claim as in \"{team}\", or a text that contains claims, as in \"{org}/{team}\"";
    section.parse(key, ALLOWED, |text| {
        let template = Template::parse(text)?;
        let is_constant = template.claims().next().is_none();
        if is_constant && text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if is_constant {
            check_value(template.fixed_prefix())?;
        }
        Ok(template)
    })
}

pub(super) fn read_credentials(section: &mut Section<'_, '_>, bind_to_session: bool) -> Option<CredentialsGrant> {
    let mut own = section.subsection("credentials");
    let enabled = own.read_flag("enabled");
    let allowed = "a role's ARN, as in arn:aws:iam::123456789012:role/app-users";
    let role = own.parse_optional("custom_role_arn", allowed, RoleArn::parse);
    if enabled && bind_to_session {
        let path = own.key_path("enabled");
        own.warn(format!(
            "{path} is true, and so is bind_to_session: tokens end with the caller's credential, but AWS credentials \
             are valid for an hour."
        ));
    }
    enabled.then_some(CredentialsGrant { role })
}

pub(super) fn read_access(section: &mut Section<'_, '_>, authenticators: &[String]) -> AccessPolicy {
    let names = section.names("allow");
    let modes = [("enforce", AccessMode::Enforce), ("audit", AccessMode::Audit)];
    let mode = section.subsection("access").read_choice("mode", modes);
    let mut allow = section.subsection("allow");
    let rules = names.iter().map(|name| read_rule(&mut allow.subsection(name), name, authenticators));
    AccessPolicy { mode, rules: rules.collect() }
}

fn read_rule(section: &mut Section<'_, '_>, name: &str, authenticators: &[String]) -> AllowRule {
    let rule = AllowRule {
        name: name.into(),
        authenticators: read_authenticator_names(section, "auth", authenticators),
        issuers: section.read_optional_texts("issuer"),
        conditions: read_conditions(section),
    };
    if rule.is_empty() && section.is_valid() {
        let allowed = "at least one of auth, issuer, audience, scope and claims; a pool that is open to every \
                       verified caller has no rule";
        section.reject("auth", "a rule without a condition", allowed);
    }
    rule
}

/// Reads a list of names of tables `[auth.NAME]`, which may be absent.
pub(super) fn read_authenticator_names(section: &mut Section<'_, '_>, key: &str, known: &[String]) -> Vec<String> {
    let allowed = format!("a list of names of tables [auth.…], each once: {}", known.join(", "));
    section.parse_optional_list(key, &allowed, |name| {
        known.iter().find(|known| *known == name).cloned().ok_or("there is no such authenticator")
    })
}

/// Reads `audience`, `scope` and `claims`, each of which may be absent.
pub(super) fn read_conditions(section: &mut Section<'_, '_>) -> Conditions {
    let audiences = section.read_optional_texts("audience");
    let scopes = section.read_optional_texts("scope");
    let paths = section.names("claims");
    let mut claims = section.subsection("claims");
    let claims = paths.iter().filter_map(|path| read_condition(&mut claims, path)).collect();
    Conditions { audiences, scopes, claims }
}

fn read_condition(section: &mut Section<'_, '_>, path: &str) -> Option<(ClaimPath, Vec<String>)> {
    let values = section.read_optional_texts(path);
    match ClaimPath::parse(path) {
        Ok(path) => Some((path, values)),
        Err(why) => {
            section.reject(path, format!("{path:?} ({why})"), "the name of a claim, or a JSON pointer");
            None
        }
    }
}
