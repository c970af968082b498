//! Accepts the connections of a listener on a thread of its own, and hands each to the worker with the fewest.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::pool::{ConnectionPool, Place};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// The pause after a connection could not be accepted, which is so when descriptors are exhausted.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// A connection for a worker.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) place: Place,
    pub(crate) load: Load,
}

/// Counts a connection of a worker until it ends.
#[derive(Debug)]
pub(crate) struct Load(Arc<AtomicUsize>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A worker, as the acceptor sees it.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    connections: Arc<AtomicUsize>,
    sender: UnboundedSender<Accepted>,
}

impl WorkerHandle {
    pub(crate) fn new(sender: UnboundedSender<Accepted>) -> Self {
        Self { connections: Arc::default(), sender }
    }
}

/// A socket that listens. The port of a process that has just ended is available at once.
///
/// # Errors
/// The address cannot be bound.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[derive(Debug)]
pub(crate) struct Acceptor {
    pub(crate) name: &'static str,
    pub(crate) listener: u64,
    pub(crate) pool: Arc<ConnectionPool>,
    pub(crate) workers: Vec<WorkerHandle>,
}

impl Acceptor {
    /// Accepts until it is stopped or a worker has ended. The socket is closed then.
    pub(crate) async fn run(self, socket: TcpListener, stop: oneshot::Receiver<()>) {
        let accepting = async {
            match tokio::net::TcpListener::from_std(socket) {
                Ok(socket) => self.accept_all(&socket).await,
                Err(error) => tracing::error!(listener = self.name, %error, "listener cannot be watched"),
            }
        };
        tokio::select! {
            () = accepting => {}
            // Its sender is dropped only with the listener.
            _ = stop => {}
        }
    }

    async fn accept_all(&self, socket: &tokio::net::TcpListener) {
        loop {
            match socket.accept().await {
                Ok((stream, _)) => {
                    if self.hand_over(stream).await.is_none() {
                        tracing::error!(listener = self.name, "a worker has ended");
                        return;
                    }
                }
                // The client has gone before it was accepted.
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(listener = self.name, %error, "connection cannot be accepted");
                    self.pool.evict();
                    pause(RETRY_INTERVAL).await;
                }
            }
        }
    }

    /// `None` if the worker has ended.
    async fn hand_over(&self, stream: tokio::net::TcpStream) -> Option<()> {
        let place = self.pool.admit(self.listener).await;
        // The worker watches it, with a reactor of its own.
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(listener = self.name, %error, "connection lost");
                return Some(());
            }
        };
        let worker = self.workers.iter().min_by_key(|worker| worker.connections.load(Ordering::Relaxed))?;
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let load = Load(worker.connections.clone());
        worker.sender.send(Accepted { stream, place, load }).ok()
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn pause(duration: Duration) {
    let _ = tokio::time::timeout(duration, std::future::pending::<()>()).await;
}
