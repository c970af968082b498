//! Construction of routes: every resource responds to an unsupported method with 405 and `Allow`.

use actix_web::{HttpResponse, Resource, Route, web};

use super::problem::{Problem, ProblemType};

/// A resource with these methods; other methods get 405 with `Allow`.
pub(crate) fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        Problem::new(ProblemType::MethodNotAllowed, format!("this resource supports {methods}")).allow(methods)
    }))
}

/// A resource with GET only.
pub(crate) fn read_only(path: &str, get: Route) -> Resource {
    resource(path, "GET").route(get)
}

/// A resource with an OpenAPI document. It needs no credential, because the document names no pool and no user.
pub(crate) fn openapi(path: &str, document: &'static str) -> Resource {
    let get = move || async move { HttpResponse::Ok().content_type("application/json").body(document) };
    read_only(path, web::get().to(get))
}

/// The response of a path without a resource.
pub(super) async fn not_found() -> Problem {
    Problem::new(ProblemType::NotFound, "this resource does not exist")
}
