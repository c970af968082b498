//! The HTTP server: routes, headers, and connections that fault injection drops.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
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

use crate::pipeline::{CallResult, Pipeline};
use crate::protocol::{AwsService, ErrorType, OperationError, Response};
use crate::sigv4::SignedRequest;
use crate::token::ISSUER;
use crate::{call_counts, control_api, dispatch};
use clock::SharedClock;

/// Larger than ten logins of 50,000 characters.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Creates the server on a listener. It runs while the future is polled.
pub(crate) fn serve(listener: TcpListener, pipeline: Pipeline, workers: usize) -> io::Result<Server> {
    let pipeline = web::Data::new(pipeline);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(pipeline.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
            .service(
                web::resource("/")
                    .route(web::post().to(operation))
                    .route(web::get().guard(guard::fn_guard(has_action_parameter)).to(operation))
                    .route(web::method(actix_web::http::Method::OPTIONS).to(preflight))
                    .default_service(web::to(not_found)),
            )
            .route("/.well-known/openid-configuration", web::get().to(discovery))
            .route("/.well-known/jwks_uri", web::get().to(key_set))
            .configure(control_api::configure)
            .default_service(web::to(not_found))
    });
    Ok(server
        .workers(workers.max(1))
        // Slow clients under load are not disconnected.
        .client_request_timeout(Duration::from_secs(60))
        .disable_signals()
        .listen(listener)?
        .run())
}

/// STS also accepts the parameters in the query of the URL. Other GET requests get 404.
fn has_action_parameter(request: &guard::GuardContext<'_>) -> bool {
    let query = request.head().uri.query().unwrap_or_default();
    query.split('&').any(|parameter| parameter.starts_with("Action="))
}

async fn operation(
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    pipeline: web::Data<Pipeline>,
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
        let error = OperationError::new(ErrorType::RequestEntityTooLarge, "The request body is larger than 1 MiB.");
        let service = dispatch::detect_service(&signed);
        let response = Response { service, operation: call_counts::UNKNOWN, result: Err(error) };
        return to_http(response, &pipeline.emulator.clock);
    }
    // RSA signing takes almost a millisecond and runs on the worker's thread. A thread pool would add two thread
    // switches and gain nothing, because there are as many workers as cores.
    match pipeline.call(&signed).await {
        CallResult::Response(response) => to_http(response, &pipeline.emulator.clock),
        CallResult::Dropped => HttpResponse::Ok().body(DroppedConnection),
    }
}

/// Adds a request id, and the date of the emulator's clock, by which SDKs correct their own.
fn to_http(response: Response, clock: &SharedClock) -> HttpResponse {
    let status = StatusCode::from_u16(response.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = Uuid::new_v4().to_string();
    let mut builder = HttpResponse::build(status);
    builder
        .insert_header((CONTENT_TYPE, response.service.content_type()))
        .insert_header(("x-amzn-RequestId", request_id.as_str()))
        .insert_header((DATE, HttpDate::from(SystemTime::from(clock.now()))))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, "x-amzn-RequestId,x-amzn-ErrorType,Date"));
    if let (AwsService::CognitoIdentity, Some(name)) = (response.service, response.error_name()) {
        builder.insert_header(("x-amzn-ErrorType", name));
    }
    allow_any_origin(&mut builder).body(response.into_body(&request_id))
}

/// As Cognito does, because browser apps call it.
fn allow_any_origin(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response.insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
}

async fn preflight() -> HttpResponse {
    allow_any_origin(&mut HttpResponse::NoContent())
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        // The wildcard does not include `Authorization`.
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "*, authorization"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "172800"))
        .finish()
}

async fn discovery(request: HttpRequest, pipeline: web::Data<Pipeline>) -> HttpResponse {
    let base = pipeline.emulator.public_url.clone().unwrap_or_else(|| {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        format!("http://{host}")
    });
    allow_any_origin(&mut HttpResponse::Ok()).json(json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{base}/.well-known/jwks_uri"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS512"],
    }))
}

async fn key_set(pipeline: web::Data<Pipeline>) -> HttpResponse {
    allow_any_origin(&mut HttpResponse::Ok()).json(pipeline.emulator.keys.to_jwks())
}

async fn not_found(pipeline: web::Data<Pipeline>) -> HttpResponse {
    let message = "Nothing here. Operations are POST /; see also /.well-known/openid-configuration.";
    let error = OperationError::new(ErrorType::UnknownOperation, message);
    let service = AwsService::CognitoIdentity;
    let response = Response { service, operation: call_counts::UNKNOWN, result: Err(error) };
    let mut response = to_http(response, &pipeline.emulator.clock);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// A body that fails at once. The head is still in the server's buffer and is never sent, so that the client sees a
/// closed connection without a byte of a response.
struct DroppedConnection;

impl MessageBody for DroppedConnection {
    type Error = DroppedByFault;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, DroppedByFault>>> {
        Poll::Ready(Some(Err(DroppedByFault)))
    }
}

#[derive(Debug)]
struct DroppedByFault;

impl fmt::Display for DroppedByFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection dropped by the fault dropRate")
    }
}

impl std::error::Error for DroppedByFault {}
