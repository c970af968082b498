//! Identity pools: settings in the format of the API, roles, tag maps and providers.

mod principal_tags;
mod roles;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::OperationError;
use crate::settings::PoolSeed;
use crate::validation::{self, null_is_default};
use cognito_types::IdentityPoolId;

pub(crate) use principal_tags::TagMap;
pub(crate) use roles::{PoolRoles, RoleMapping};

/// The input of `CreateIdentityPool`, and the output of `DescribeIdentityPool` without the id.
///
/// A missing name is parsed as an empty one, which the length check rejects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PoolSettings {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) identity_pool_name: String,
    /// Always present in checked settings.
    pub(crate) allow_unauthenticated_identities: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allow_classic_flow: Option<bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub(crate) supported_login_providers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) developer_provider_name: Option<String>,
    #[serde(
        default,
        rename = "OpenIdConnectProviderARNs",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_default"
    )]
    pub(crate) open_id_connect_provider_arns: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub(crate) cognito_identity_providers: Vec<CognitoProvider>,
    #[serde(
        default,
        rename = "SamlProviderARNs",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_default"
    )]
    pub(crate) saml_provider_arns: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub(crate) identity_pool_tags: BTreeMap<String, String>,
}

/// A user pool that an identity pool trusts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CognitoProvider {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server_side_token_check: Option<bool>,
}

impl PoolSettings {
    /// Checks the service model's constraints.
    pub(crate) fn check(&self) -> Result<(), OperationError> {
        validation::length("identityPoolName", &self.identity_pool_name, 1..=128)?;
        validation::characters("identityPoolName", &self.identity_pool_name, r"[\w\s+=,.@-]+", |c| {
            c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "_+=,.@-".contains(c)
        })?;
        validation::required("allowUnauthenticatedIdentities", self.allow_unauthenticated_identities)?;
        validation::count("supportedLoginProviders", self.supported_login_providers.len(), 0..=10)?;
        for (name, value) in &self.supported_login_providers {
            validation::length("supportedLoginProviders", name, 1..=128)?;
            validation::length("supportedLoginProviders", value, 1..=128)?;
            validation::characters("supportedLoginProviders", value, r"[\w.;_/-]+", |c| {
                c.is_ascii_alphanumeric() || ".;_/-".contains(c)
            })?;
        }
        if self.developer_provider_name.is_some() {
            validation::developer_provider(self.developer_provider_name.clone())?;
        }
        for arn in &self.open_id_connect_provider_arns {
            validation::length("openIdConnectProviderARNs", arn, 20..=2048)?;
        }
        for arn in &self.saml_provider_arns {
            validation::length("samlProviderARNs", arn, 20..=2048)?;
        }
        for provider in &self.cognito_identity_providers {
            provider.check()?;
        }
        check_resource_tags("identityPoolTags", &self.identity_pool_tags)
    }
}

impl CognitoProvider {
    fn check(&self) -> Result<(), OperationError> {
        const MEMBER: &str = "cognitoIdentityProviders";
        if let Some(name) = &self.provider_name {
            validation::length(MEMBER, name, 1..=128)?;
            validation::characters(MEMBER, name, r"[\w._:/-]+", |c| c.is_ascii_alphanumeric() || "._:/-".contains(c))?;
        }
        if let Some(client) = &self.client_id {
            validation::length(MEMBER, client, 1..=128)?;
            validation::characters(MEMBER, client, r"[\w_]+", |c| c.is_ascii_alphanumeric() || c == '_')?;
        }
        Ok(())
    }
}

/// At most 50 tags; keys of 1 to 128 characters, values of at most 256.
pub(crate) fn check_resource_tags(member: &str, tags: &BTreeMap<String, String>) -> Result<(), OperationError> {
    validation::count(member, tags.len(), 0..=50)?;
    for (key, value) in tags {
        validation::length(member, key, 1..=128)?;
        validation::length(member, value, 0..=256)?;
    }
    Ok(())
}

/// A pool without its identities.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pool {
    pub(crate) id: IdentityPoolId,
    pub(crate) settings: PoolSettings,
    /// `None` until they are set. Until then, every identity has a role of the emulator's own.
    pub(crate) roles: Option<PoolRoles>,
    /// By provider name.
    pub(crate) tag_maps: BTreeMap<String, TagMap>,
}

impl Pool {
    /// A pool without roles and tag maps.
    pub(crate) fn new(id: IdentityPoolId, settings: PoolSettings) -> Self {
        Self { id, settings, roles: None, tag_maps: BTreeMap::new() }
    }

    /// The pool of a seed. Settings that the seed does not have are those of `previous`.
    pub(crate) fn from_seed(previous: Option<&Self>, seed: &PoolSeed) -> Self {
        let previous = previous.cloned().unwrap_or_else(|| Self::new(seed.id.clone(), PoolSettings::default()));
        let seeds_roles = seed.authenticated_role.is_some() || seed.unauthenticated_role.is_some();
        Self {
            settings: PoolSettings {
                identity_pool_name: seed.name.clone(),
                allow_unauthenticated_identities: Some(seed.allow_guests),
                developer_provider_name: Some(seed.developer_provider.as_str().to_owned()),
                supported_login_providers: seed.supported_login_providers.clone(),
                ..previous.settings
            },
            roles: if seeds_roles {
                Some(PoolRoles::new(seed.authenticated_role.as_ref(), seed.unauthenticated_role.as_ref()))
            } else {
                previous.roles
            },
            ..previous
        }
    }

    pub(crate) fn allows_guests(&self) -> bool {
        self.settings.allow_unauthenticated_identities == Some(true)
    }

    pub(crate) fn has_developer_provider(&self, name: &str) -> bool {
        self.settings.developer_provider_name.as_deref() == Some(name)
    }

    /// Whether the pool has that public provider: a supported login provider, a user pool, an OpenID Connect provider
    /// (the part of its ARN after `oidc-provider/`) or a SAML provider (its ARN).
    pub(crate) fn has_public_provider(&self, name: &str) -> bool {
        let settings = &self.settings;
        settings.supported_login_providers.contains_key(name)
            || settings
                .cognito_identity_providers
                .iter()
                .any(|provider| provider.provider_name.as_deref() == Some(name))
            || settings
                .open_id_connect_provider_arns
                .iter()
                .any(|arn| arn.split_once(":oidc-provider/").is_some_and(|(_, provider)| provider == name))
            || settings.saml_provider_arns.iter().any(|arn| arn == name)
    }

    pub(crate) fn description(&self) -> PoolDescription<'_> {
        PoolDescription { identity_pool_id: self.id.as_str(), settings: &self.settings }
    }
}

/// The shape `IdentityPool` of the service model.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PoolDescription<'a> {
    identity_pool_id: &'a str,
    #[serde(flatten)]
    settings: &'a PoolSettings,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_provider_is_found_in_each_of_the_four_lists() {
        let settings = serde_json::json!({
            "SupportedLoginProviders": {"accounts.google.com": "app"},
            "CognitoIdentityProviders": [{"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_x"}],
            "OpenIdConnectProviderARNs": ["arn:aws:iam::123456789012:oidc-provider/login.example/oidc"],
            "SamlProviderARNs": ["arn:aws:iam::123456789012:saml-provider/corp"],
        });
        let id = IdentityPoolId::parse("us-east-1:1").unwrap();
        let pool = Pool::new(id, serde_json::from_value(settings).unwrap());
        for known in [
            "accounts.google.com",
            "cognito-idp.us-east-1.amazonaws.com/us-east-1_x",
            "login.example/oidc",
            "arn:aws:iam::123456789012:saml-provider/corp",
        ] {
            assert!(pool.has_public_provider(known), "{known}");
        }
        assert!(!pool.has_public_provider("graph.facebook.com"));
    }

    #[test]
    fn settings_without_a_name_or_without_the_guest_setting_are_rejected() {
        for bad in ["{}", r#"{"IdentityPoolName":"a"}"#, r#"{"AllowUnauthenticatedIdentities":true}"#] {
            assert!(serde_json::from_str::<PoolSettings>(bad).unwrap().check().is_err(), "{bad}");
        }
        let odd = r#"{"IdentityPoolName":"a/b","AllowUnauthenticatedIdentities":true}"#;
        assert!(serde_json::from_str::<PoolSettings>(odd).unwrap().check().is_err());
    }
}
