//! The roles of a pool, set by `SetIdentityPoolRoles`, and the choice of a role for an identity.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::{ErrorType, OperationError};
use crate::validation::{self, null_is_default};
use cognito_types::RoleArn;

/// The keys of `Roles`.
const AUTHENTICATED: &str = "authenticated";
const UNAUTHENTICATED: &str = "unauthenticated";

/// Roles and mappings, in the format of the API and of the state file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PoolRoles {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub(crate) roles: BTreeMap<String, String>,
    /// Rules by provider. Stored, but not applied: see [`PoolRoles::select_role`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub(crate) role_mappings: BTreeMap<String, RoleMapping>,
}

/// The shape `RoleMapping` of the service model. A missing `Type` is parsed as an empty one, which the check rejects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoleMapping {
    #[serde(default, deserialize_with = "null_is_default")]
    r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ambiguous_role_resolution: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules_configuration: Option<RulesConfiguration>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RulesConfiguration {
    #[serde(default, deserialize_with = "null_is_default")]
    rules: Vec<MappingRule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MappingRule {
    #[serde(default, deserialize_with = "null_is_default")]
    claim: String,
    #[serde(default, deserialize_with = "null_is_default")]
    match_type: String,
    #[serde(default, deserialize_with = "null_is_default")]
    value: String,
    #[serde(default, rename = "RoleARN", deserialize_with = "null_is_default")]
    role_arn: String,
}

impl PoolRoles {
    /// Roles without mappings.
    pub(crate) fn new(authenticated: Option<&RoleArn>, unauthenticated: Option<&RoleArn>) -> Self {
        let roles = [(AUTHENTICATED, authenticated), (UNAUTHENTICATED, unauthenticated)];
        let roles = roles.into_iter().filter_map(|(name, role)| Some((name.to_owned(), role?.as_str().to_owned())));
        Self { roles: roles.collect(), role_mappings: BTreeMap::new() }
    }

    /// Checks the service model's constraints.
    pub(crate) fn check(&self) -> Result<(), OperationError> {
        validation::count("roles", self.roles.len(), 0..=2)?;
        for (name, arn) in &self.roles {
            if name != AUTHENTICATED && name != UNAUTHENTICATED {
                return Err(validation::violation(
                    "roles",
                    "Map keys must satisfy regular expression pattern: (un)?authenticated",
                ));
            }
            check_role("roles", arn)?;
        }
        validation::count("roleMappings", self.role_mappings.len(), 0..=10)?;
        for (provider, mapping) in &self.role_mappings {
            validation::length("roleMappings", provider, 1..=128)?;
            mapping.check()?;
        }
        Ok(())
    }

    /// The role of an identity: the pool's role for authenticated identities or guests, or the requested one.
    ///
    /// Mappings are rules over the claims of other providers' tokens, which the emulator does not verify. They do not
    /// change the role, but an authenticated identity may request any role that a rule names.
    pub(crate) fn select_role(
        &self,
        authenticated: bool,
        requested: Option<&RoleArn>,
    ) -> Result<RoleArn, OperationError> {
        let own = self.roles.get(if authenticated { AUTHENTICATED } else { UNAUTHENTICATED });
        match requested {
            Some(role) if own.is_some_and(|own| own == role.as_str()) => Ok(role.clone()),
            Some(role) if authenticated && self.rules().any(|rule| rule.role_arn == role.as_str()) => Ok(role.clone()),
            Some(_) => Err(OperationError::not_authorized("Access to the role in CustomRoleArn is forbidden.")),
            None => own.and_then(|own| RoleArn::parse(own).ok()).ok_or_else(|| {
                OperationError::new(
                    ErrorType::InvalidPoolConfiguration,
                    "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
                )
            }),
        }
    }

    fn rules(&self) -> impl Iterator<Item = &MappingRule> {
        self.role_mappings.values().filter_map(|mapping| mapping.rules_configuration.as_ref()).flat_map(|c| &c.rules)
    }
}

impl RoleMapping {
    fn check(&self) -> Result<(), OperationError> {
        const MEMBER: &str = "roleMappings";
        check_enum_value(MEMBER, &self.r#type, &["Token", "Rules"])?;
        // Optional in the model, but required for both types by the documentation.
        let resolution = self.ambiguous_role_resolution.as_deref();
        check_enum_value(MEMBER, validation::required(MEMBER, resolution)?, &["AuthenticatedRole", "Deny"])?;
        if self.r#type == "Rules" {
            validation::required(MEMBER, self.rules_configuration.as_ref())?;
        }
        let Some(configuration) = &self.rules_configuration else { return Ok(()) };
        validation::count(MEMBER, configuration.rules.len(), 1..=400)?;
        configuration.rules.iter().try_for_each(MappingRule::check)
    }
}

impl MappingRule {
    fn check(&self) -> Result<(), OperationError> {
        const MEMBER: &str = "roleMappings";
        validation::length(MEMBER, &self.claim, 1..=64)?;
        validation::characters(MEMBER, &self.claim, r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", |c| {
            !c.is_whitespace() && !c.is_control()
        })?;
        check_enum_value(MEMBER, &self.match_type, &["Equals", "Contains", "StartsWith", "NotEqual"])?;
        validation::length(MEMBER, &self.value, 1..=128)?;
        check_role(MEMBER, &self.role_arn)
    }
}

fn check_role(member: &str, arn: &str) -> Result<(), OperationError> {
    validation::length(member, arn, 20..=2048)?;
    RoleArn::parse(arn)
        .map(drop)
        .map_err(|error| OperationError::invalid_parameter(format!("Invalid role ARN in {member}: {error}.")))
}

fn check_enum_value(member: &str, text: &str, allowed: &[&str]) -> Result<(), OperationError> {
    if allowed.contains(&text) {
        Ok(())
    } else {
        let allowed = allowed.join(", ");
        Err(validation::violation(member, format_args!("Member must satisfy enum value set: [{allowed}]")))
    }
}
