//! OpenAPI document of the admin listener. It needs no credential, because it names no pool and no user.

use actix_web::HttpResponse;

/// The OpenAPI 3.1 document of the admin listener.
pub(crate) const DOCUMENT: &str = include_str!("../../docs/openapi/admin.json");

pub(super) async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT)
}
