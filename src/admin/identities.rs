//! `/admin/v1/pools/{pool}/identities`: list, describe and delete identities, and unlink a user from one.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problems::{DELETE, DESCRIBE, LIST, UNLINK, delete_failure};
use super::{AdminState, parameters};
use crate::audit::event::Action;
use crate::http::audit::{record, record_intent};
use crate::http::{Problem, body};
use crate::identity_admin::DeleteResult;
use crate::issuer::identity_registry::{DeleteFailureReason, DescribedIdentity, PageRequest};
use crate::pools::Pool;
use cognito_types::IdentityId;

pub(super) async fn list(request: HttpRequest, admin: web::Data<AdminState>) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let (page, _) = parameters::page(&request)?;
    let listed = admin.identity_admin.list(&pool, &page).await;
    let listed = listed.map_err(|error| LIST.problem(&request, &error))?;
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "identityPoolId": pool.id.as_str(),
        "identities": listed.identities.iter().map(to_json).collect::<Vec<_>>(),
        "nextToken": listed.next_token,
    })))
}

pub(super) async fn describe(request: HttpRequest, admin: web::Data<AdminState>) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let identity = parameters::identity(&request)?;
    let (page, _) = parameters::page(&request)?;
    let described = admin.identity_admin.describe(&pool, &identity, &page).await;
    let (description, found) = described.map_err(|error| DESCRIBE.problem(&request, &error))?;
    let mut response = to_json(&description);
    response["pool"] = json!(&*pool.name);
    response["identityPoolId"] = json!(pool.id.as_str());
    response["users"] = json!(found.users);
    response["nextToken"] = json!(found.next_token);
    Ok(HttpResponse::Ok().json(response))
}

fn to_json(description: &DescribedIdentity) -> Value {
    json!({
        "identityId": description.identity.as_str(),
        "logins": description.logins,
        "createdAt": description.created_at.map(|timestamp| timestamp.to_rfc3339()),
        "modifiedAt": description.modified_at.map(|timestamp| timestamp.to_rfc3339()),
    })
}

pub(super) async fn unlink(request: HttpRequest, admin: web::Data<AdminState>) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let identity = parameters::identity(&request)?;
    let user = admin.user(&request, parameters::user_id_kind(&request)?)?;
    body::reject(&request)?;
    record_intent(&admin.audit, &request, Action::Unlink, admin.clock.now()).await?;
    let outcome = admin.identity_admin.unlink(&pool, &identity, &user).await;
    outcome.map_err(|error| UNLINK.problem(&request, &error))?;
    tracing::info!(pool = &*pool.name, identity = identity.as_str(), "user unlinked");
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "identityId": identity.as_str(),
        "user": user.as_str(),
        "consequence": "the next token of this user has a new identity",
    })))
}

pub(super) async fn delete(request: HttpRequest, admin: web::Data<AdminState>) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let identity = parameters::identity(&request)?;
    body::reject(&request)?;
    let outcome = delete_audited(&request, &admin, &pool, vec![identity]).await?;
    match outcome.failures.first() {
        None => Ok(HttpResponse::NoContent().finish()),
        Some(failure) => Err(delete_failure(failure.reason)),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeleteParams {
    identity_ids: Vec<String>,
}

pub(super) async fn delete_all(
    request: HttpRequest,
    payload: web::Payload,
    admin: web::Data<AdminState>,
) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let DeleteParams { identity_ids } = parameters::json_body(&request, payload).await?;
    let mut identities: Vec<IdentityId> =
        parameters::or_invalid(identity_ids.iter().map(|id| IdentityId::parse(id)).collect())?;
    identities.sort_unstable();
    identities.dedup();
    if !(1..=usize::from(PageRequest::MAX_ITEMS)).contains(&identities.len()) {
        let detail = format!("identityIds has from 1 to {} identity ids", PageRequest::MAX_ITEMS);
        return Err(Problem::invalid_request(detail));
    }
    record(&request, |context| context.identities.clone_from(&identities));
    let outcome = delete_audited(&request, &admin, &pool, identities).await?;
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "deleted": outcome.deleted.iter().map(IdentityId::as_str).collect::<Vec<_>>(),
        "undeleted": outcome.failures.iter().map(|failure| json!({
            "identityId": failure.identity.as_str(),
            "reason": match failure.reason {
                DeleteFailureReason::Unknown => "unknown",
                DeleteFailureReason::Denied => "denied",
                DeleteFailureReason::Failed => "failed",
            },
        })).collect::<Vec<_>>(),
    })))
}

async fn delete_audited(
    request: &HttpRequest,
    admin: &AdminState,
    pool: &std::sync::Arc<Pool>,
    identities: Vec<IdentityId>,
) -> Result<DeleteResult, Problem> {
    record_intent(&admin.audit, request, Action::Delete, admin.clock.now()).await?;
    let outcome = admin.identity_admin.delete(pool, identities).await;
    let outcome = outcome.map_err(|error| DELETE.problem(request, &error))?;
    record(request, |context| {
        context.failed_identities = outcome.failures.iter().map(|failure| failure.identity.clone()).collect();
    });
    for identity in &outcome.deleted {
        tracing::info!(pool = &*pool.name, identity = identity.as_str(), "identity deleted");
    }
    Ok(outcome)
}
