//! STS's `GetCallerIdentity`: who signs here.

use serde::Serialize;

use super::OperationContext;
use crate::protocol::{OperationResult, answer};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    arn: String,
    user_id: String,
    account: &'a str,
}

pub(super) fn get_caller_identity(call: &OperationContext<'_>) -> OperationResult {
    let principal = &call.signer()?.principal;
    let own_account = &call.service.account_id;
    answer(&Output {
        arn: principal.arn(own_account),
        user_id: principal.user_id(),
        account: principal.account(own_account),
    })
}
