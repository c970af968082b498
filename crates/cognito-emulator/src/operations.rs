//! The table of operations: a name, whether it must be signed, and who answers it.
//!
//! To add one: write its handler beside its kin under `operations/`, and add a line here.

mod assume_role;
mod caller_identity;
mod credentials;
mod delete_identities;
mod describe_identities;
mod iam_roles;
mod identities;
mod linking;
mod pagination;
mod pools;
mod principal_tags;
mod resource_tags;
mod roles;
mod tokens;

use std::sync::MutexGuard;

use super::backend::Backend;
use super::faults::MintOptions;
use super::protocol::{Api, ApiError, OperationResult};
use super::sigv4::Signer;
use super::state::State;
use clock::Timestamp;

/// One call on its way to the answer.
pub(super) struct OperationContext<'a> {
    pub(super) service: &'a Backend,
    /// JSON for Cognito, a form for STS and IAM.
    pub(super) input: &'a [u8],
    pub(super) now: Timestamp,
    /// None for an unsigned operation.
    pub(super) signer: Option<Signer<'a>>,
    pub(super) minting: MintOptions,
}

impl OperationContext<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.service.lock_state()
    }

    /// Who signed a signed operation, and for which region.
    fn signer(&self) -> Result<&Signer<'_>, ApiError> {
        self.signer.as_ref().ok_or_else(ApiError::internal)
    }
}

/// One operation.
pub(super) struct Operation {
    pub(super) api: Api,
    pub(super) name: &'static str,
    /// Whether it needs AWS credentials. The others ignore a signature.
    pub(super) signed: bool,
    pub(super) handler: fn(&OperationContext<'_>) -> OperationResult,
}

const fn signed(name: &'static str, handler: fn(&OperationContext<'_>) -> OperationResult) -> Operation {
    Operation { api: Api::CognitoIdentity, name, signed: true, handler }
}

const fn unsigned(name: &'static str, handler: fn(&OperationContext<'_>) -> OperationResult) -> Operation {
    Operation { signed: false, ..signed(name, handler) }
}

const fn of_sts(operation: Operation) -> Operation {
    Operation { api: Api::Sts, ..operation }
}

const fn of_iam(operation: Operation) -> Operation {
    Operation { api: Api::Iam, ..operation }
}

/// By name; no two services have one of the same name, so that faults and counts can go by it.
static OPERATIONS: [Operation; 27] = [
    of_sts(unsigned("AssumeRoleWithWebIdentity", assume_role::assume_role_with_web_identity)),
    signed("CreateIdentityPool", pools::create_identity_pool),
    signed("DeleteIdentities", delete_identities::delete_identities),
    signed("DeleteIdentityPool", pools::delete_identity_pool),
    signed("DescribeIdentity", describe_identities::describe_identity),
    signed("DescribeIdentityPool", pools::describe_identity_pool),
    of_sts(signed("GetCallerIdentity", caller_identity::get_caller_identity)),
    unsigned("GetCredentialsForIdentity", credentials::get_credentials_for_identity),
    unsigned("GetId", identities::get_id),
    signed("GetIdentityPoolRoles", roles::get_identity_pool_roles),
    unsigned("GetOpenIdToken", tokens::get_open_id_token),
    signed("GetOpenIdTokenForDeveloperIdentity", tokens::get_open_id_token_for_developer_identity),
    signed("GetPrincipalTagAttributeMap", principal_tags::get_principal_tag_attribute_map),
    of_iam(signed("GetRole", iam_roles::get_role)),
    signed("ListIdentities", describe_identities::list_identities),
    signed("ListIdentityPools", pools::list_identity_pools),
    signed("ListTagsForResource", resource_tags::list_tags_for_resource),
    signed("LookupDeveloperIdentity", identities::lookup_developer_identity),
    signed("MergeDeveloperIdentities", linking::merge_developer_identities),
    signed("SetIdentityPoolRoles", roles::set_identity_pool_roles),
    signed("SetPrincipalTagAttributeMap", principal_tags::set_principal_tag_attribute_map),
    signed("TagResource", resource_tags::tag_resource),
    signed("UnlinkDeveloperIdentity", linking::unlink_developer_identity),
    unsigned("UnlinkIdentity", linking::unlink_identity),
    signed("UntagResource", resource_tags::untag_resource),
    of_iam(signed("UpdateAssumeRolePolicy", iam_roles::update_assume_role_policy)),
    signed("UpdateIdentityPool", pools::update_identity_pool),
];

/// The operation of that name, if the service has one.
pub(super) fn find(api: Api, name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.api == api && operation.name == name)
}

/// Whether any service has an operation of that name.
pub(super) fn is_known(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.name == name)
}
