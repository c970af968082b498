//! The control endpoints under `/_emulator/`: faults, counted calls, role sessions, and new keys.
//!
//! They have no CORS headers on purpose: a web page may use the emulator, but not steer it.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::json;

use super::backend::Backend;
use super::faults::Faults;
use super::keys::SigningKey;

/// Adds the endpoints to the application.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/_emulator/faults")
                .route(web::get().to(faults))
                .route(web::put().to(set_faults))
                .route(web::delete().to(reset_faults)),
        )
        .service(
            web::resource("/_emulator/calls")
                .route(web::get().to(calls))
                .route(web::delete().to(reset_calls)),
        )
        .route("/_emulator/sessions", web::get().to(sessions))
        .route("/_emulator/keys/rotate", web::post().to(rotate_keys));
}

async fn faults(service: web::Data<Backend>) -> HttpResponse {
    HttpResponse::Ok().json(&*service.faults.get())
}

/// Replaces all faults; what is not named is off.
async fn set_faults(body: Bytes, service: web::Data<Backend>) -> HttpResponse {
    let parsed = serde_json::from_slice::<Faults>(&body).map_err(|fault| fault.to_string());
    match parsed.and_then(|faults| faults.check().map(|()| faults)) {
        Ok(faults) => {
            service.faults.set(faults.clone());
            HttpResponse::Ok().json(faults)
        }
        Err(fault) => HttpResponse::BadRequest().json(json!({ "message": fault })),
    }
}

async fn reset_faults(service: web::Data<Backend>) -> HttpResponse {
    service.faults.set(Faults::default());
    HttpResponse::NoContent().finish()
}

async fn calls(service: web::Data<Backend>) -> HttpResponse {
    HttpResponse::Ok().json(service.calls.to_json())
}

async fn reset_calls(service: web::Data<Backend>) -> HttpResponse {
    service.calls.reset();
    HttpResponse::NoContent().finish()
}

/// Who has taken which role, with which session tags.
async fn sessions(service: web::Data<Backend>) -> HttpResponse {
    HttpResponse::Ok().json(service.sessions.to_json(service.clock.now()))
}

/// Signs with a new key from now on; the old ones stay published.
async fn rotate_keys(request: HttpRequest, service: web::Data<Backend>) -> HttpResponse {
    // The one endpoint here that a page of another origin could reach without asking first.
    if request.headers().contains_key("origin") {
        return HttpResponse::Forbidden().json(json!({ "message": "not for web pages" }));
    }
    // Making a key takes long enough to hold up the other calls of this worker.
    let key = web::block(SigningKey::generate).await;
    match key.ok().and_then(Result::ok).and_then(|key| service.keys.add(key).ok()) {
        Some(kid) => {
            service.lock_state().changed();
            HttpResponse::Ok().json(json!({ "kid": kid }))
        }
        None => HttpResponse::InternalServerError().json(json!({ "message": "no key could be made" })),
    }
}
