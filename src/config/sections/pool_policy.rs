//! What a pool grants: `[pools.NAME.tags]`, `[pools.NAME.access]`, `[pools.NAME.allow.RULE]` and
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

/// `KEY = "VALUE"`, or a table of `value` and `required`.
pub(super) fn tags(section: &mut Section<'_, '_>) -> Option<TagRules> {
    let keys = section.names("tags");
    let fit = keys.len() <= PrincipalTags::MOST;
    if !fit {
        section.fault("tags", format!("{} tags", keys.len()), "at most 50, as Cognito takes");
    }
    let mut tags = section.inner("tags");
    // Collected first, so that a fault in one does not hide those in the next.
    let rules: Vec<Option<TagRule>> = keys.iter().map(|key| tag(&mut tags, key)).collect();
    let rules: Vec<TagRule> = rules.into_iter().collect::<Option<_>>()?;
    fit.then(|| TagRules::new(rules))
}

fn tag(section: &mut Section<'_, '_>, key: &str) -> Option<TagRule> {
    let fit = check_key(key);
    if let Err(why) = &fit {
        section.fault(key, format!("the key {key:?} ({why})"), "a key that IAM takes for a session tag");
    }
    // Read all the same: what nobody asks for is told as a key that does not exist.
    let (value, required) = if section.names(key).is_empty() {
        (value(section, key), Some(false))
    } else {
        let mut table = section.inner(key);
        let required = if table.has("required") { table.flag("required") } else { Some(false) };
        (value(&mut table, "value"), required)
    };
    let rule = TagRule { key: key.into(), value: value?, required: required? };
    fit.is_ok().then_some(rule)
}

fn value(section: &mut Section<'_, '_>, key: &str) -> Option<Template> {
    const ALLOWED: &str =
        "a constant, a claim as in \"{team}\", or text with claims in it as in \"{org}/{team}\"";
    section.parsed(key, ALLOWED, |text| {
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

/// The outer `None` is a fault, the inner one a pool without credentials.
pub(super) fn credentials(
    section: &mut Section<'_, '_>,
    end_with_session: Option<bool>,
) -> Option<Option<CredentialsGrant>> {
    let mut own = section.inner("credentials");
    let enabled = own.flag("enabled");
    let is_set = own.has("custom_role_arn");
    let allowed = "a role's ARN, as in arn:aws:iam::123456789012:role/app-users";
    let role = own.optional("custom_role_arn", allowed, RoleArn::parse);
    if enabled == Some(true) && end_with_session == Some(true) {
        let path = own.path_of("enabled");
        own.warn(format!(
            "{path} is true, and end_with_session too: tokens end with the caller's credential, AWS credentials last \
             an hour all the same."
        ));
    }
    if is_set && role.is_none() {
        return None;
    }
    Some(enabled?.then_some(CredentialsGrant { role }))
}

/// `ways`: the names of the configured ways of authenticating.
pub(super) fn access(section: &mut Section<'_, '_>, ways: &[String]) -> Option<AccessPolicy> {
    let names = section.names("allow");
    let mode = section
        .inner("access")
        .choice("mode", &[("enforce", AccessMode::Enforce), ("audit", AccessMode::Audit)]);
    let mut allow = section.inner("allow");
    let rules: Vec<Option<AllowRule>> =
        names.iter().map(|name| rule(&mut allow.inner(name), name, ways)).collect();
    Some(AccessPolicy { mode: mode?, rules: rules.into_iter().collect::<Option<_>>()? })
}

fn rule(section: &mut Section<'_, '_>, name: &str, known_ways: &[String]) -> Option<AllowRule> {
    let ways = section.optional_list("auth", LIST);
    let issuers = section.optional_list("issuer", LIST);
    let conditions = conditions(section);
    let rule =
        AllowRule { name: name.into(), authenticators: ways?, issuers: issuers?, conditions: conditions? };
    if let Some(stranger) = rule.authenticators.iter().find(|way| !known_ways.contains(way)) {
        let allowed = format!("names of tables [auth.…]: {}", known_ways.join(", "));
        section.fault("auth", format!("{stranger:?}"), allowed);
        return None;
    }
    if rule.is_empty() {
        let allowed = "at least one of auth, issuer, audience, scope and claims; a pool that is open to all has no rule";
        section.fault("auth", "a rule without a condition", allowed);
        return None;
    }
    Some(rule)
}

/// `audience`, `scope` and `claims`, each of which may be absent.
pub(super) fn conditions(section: &mut Section<'_, '_>) -> Option<Conditions> {
    let audiences = section.optional_list("audience", LIST);
    let scopes = section.optional_list("scope", LIST);
    let paths = section.names("claims");
    let mut claims = section.inner("claims");
    let claims: Vec<Option<(ClaimPath, Vec<String>)>> =
        paths.iter().map(|path| condition(&mut claims, path)).collect();
    let claims = claims.into_iter().collect::<Option<_>>();
    Some(Conditions { audiences: audiences?, scopes: scopes?, claims: claims? })
}

fn condition(section: &mut Section<'_, '_>, path: &str) -> Option<(ClaimPath, Vec<String>)> {
    let values = section.optional_list(path, LIST);
    match ClaimPath::parse(path) {
        Ok(path) => Some((path, values?)),
        Err(why) => {
            section.fault(path, format!("{path:?} ({why})"), "a claim's name, or a JSON pointer");
            None
        }
    }
}
