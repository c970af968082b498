//! A listener: its threads, its drain and its end.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, LocalSet};

use crate::acceptor::{self, Accepted, Acceptor, WorkerHandle};
use crate::connection::ListenerContext;
use crate::observer::ListenerObserver;
use crate::pool::ConnectionPool;
use crate::serve;
use crate::service::Service;
use crate::settings::ListenerSettings;
use crate::tls::TlsSource;

/// Tells the listeners of a process apart in the pool that they share.
static NEXT_LISTENER: AtomicU64 = AtomicU64::new(0);

/// A listener that serves requests, on threads of its own, until it is stopped or dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    id: u64,
    pool: Arc<ConnectionPool>,
    context: Arc<ListenerContext>,
    stop_accepting: Mutex<Option<oneshot::Sender<()>>>,
    /// `true` ends the workers at once.
    cut: watch::Sender<bool>,
    /// Is closed when the socket is.
    has_stopped_accepting: watch::Receiver<()>,
    /// Is closed when the acceptor and all workers have ended.
    ended: watch::Receiver<()>,
    /// Is closed when the first of them has ended.
    is_broken: watch::Receiver<bool>,
}

impl Listener {
    /// Binds the address and begins to serve. `make_service` is called on each worker thread, in its runtime.
    ///
    /// # Errors
    /// The address cannot be bound, a thread cannot be started, or a service cannot be made.
    pub async fn start<S, M, F>(
        settings: ListenerSettings,
        pool: Arc<ConnectionPool>,
        tls: Option<Arc<dyn TlsSource>>,
        observer: Arc<dyn ListenerObserver>,
        make_service: M,
    ) -> io::Result<Self>
    where
        S: Service,
        M: Fn() -> F + Clone + Send + 'static,
        F: Future<Output = io::Result<S>> + 'static,
    {
        let socket = acceptor::bind(settings.listen)?;
        let address = socket.local_addr()?;
        let count = match settings.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let id = NEXT_LISTENER.fetch_add(1, Ordering::Relaxed);
        let context = Arc::new(ListenerContext {
            name: settings.name,
            limits: settings.limits,
            tls,
            observer,
            is_draining: AtomicBool::new(false),
        });
        let (cut, _) = watch::channel(false);
        let (is_alive, ended) = watch::channel(());
        let (broken, is_broken) = watch::channel(false);
        let (is_alive, broken) = (Arc::new(is_alive), Arc::new(broken));
        let mut workers = Vec::new();
        for number in 0..count {
            let (sender, receiver) = unbounded_channel();
            let worker = Worker { context: context.clone(), accepted: receiver, cut: cut.subscribe() };
            let guard = ThreadGuard { _is_alive: is_alive.clone(), broken: broken.clone() };
            let make_service = make_service.clone();
            let (ready, is_ready) = oneshot::channel();
            spawn(&format!("{}-worker-{number}", settings.name), guard, move |runtime| {
                let local = LocalSet::new();
                // As a task, because the future that is blocked on is polled whenever any task is.
                let serving = local.spawn_local(worker.run(make_service, ready));
                // It ends with an error only if it panicked, which is reported by the end of this thread.
                let _ = local.block_on(runtime, serving);
            })?;
            let no_thread = |_| io::Error::other("the worker thread has ended");
            is_ready.await.map_err(no_thread)??;
            workers.push(WorkerHandle::new(sender));
        }
        let acceptor = Acceptor { name: settings.name, listener: id, pool: pool.clone(), workers };
        let (stop_accepting, stop) = oneshot::channel();
        let guard = ThreadGuard { _is_alive: is_alive, broken };
        let (is_accepting, has_stopped_accepting) = watch::channel(());
        spawn(&format!("{}-acceptor", settings.name), guard, move |runtime| {
            runtime.block_on(acceptor.run(socket, stop));
            drop(is_accepting);
        })?;
        let stop_accepting = Mutex::new(Some(stop_accepting));
        Ok(Self { address, id, pool, context, stop_accepting, cut, has_stopped_accepting, ended, is_broken })
    }

    /// Where the listener is reached: the actual port if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on every response closes its connection, and connections are accepted as before. Clients move elsewhere
    /// while none of their requests fails.
    pub fn drain(&self) {
        self.context.is_draining.store(true, Ordering::Relaxed);
    }

    /// Closes the socket, ends idle connections, waits for the requests in progress, and cuts what is left after `timeout`.
    pub async fn stop(&self, timeout: Duration) {
        self.drain();
        if let Some(stop) = self.stop_accepting.lock().take() {
            // The acceptor may have ended.
            let _ = stop.send(());
        }
        let ending = async {
            closed(&self.has_stopped_accepting).await;
            self.pool.retire(self.id);
            closed(&self.ended).await;
        };
        if tokio::time::timeout(timeout, ending).await.is_err() {
            tracing::warn!(listener = self.context.name, "requests in progress were cut");
            self.cut.send_replace(true);
            closed(&self.ended).await;
        }
    }

    /// Waits until the acceptor or a worker ends. Before [`stop`](Self::stop) that is a fault, after which the listener does
    /// not serve.
    pub async fn ended(&self) {
        let mut is_broken = self.is_broken.clone();
        let _ = is_broken.wait_for(|is_broken| *is_broken).await;
    }
}

/// Waits until all senders of a channel are dropped.
async fn closed(receiver: &watch::Receiver<()>) {
    let mut receiver = receiver.clone();
    while receiver.changed().await.is_ok() {}
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.cut.send_replace(true);
    }
}

/// Is dropped at the end of a thread, also if it panics.
struct ThreadGuard {
    _is_alive: Arc<watch::Sender<()>>,
    broken: Arc<watch::Sender<bool>>,
}

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        self.broken.send_replace(true);
    }
}

/// Starts a thread with a runtime.
fn spawn(
    name: &str,
    guard: ThreadGuard,
    run: impl FnOnce(&tokio::runtime::Runtime) + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let run = move || {
        let _guard = guard;
        run(&runtime);
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// Serves connections on one thread.
struct Worker {
    context: Arc<ListenerContext>,
    accepted: UnboundedReceiver<Accepted>,
    cut: watch::Receiver<bool>,
}

impl Worker {
    async fn run<S, F>(mut self, make_service: impl Fn() -> F, ready: oneshot::Sender<io::Result<()>>)
    where
        S: Service,
        F: Future<Output = io::Result<S>>,
    {
        let service = match make_service().await {
            Ok(service) => Rc::new(service),
            Err(error) => return drop(ready.send(Err(error))),
        };
        // The listener is not waited for any more.
        if ready.send(Ok(())).is_err() {
            return;
        }
        let mut connections = JoinSet::new();
        let serving = async {
            loop {
                tokio::select! {
                    accepted = self.accepted.recv() => match accepted {
                        Some(accepted) => {
                            connections.spawn_local(serve_accepted(accepted, self.context.clone(), service.clone()));
                        }
                        None => break,
                    },
                    Some(_) = connections.join_next() => {}
                }
            }
            while connections.join_next().await.is_some() {}
        };
        tokio::select! {
            () = serving => {}
            _ = self.cut.wait_for(|is_cut| *is_cut) => {}
        }
    }
}

async fn serve_accepted<S: Service>(accepted: Accepted, context: Arc<ListenerContext>, service: Rc<S>) {
    let Accepted { stream, place, load } = accepted;
    match tokio::net::TcpStream::from_std(stream) {
        Ok(stream) => serve::serve(stream, place, context, service).await,
        Err(error) => tracing::debug!(listener = context.name, %error, "connection lost"),
    }
    drop(load);
}
