//! Roles of pools, and the role of an identity.

use cognito_emulator::{AccessKey, PoolSeed, RoleArn, Settings};
use serde_json::{Value, json};

use super::{Harness, POOL, Response, client, settings, with_guests};

const USERS: &str = "arn:aws:iam::123456789012:role/Users";
const GUESTS: &str = "arn:aws:iam::123456789012:role/Guests";
const ADMINS: &str = "arn:aws:iam::123456789012:role/Admins";

/// The input of a request for credentials.
struct Asking<'a> {
    harness: &'a Harness,
    user: Value,
    guest: Value,
}

impl<'a> Asking<'a> {
    async fn of(harness: &'a Harness) -> Self {
        let (alice, token) = harness.vend("alice").await;
        let logins = json!({"cognito-identity.amazonaws.com": token});
        let guest = harness.call("GetId", json!({"IdentityPoolId": POOL})).await;
        Self { harness, user: json!({"IdentityId": alice, "Logins": logins}), guest: guest.body }
    }

    async fn ask(&self, input: &Value, role: Option<&str>) -> Response {
        let mut input = input.clone();
        input["CustomRoleArn"] = json!(role);
        self.harness.call("GetCredentialsForIdentity", input).await
    }

    /// The role of the credentials, or the error.
    async fn outcome(&self, input: &Value, role: Option<&str>) -> String {
        let response = self.ask(input, role).await;
        if response.status != 200 {
            return response.error().1.to_owned();
        }
        let sessions = self.harness.get("/_emulator/sessions").await;
        let arn = sessions["sessions"].as_array().unwrap().last().unwrap()["arn"].clone();
        let arn = arn.as_str().unwrap().strip_suffix("/CognitoIdentityCredentials").unwrap();
        arn.rsplit('/').next().unwrap().to_owned()
    }

    async fn user(&self, role: Option<&str>) -> String {
        self.outcome(&self.user, role).await
    }

    async fn guest(&self, role: Option<&str>) -> String {
        self.outcome(&self.guest, role).await
    }
}

async fn set_roles(harness: &Harness, roles: &[(&str, &str)], mapped: Option<&str>) {
    use aws_sdk_cognitoidentity::types::{AmbiguousRoleResolutionType, RulesConfigurationType};
    use aws_sdk_cognitoidentity::types::{MappingRule, MappingRuleMatchType, RoleMapping, RoleMappingType};

    let roles = roles.iter().map(|(name, arn)| ((*name).to_owned(), (*arn).to_owned())).collect();
    let mut call = harness.aws.set_identity_pool_roles().identity_pool_id(POOL).set_roles(Some(roles));
    if let Some(arn) = mapped {
        let rule = MappingRule::builder().claim("group").match_type(MappingRuleMatchType::Equals);
        let rule = rule.value("admins").role_arn(arn).build().unwrap();
        let rules = RulesConfigurationType::builder().rules(rule).build().unwrap();
        let mapping = RoleMapping::builder().r#type(RoleMappingType::Rules).rules_configuration(rules);
        let mapping = mapping.ambiguous_role_resolution(AmbiguousRoleResolutionType::Deny);
        call = call.role_mappings("accounts.google.com", mapping.build().unwrap());
    }
    call.send().await.unwrap();
}

#[tokio::test]
async fn a_pool_without_roles_gives_the_emulators_own_roles() {
    let harness = Harness::with(with_guests()).await;
    let asking = Asking::of(&harness).await;
    assert_eq!(asking.user(None).await, "EmulatorAuthenticated");
    assert_eq!(asking.guest(None).await, "EmulatorUnauthenticated");
    assert_eq!(asking.user(Some(ADMINS)).await, "Admins");
    let output = harness.aws.get_identity_pool_roles().identity_pool_id(POOL).send().await.unwrap();
    assert!(output.roles().is_none());
}

#[tokio::test]
async fn users_and_guests_get_their_role_and_no_other() {
    let harness = Harness::with(with_guests()).await;
    let asking = Asking::of(&harness).await;
    set_roles(&harness, &[("authenticated", USERS), ("unauthenticated", GUESTS)], Some(ADMINS)).await;
    assert_eq!(asking.user(None).await, "Users");
    assert_eq!(asking.guest(None).await, "Guests");

    assert_eq!(asking.user(Some(USERS)).await, "Users");
    assert_eq!(asking.user(Some(ADMINS)).await, "Admins", "a rule names it");
    assert_eq!(asking.user(Some(GUESTS)).await, "NotAuthorizedException");
    assert_eq!(asking.guest(Some(ADMINS)).await, "NotAuthorizedException");
    assert_eq!(asking.guest(Some("arn:aws:iam::1:role/too-short")).await, "InvalidParameterException");

    let output = harness.aws.get_identity_pool_roles().identity_pool_id(POOL).send().await.unwrap();
    assert_eq!(output.roles().unwrap()["authenticated"], USERS);
    assert!(output.role_mappings().unwrap().contains_key("accounts.google.com"));
}

#[tokio::test]
async fn an_identity_without_a_role_gets_the_error_for_an_invalid_configuration() {
    let harness = Harness::with(with_guests()).await;
    let asking = Asking::of(&harness).await;
    set_roles(&harness, &[("authenticated", USERS)], None).await;
    assert_eq!(asking.user(None).await, "Users");
    assert_eq!(asking.guest(None).await, "InvalidIdentityPoolConfigurationException");
    set_roles(&harness, &[], None).await;
    assert_eq!(asking.user(None).await, "InvalidIdentityPoolConfigurationException");
}

#[tokio::test]
async fn a_seed_can_set_the_roles() {
    let role = |arn: &str| Some(RoleArn::parse(arn).unwrap());
    let pool = PoolSeed {
        allow_guests: true,
        authenticated_role: role(USERS),
        unauthenticated_role: role(GUESTS),
        ..PoolSeed::default()
    };
    let harness = Harness::with(Settings { pools: vec![pool], ..settings() }).await;
    let asking = Asking::of(&harness).await;
    assert_eq!((asking.user(None).await, asking.guest(None).await), ("Users".to_owned(), "Guests".to_owned()));
}

#[tokio::test]
async fn principal_tags_become_session_tags() {
    let harness = Harness::start().await;
    let aws = client(&harness.emulator.url(), &AccessKey::default());
    let call = aws.get_open_id_token_for_developer_identity().identity_pool_id(POOL);
    let output = call.logins(super::PROVIDER, "alice").principal_tags("team", "red").send().await.unwrap();
    let logins = json!({"cognito-identity.amazonaws.com": output.token()});
    let input = json!({"IdentityId": output.identity_id(), "Logins": logins});
    assert_eq!(harness.call("GetCredentialsForIdentity", input).await.status, 200);
    let sessions = harness.get("/_emulator/sessions").await;
    assert_eq!(sessions["sessions"][0]["tags"], json!({"team": "red"}));
}
