//! The control API under `/_emulator/`: faults, call counts, role sessions and key rotation.
//!
//! Its responses have no CORS headers, so that a web page can use the emulator but cannot control it.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::json;

use crate::faults::Faults;
use crate::keys::SigningKey;
use crate::operations;
use crate::pipeline::Pipeline;

/// Adds the endpoints to the application.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/_emulator/faults")
                .route(web::get().to(get_faults))
                .route(web::put().to(set_faults))
                .route(web::delete().to(reset_faults)),
        )
        .service(web::resource("/_emulator/calls").route(web::get().to(get_calls)).route(web::delete().to(reset_calls)))
        .route("/_emulator/sessions", web::get().to(get_sessions))
        .route("/_emulator/keys/rotate", web::post().to(rotate_keys));
}

async fn get_faults(pipeline: web::Data<Pipeline>) -> HttpResponse {
    HttpResponse::Ok().json(&*pipeline.faults.get())
}

/// Replaces all faults; an absent member resets its fault.
async fn set_faults(body: Bytes, pipeline: web::Data<Pipeline>) -> HttpResponse {
    match parse_faults(&body) {
        Ok(faults) => {
            pipeline.faults.set(faults.clone());
            HttpResponse::Ok().json(faults)
        }
        Err(message) => HttpResponse::BadRequest().json(json!({ "message": message })),
    }
}

fn parse_faults(body: &[u8]) -> Result<Faults, String> {
    let faults: Faults = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    faults.check()?;
    match faults.operations.iter().find(|name| !operations::is_known(name)) {
        Some(name) => Err(format!("operations contains {name:?}, which is not an operation of this emulator")),
        None => Ok(faults),
    }
}

async fn reset_faults(pipeline: web::Data<Pipeline>) -> HttpResponse {
    pipeline.faults.set(Faults::default());
    HttpResponse::NoContent().finish()
}

async fn get_calls(pipeline: web::Data<Pipeline>) -> HttpResponse {
    HttpResponse::Ok().json(pipeline.calls.to_json())
}

async fn reset_calls(pipeline: web::Data<Pipeline>) -> HttpResponse {
    pipeline.calls.reset();
    HttpResponse::NoContent().finish()
}

/// The live role sessions, with their roles and session tags.
async fn get_sessions(pipeline: web::Data<Pipeline>) -> HttpResponse {
    let emulator = &pipeline.emulator;
    HttpResponse::Ok().json(emulator.temporary_credentials.to_json(emulator.clock.now()))
}

/// Signs with a new key from now on; the old keys stay published.
async fn rotate_keys(request: HttpRequest, pipeline: web::Data<Pipeline>) -> HttpResponse {
    // The only endpoint here that a page of another origin could call without a preflight request.
    if request.headers().contains_key("origin") {
        return HttpResponse::Forbidden().json(json!({ "message": "not available to web pages" }));
    }
    // Generating a key would block the other requests of this worker.
    let key = web::block(SigningKey::generate).await;
    let emulator = &pipeline.emulator;
    match key.ok().and_then(Result::ok).and_then(|key| emulator.keys.add(key).ok()) {
        Some(kid) => {
            emulator.lock_state().mark_changed();
            HttpResponse::Ok().json(json!({ "kid": kid }))
        }
        None => HttpResponse::InternalServerError().json(json!({ "message": "cannot generate a signing key" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_for_an_unknown_operation_are_rejected() {
        assert!(parse_faults(br#"{"operations":["GetIdea"]}"#).unwrap_err().contains("GetIdea"));
        assert!(parse_faults(br#"{"operations":["GetId"]}"#).is_ok());
    }
}
