//! OpenAPI document of the public listener.

use actix_web::HttpResponse;

/// The OpenAPI 3.1 document of the public listener.
pub const DOCUMENT: &str = include_str!("../../docs/openapi/public.json");

pub(super) async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT)
}
