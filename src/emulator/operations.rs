//! The table of operations: a name, whether it must be signed, and who answers it.
//!
//! To add one: write its handler beside its kin under `operations/`, and add a line here.

mod credentials;
mod deleting;
mod describing;
mod identities;
mod linking;
mod paging;
mod pools;
mod tokens;

use std::sync::MutexGuard;

use super::faults::Minting;
use super::service::Service;
use super::state::State;
use super::wire::Answer;
use crate::clock::Timestamp;

/// One call on its way to the answer.
pub(super) struct Call<'a> {
    pub(super) service: &'a Service,
    pub(super) body: &'a [u8],
    pub(super) now: Timestamp,
    /// The region that the signature is scoped to; none for an unsigned operation.
    pub(super) region: Option<&'a str>,
    pub(super) minting: Minting,
}

impl Call<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.service.lock_state()
    }
}

/// One operation.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Whether it needs AWS credentials. The others ignore a signature.
    pub(super) signed: bool,
    pub(super) handler: fn(&Call<'_>) -> Answer,
}

const fn signed(name: &'static str, handler: fn(&Call<'_>) -> Answer) -> Operation {
    Operation { name, signed: true, handler }
}

const fn unsigned(name: &'static str, handler: fn(&Call<'_>) -> Answer) -> Operation {
    Operation { name, signed: false, handler }
}

static OPERATIONS: [Operation; 14] = [
    signed("CreateIdentityPool", pools::create_identity_pool),
    signed("DeleteIdentities", deleting::delete_identities),
    signed("DescribeIdentity", describing::describe_identity),
    signed("DescribeIdentityPool", pools::describe_identity_pool),
    unsigned("GetCredentialsForIdentity", credentials::get_credentials_for_identity),
    unsigned("GetId", identities::get_id),
    unsigned("GetOpenIdToken", tokens::get_open_id_token),
    signed("GetOpenIdTokenForDeveloperIdentity", tokens::get_open_id_token_for_developer_identity),
    signed("ListIdentities", describing::list_identities),
    signed("ListIdentityPools", pools::list_identity_pools),
    signed("LookupDeveloperIdentity", identities::lookup_developer_identity),
    signed("MergeDeveloperIdentities", linking::merge_developer_identities),
    signed("UnlinkDeveloperIdentity", linking::unlink_developer_identity),
    unsigned("UnlinkIdentity", linking::unlink_identity),
];

/// The operation of that name.
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}
