//! The HTTP side: routes, headers, and connections that are dropped on purpose.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, DATE, HOST, HttpDate,
};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, guard, web};
use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use super::backend::{Backend, CallResult};
use super::protocol::{Api, ApiError, ErrorType, Response};
use super::sigv4::SignedRequest;
use super::token::ISSUER;
use super::{call_counts, control_api, dispatch};
use clock::SharedClock;

/// Ten logins of 50,000 characters fit; a body beyond this is no call.
const MOST_BODY_BYTES: usize = 1 << 20;

/// Sets the server up on a listener; it runs once the future is polled.
pub(super) fn serve(listener: TcpListener, service: Arc<Backend>, workers: usize) -> io::Result<Server> {
    let service = web::Data::from(service);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(service.clone())
            .app_data(web::PayloadConfig::new(MOST_BODY_BYTES))
            .service(
                web::resource("/")
                    .route(web::post().to(operation))
                    .route(web::get().guard(guard::fn_guard(names_an_action)).to(operation))
                    .route(web::method(actix_web::http::Method::OPTIONS).to(preflight))
                    .default_service(web::to(nothing_here)),
            )
            .route("/.well-known/openid-configuration", web::get().to(discovery))
            .route("/.well-known/jwks_uri", web::get().to(key_set))
            .configure(control_api::routes)
            .default_service(web::to(nothing_here))
    });
    Ok(server
        .workers(workers.max(1))
        // A slow client under load is no reason to cut it off.
        .client_request_timeout(Duration::from_secs(60))
        .disable_signals()
        .listen(listener)?
        .run())
}

/// STS takes calls as a URL's query too. Somebody who only looks what is here gets another answer.
fn names_an_action(request: &guard::GuardContext<'_>) -> bool {
    let query = request.head().uri.query().unwrap_or_default();
    query.split('&').any(|parameter| parameter.starts_with("Action="))
}

async fn operation(
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    service: web::Data<Backend>,
) -> HttpResponse {
    let too_large = body.is_err();
    let body = body.unwrap_or_default();
    let signed = SignedRequest {
        method: request.method().as_str(),
        path: request.path(),
        query: request.query_string(),
        headers: request.headers(),
        body: &body,
    };
    if too_large {
        let fault = ApiError::new(ErrorType::RequestEntityTooLarge, "The request body is beyond 1 MiB.");
        let reply =
            Response { api: dispatch::api_of(&signed), operation: call_counts::UNKNOWN, answer: Err(fault) };
        return respond(reply, &service.clock);
    }
    // RSA signing takes most of a millisecond right here, on the worker's own thread: handing it to a pool
    // would cost two hand-overs and gain nothing, since the workers are as many as the cores to sign on.
    match service.call(&signed).await {
        CallResult::Answered(reply) => respond(reply, &service.clock),
        CallResult::Dropped => HttpResponse::Ok().body(Severed),
    }
}

/// Every answer has a request id, and its date by the emulator's own clock: SDKs correct their clocks by it.
fn respond(reply: Response, clock: &SharedClock) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = Uuid::new_v4().to_string();
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_TYPE, reply.api.content_type()))
        .insert_header(("x-amzn-RequestId", request_id.as_str()))
        .insert_header((DATE, HttpDate::from(SystemTime::from(clock.now()))))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, "x-amzn-RequestId,x-amzn-ErrorType,Date"));
    if let (Api::CognitoIdentity, Some(name)) = (reply.api, reply.error_name()) {
        response.insert_header(("x-amzn-ErrorType", name));
    }
    open_to_browsers(&mut response).body(reply.into_body(&request_id))
}

/// Cognito answers any web page, which is how browser apps call it.
fn open_to_browsers(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response.insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
}

async fn preflight() -> HttpResponse {
    open_to_browsers(&mut HttpResponse::NoContent())
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        // `Authorization` is not covered by the wildcard.
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "*, authorization"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "172800"))
        .finish()
}

async fn discovery(request: HttpRequest, service: web::Data<Backend>) -> HttpResponse {
    let base = service.public_url.clone().unwrap_or_else(|| {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        format!("http://{host}")
    });
    open_to_browsers(&mut HttpResponse::Ok()).json(json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{base}/.well-known/jwks_uri"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS512"],
    }))
}

async fn key_set(service: web::Data<Backend>) -> HttpResponse {
    open_to_browsers(&mut HttpResponse::Ok()).json(service.keys.to_jwks())
}

async fn nothing_here(service: web::Data<Backend>) -> HttpResponse {
    let message = "Nothing here. Operations are POST /; see also /.well-known/openid-configuration.";
    let fault = ApiError::new(ErrorType::UnknownOperation, message);
    let reply = Response { api: Api::CognitoIdentity, operation: call_counts::UNKNOWN, answer: Err(fault) };
    let mut response = respond(reply, &service.clock);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// A body that fails at once. The head is still in the server's buffer then and never leaves it, so that
/// the client sees a closed connection and not one byte of an answer.
struct Severed;

impl MessageBody for Severed {
    type Error = SeveredOnPurpose;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, SeveredOnPurpose>>> {
        Poll::Ready(Some(Err(SeveredOnPurpose)))
    }
}

#[derive(Debug)]
struct SeveredOnPurpose;

impl fmt::Display for SeveredOnPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped on purpose by the emulator's dropRate")
    }
}

impl std::error::Error for SeveredOnPurpose {}
