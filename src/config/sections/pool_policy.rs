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

const LIST: &str = "a list of one or more texts, none of them empty";

/// Reads tags, each `KEY = "VALUE"` or a table of `value` and `required`.
pub(super) fn read_tags(section: &mut Section<'_, '_>) -> Option<TagRules> {
    let keys = section.names("tags");
    let is_within_limit = keys.len() <= PrincipalTags::MAX_TAGS;
    if !is_within_limit {
        section.reject("tags", format!("{} tags", keys.len()), "at most 50, which is Cognito's limit");
    }
    let mut tags = section.subsection("tags");
    // Collected first, so that an error in one does not hide those in the next.
    let rules: Vec<Option<TagRule>> = keys.iter().map(|key| read_tag(&mut tags, key)).collect();
    let rules: Vec<TagRule> = rules.into_iter().collect::<Option<_>>()?;
    is_within_limit.then(|| TagRules::new(rules))
}

fn read_tag(section: &mut Section<'_, '_>, key: &str) -> Option<TagRule> {
    let checked = check_key(key);
    if let Err(why) = &checked {
        section.reject(key, format!("the key {key:?} ({why})"), "a key that IAM accepts for a session tag");
    }
    // Read in any case: a key that is not read would also be reported as unknown.
    let (value, required) = if section.names(key).is_empty() {
        (read_value(section, key), Some(false))
    } else {
        let mut table = section.subsection(key);
        let required = if table.has("required") { table.read_flag("required") } else { Some(false) };
        (read_value(&mut table, "value"), required)
    };
    let rule = TagRule { key: key.into(), value: value?, required: required? };
    checked.is_ok().then_some(rule)
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

/// The outer `None` is an error, the inner one a pool without credentials.
pub(super) fn read_credentials(
    section: &mut Section<'_, '_>,
    bind_to_session: Option<bool>,
) -> Option<Option<CredentialsGrant>> {
    let mut own = section.subsection("credentials");
    let enabled = own.read_flag("enabled");
    let is_set = own.has("custom_role_arn");
    let allowed = "a role's ARN, as in arn:aws:iam::123456789012:role/app-users";
    let role = own.parse_optional("custom_role_arn", allowed, RoleArn::parse);
    if enabled == Some(true) && bind_to_session == Some(true) {
        let path = own.key_path("enabled");
        own.warn(format!(
            "{path} is true, and so is bind_to_session: tokens end with the caller's credential, but AWS credentials \
             are valid for an hour."
        ));
    }
    if is_set && role.is_none() {
        return None;
    }
    Some(enabled?.then_some(CredentialsGrant { role }))
}

pub(super) fn read_access(section: &mut Section<'_, '_>, authenticators: &[String]) -> Option<AccessPolicy> {
    let names = section.names("allow");
    let mode = section
        .subsection("access")
        .read_choice("mode", &[("enforce", AccessMode::Enforce), ("audit", AccessMode::Audit)]);
    let mut allow = section.subsection("allow");
    let rules: Vec<Option<AllowRule>> =
        names.iter().map(|name| read_rule(&mut allow.subsection(name), name, authenticators)).collect();
    Some(AccessPolicy { mode: mode?, rules: rules.into_iter().collect::<Option<_>>()? })
}

fn read_rule(section: &mut Section<'_, '_>, name: &str, known_authenticators: &[String]) -> Option<AllowRule> {
    let authenticators = section.read_optional_list("auth", LIST);
    let issuers = section.read_optional_list("issuer", LIST);
    let conditions = read_conditions(section);
    let rule =
        AllowRule { name: name.into(), authenticators: authenticators?, issuers: issuers?, conditions: conditions? };
    if let Some(unknown) = rule.authenticators.iter().find(|name| !known_authenticators.contains(name)) {
        let allowed = format!("names of tables [auth.…]: {}", known_authenticators.join(", "));
        section.reject("auth", format!("{unknown:?}"), allowed);
        return None;
    }
    if rule.is_empty() {
        let allowed = "at least one of auth, issuer, audience, scope and claims; a pool that is open to every \
                       verified caller has no rule";
        section.reject("auth", "a rule without a condition", allowed);
        return None;
    }
    Some(rule)
}

/// Reads `audience`, `scope` and `claims`, each of which may be absent.
pub(super) fn read_conditions(section: &mut Section<'_, '_>) -> Option<Conditions> {
    let audiences = section.read_optional_list("audience", LIST);
    let scopes = section.read_optional_list("scope", LIST);
    let paths = section.names("claims");
    let mut claims = section.subsection("claims");
    let claims: Vec<Option<(ClaimPath, Vec<String>)>> =
        paths.iter().map(|path| read_condition(&mut claims, path)).collect();
    let claims = claims.into_iter().collect::<Option<_>>();
    Some(Conditions { audiences: audiences?, scopes: scopes?, claims: claims? })
}

fn read_condition(section: &mut Section<'_, '_>, path: &str) -> Option<(ClaimPath, Vec<String>)> {
    let values = section.read_optional_list(path, LIST);
    match ClaimPath::parse(path) {
        Ok(path) => Some((path, values?)),
        Err(why) => {
            section.reject(path, format!("{path:?} ({why})"), "the name of a claim, or a JSON pointer");
            None
        }
    }
}
