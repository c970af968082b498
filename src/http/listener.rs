//! One HTTP listener: its limits, its address, its end. Both listeners are made here; they differ in routes.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_server::{Server, ServerHandle};
use actix_web::http::{Method, header};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, web};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::JoinHandle;

use super::address_rate_limit::by_address;
use super::connection_limits::ConnectionLimits;
use super::door::Door;
use super::header_names::{REQUEST_ID, TOKENVEND_CACHE};
use super::middleware::{RequestMiddleware, handle_request};
use super::routes::not_found;
use crate::client_address::TrustedProxies;
use crate::tls::Tls;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Where a listener is reached, by how many, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) listen: SocketAddr,
    /// What is spoken there; without it plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Threads that answer; 0 is one for each core.
    pub(crate) workers: usize,
    /// For each worker.
    pub(crate) max_connections: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) head_timeout: Duration,
    pub(crate) read_answer_timeout: Duration,
    /// The proxies that may stand before it.
    pub(crate) trusted_proxies: TrustedProxies,
    /// How long requests under way may take once the listener has closed.
    pub(crate) shutdown: Duration,
    /// Whether addresses may ask only so often.
    pub(crate) limits_addresses: bool,
    /// The origins whose pages may call.
    pub(crate) origins: Vec<String>,
    /// Whether browsers may send their cookies along: where a way of authenticating looks at cookies.
    pub(crate) with_cookies: bool,
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
        reach: Reach,
        through: RequestMiddleware,
        routes: impl Fn(&mut web::ServiceConfig) + Send + Clone + 'static,
    ) -> std::io::Result<Self> {
        let socket = bind(reach.listen)?;
        let address = socket.local_addr()?;
        let server = Server::build();
        let server = if reach.workers == 0 { server } else { server.workers(reach.workers) };
        let server = server
            .max_concurrent_connections(reach.max_connections)
            .shutdown_timeout(reach.shutdown.as_secs().max(1))
            .disable_signals();
        let door = Door {
            tls: reach.tls,
            limits: ConnectionLimits {
                head_timeout: reach.head_timeout,
                keep_alive: reach.keep_alive,
                read_answer_timeout: reach.read_answer_timeout,
                max_header_bytes: through.max_header_bytes,
            },
            clock: through.clock.clone(),
            closing: server.graceful_shutdown_signal(),
        };
        let (origins, with_cookies) = (reach.origins, reach.with_cookies);
        let (through, trusted_proxies) = (Arc::new(through), Arc::new(reach.trusted_proxies));
        let limits_addresses = reach.limits_addresses;
        let app = move || {
            App::new()
                .app_data(web::Data::from(through.clone()))
                .app_data(web::Data::from(trusted_proxies.clone()))
                // Innermost, so that pages of allowed origins can read its refusal.
                .wrap(Condition::new(limits_addresses, from_fn(by_address)))
                .wrap(Condition::new(!origins.is_empty(), cors(&origins, with_cookies)))
                .wrap(from_fn(handle_request))
                .configure(routes.clone())
                .default_service(web::to(not_found))
        };
        let server = server.listen("http", socket, move || door.clone().lead_to(app.clone()))?;
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

/// A socket that listens. The port of a process that has just ended can be had at once.
fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// No origin is allowed unless it is listed; the list is compared with what the browser sends, whole.
///
/// A page of such an origin may read what its cookies bring it only where cookies count, and there too its methods are
/// checked anew: see `auth/credential_source.rs`.
fn cors(origins: &[String], with_cookies: bool) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .allowed_header(REQUEST_ID)
        .expose_headers([TOKENVEND_CACHE, REQUEST_ID, header::RETRY_AFTER])
        .max_age(3600)
        // Written on every answer, whether it is to a browser or not: see response_headers.
        .disable_vary_header();
    let cors = if with_cookies { cors.supports_credentials() } else { cors };
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
