//! `GetCallerIdentity` of STS: the principal that signed the request.

use serde::Serialize;

use super::context::OperationContext;
use crate::protocol::{OperationResult, serialize};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    arn: String,
    user_id: String,
    account: &'a str,
}

pub(super) fn get_caller_identity(context: &OperationContext<'_>) -> OperationResult {
    let principal = &context.signer()?.principal;
    let own_account = &context.emulator.account_id;
    serialize(&Output {
        arn: principal.arn(own_account),
        user_id: principal.user_id(),
        account: principal.account(own_account),
    })
}
