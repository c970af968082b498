//! The table of operations: service, name, whether a signature is required, and the handler.
//!
//! To add one, write its handler next to related ones under `operations/` and add a line here.

mod assume_role;
mod caller_identity;
pub(crate) mod context;
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

use self::context::OperationContext;
use crate::protocol::{AwsService, OperationResult};

type Handler = fn(&OperationContext<'_>) -> OperationResult;

/// One operation.
pub(crate) struct Operation {
    pub(crate) service: AwsService,
    pub(crate) name: &'static str,
    /// Whether AWS credentials are required. The other operations ignore a signature.
    pub(crate) signed: bool,
    pub(crate) handler: Handler,
}

const fn signed(name: &'static str, handler: Handler) -> Operation {
    Operation { service: AwsService::CognitoIdentity, name, signed: true, handler }
}

const fn unsigned(name: &'static str, handler: Handler) -> Operation {
    Operation { signed: false, ..signed(name, handler) }
}

const fn sts(operation: Operation) -> Operation {
    Operation { service: AwsService::Sts, ..operation }
}

const fn iam(operation: Operation) -> Operation {
    Operation { service: AwsService::Iam, ..operation }
}

/// Sorted by name. Names are unique across services, so that faults and counts need only the name.
static OPERATIONS: [Operation; 27] = [
    sts(unsigned("AssumeRoleWithWebIdentity", assume_role::assume_role_with_web_identity)),
    signed("CreateIdentityPool", pools::create_identity_pool),
    signed("DeleteIdentities", delete_identities::delete_identities),
    signed("DeleteIdentityPool", pools::delete_identity_pool),
    signed("DescribeIdentity", describe_identities::describe_identity),
    signed("DescribeIdentityPool", pools::describe_identity_pool),
    sts(signed("GetCallerIdentity", caller_identity::get_caller_identity)),
    unsigned("GetCredentialsForIdentity", credentials::get_credentials_for_identity),
    unsigned("GetId", identities::get_id),
    signed("GetIdentityPoolRoles", roles::get_identity_pool_roles),
    unsigned("GetOpenIdToken", tokens::get_open_id_token),
    signed("GetOpenIdTokenForDeveloperIdentity", tokens::get_open_id_token_for_developer_identity),
    signed("GetPrincipalTagAttributeMap", principal_tags::get_principal_tag_attribute_map),
    iam(signed("GetRole", iam_roles::get_role)),
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
    iam(signed("UpdateAssumeRolePolicy", iam_roles::update_assume_role_policy)),
    signed("UpdateIdentityPool", pools::update_identity_pool),
];

/// Finds an operation of a service by name.
pub(crate) fn find(service: AwsService, name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.service == service && operation.name == name)
}

/// Whether any service has an operation of that name.
pub(crate) fn is_known(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.name == name)
}
