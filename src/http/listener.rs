//! One HTTP listener: its limits, its address, its end. Both listeners are made here; they differ in routes.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::ServerHandle;
use actix_web::http::{Method, header};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
#[cfg(target_os = "linux")]
use socket2::SockRef;
#[cfg(target_os = "linux")]
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::limits::by_address;
use super::not_found;
use super::trace::{Trace, trace};

/// Where a listener is reached, by how many, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) listen: SocketAddr,
    /// Threads that answer; 0 is one for each core.
    pub(crate) workers: usize,
    /// For each worker.
    pub(crate) max_connections: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) head_timeout: Duration,
    pub(crate) read_answer_timeout: Duration,
    /// How long requests under way may take once the listener has closed.
    pub(crate) shutdown: Duration,
    /// The origins whose pages may call.
    pub(crate) origins: Vec<String>,
}

/// A listener that answers.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    handle: ServerHandle,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Listener {
    /// Binds the address and begins to answer, on threads of its own.
    ///
    /// # Errors
    /// The address cannot be had.
    pub(crate) fn start(
        reach: &Reach,
        through: Trace,
        routes: impl Fn(&mut web::ServiceConfig) + Send + Clone + 'static,
    ) -> std::io::Result<Self> {
        let (origins, through) = (reach.origins.clone(), Arc::new(through));
        let read_answer_timeout = reach.read_answer_timeout;
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(through.clone()))
                // Innermost, so that pages of allowed origins can read its refusal.
                .wrap(from_fn(by_address))
                .wrap(cors(&origins))
                .wrap(from_fn(trace))
                .configure(routes.clone())
                .default_service(web::to(not_found))
        });
        let server = if reach.workers == 0 { server } else { server.workers(reach.workers) };
        let server = server
            .max_connections(reach.max_connections)
            .keep_alive(reach.keep_alive)
            .client_request_timeout(reach.head_timeout)
            .on_connect(move |connection, _| close_when_unread(connection, read_answer_timeout))
            .client_disconnect_timeout(Duration::from_secs(1))
            .shutdown_timeout(reach.shutdown.as_secs().max(1))
            .disable_signals()
            .bind(reach.listen)?;
        let address = server.addrs().first().copied().unwrap_or(reach.listen);
        let server = server.run();
        let handle = server.handle();
        Ok(Self { address, handle, ended: tokio::spawn(server) })
    }

    /// Where it really listens: the port that was given for port 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, lets what is under way end, and ends.
    pub(crate) async fn stop(self) {
        self.handle.stop(true).await;
        // Its only errors are those of accepting, and there is nobody left to accept.
        let _ = self.ended.await;
    }
}

/// Has the system close a connection whose client does not take what it was sent. actix-web would wait for
/// ever.
fn close_when_unread(connection: &dyn Any, timeout: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(timeout))
    {
        tracing::debug!(%error, "cannot limit how long an answer may lie unread");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, timeout);
}

/// No origin is allowed unless it is listed; the list is compared with what the browser sends, whole.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .allowed_header("x-request-id")
        .expose_headers(["tokenvend-cache", "x-request-id", "retry-after"])
        .max_age(3600)
        // Written on every answer, whether it is to a browser or not: see trace.
        .disable_vary_header();
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
