//! `/admin/v1/pools/{pool}/users/{user}`: lookup of a user's identity and cached tokens, purge of these, and merge with
//! another user.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::problems::{LOOKUP, MERGE};
use super::{AdminState, parameters};
use crate::audit::event::Action;
use crate::http::audit::{record, record_intent};
use crate::http::{Problem, body};
use crate::issuer::identity_registry::IdentityQuery;

pub(super) async fn lookup(request: HttpRequest, admin: web::Data<AdminState>) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let (page, kind) = parameters::page(&request)?;
    let user = admin.user(&request, kind)?;
    let found = admin.identity_admin.look_up(&pool, IdentityQuery::User(&user), &page).await;
    let found = found.map_err(|error| LOOKUP.problem(&request, &error))?;
    record(&request, |context| context.identity = Some(found.identity.clone()));
    let cached = admin.vendor.cached_tokens(&pool, &user);
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "identityPoolId": pool.id.as_str(),
        "user": user.as_str(),
        "identityId": found.identity.as_str(),
        "users": found.users,
        "nextToken": found.next_token,
        "cachedTokens": cached.map_or(0, |cached| cached.tokens),
        "cachedUntil": cached.map(|cached| cached.last_expires_at.to_rfc3339()),
    })))
}

pub(super) async fn purge(request: HttpRequest, admin: web::Data<AdminState>) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let user = admin.user(&request, parameters::user_id_kind(&request)?)?;
    body::reject(&request)?;
    let purged = admin.identity_admin.purge(&pool, &user);
    tracing::info!(pool = &*pool.name, purged, "cached tokens of a user purged");
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "user": user.as_str(),
        "purgedTokens": purged,
    })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeParams {
    /// The user whose identity remains.
    into: String,
}

pub(super) async fn merge(
    request: HttpRequest,
    payload: web::Payload,
    admin: web::Data<AdminState>,
) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let kind = parameters::user_id_kind(&request)?;
    let from = admin.user(&request, kind)?;
    let MergeParams { into } = parameters::json_body(&request, payload).await?;
    let into = admin.resolve_user(&into, kind)?;
    record(&request, |context| context.target_user = Some(into.clone()));
    if from == into {
        return Err(Problem::invalid_request("a user cannot be merged into itself"));
    }
    record_intent(&admin.audit, &request, Action::Merge, admin.clock.now()).await?;
    let merged = admin.identity_admin.merge(&pool, &from, &into).await;
    let merged = merged.map_err(|error| MERGE.problem(&request, &error))?;
    record(&request, |context| {
        context.identity = Some(merged.removed_identity.clone());
        context.target_identity = Some(merged.identity.clone());
    });
    let (identity, removed_identity) = (merged.identity.as_str(), merged.removed_identity.as_str());
    tracing::info!(pool = &*pool.name, identity, removed_identity, "users merged");
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "user": from.as_str(),
        "into": into.as_str(),
        "identityId": identity,
        "removedIdentityId": (merged.identity != merged.removed_identity).then_some(removed_identity),
    })))
}
