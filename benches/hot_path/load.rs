//! Load generator: sends requests that were rendered beforehand, over raw sockets that stay open, one at a time on each.
//! Two kinds of load:
//!
//! - *closed*: each connection sends the next request as soon as it has the response to the last one. It measures a
//!   server's throughput, and understates its latency, because no requests are sent while the server is slow.
//! - *open*: requests are due at a constant rate, independent of the server, and latency counts from the time at which a
//!   request was due. Waiting for a free connection is part of the latency.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::Outcome;

/// The server that requests are sent to.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// For TLS connections.
    pub tls: Option<TlsConnector>,
}

/// Returns the next request, or `None` after the last one.
pub type Requests<'r> = dyn Fn() -> Option<&'r [u8]> + 'r;

/// Result of a load.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Measured {
    pub answered: u64,
    /// Responses other than 200.
    pub failed: u64,
    pub seconds: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
}

#[derive(Default)]
struct Tally {
    latencies: Vec<u32>,
    failed: u64,
}

impl Tally {
    fn add(&mut self, since: Instant, status: u16) {
        self.latencies.push(u32::try_from(since.elapsed().as_nanos() / 100).unwrap_or(u32::MAX));
        self.failed += u64::from(status != 200);
    }

    fn measured(mut self, took: Duration) -> Measured {
        self.latencies.sort_unstable();
        let at = |share: f64| {
            let index = (self.latencies.len() as f64 * share) as usize;
            let found = self.latencies.get(index.min(self.latencies.len().saturating_sub(1)));
            found.map_or(f64::NAN, |tenths| f64::from(*tenths) / 10.0)
        };
        let (p50_us, p99_us, p999_us) = (at(0.5), at(0.99), at(0.999));
        let (answered, seconds) = (self.latencies.len() as u64, took.as_secs_f64());
        Measured { answered, failed: self.failed, seconds, p50_us, p99_us, p999_us }
    }
}

/// Sends a closed load over this many connections, for a time or until there are no more requests.
pub fn closed(
    target: &Target,
    connections: usize,
    requests: &Requests<'_>,
    max_duration: Duration,
) -> Outcome<Measured> {
    on_one_thread(async {
        let mut open = try_join_all((0..connections).map(|_| Connection::open(target))).await?;
        let (tally, started) = (RefCell::new(Tally::default()), Instant::now());
        let tally_of = &tally;
        let all = open.iter_mut().map(|connection| async move {
            while started.elapsed() < max_duration
                && let Some(request) = requests()
            {
                let sent = Instant::now();
                let status = connection.send(request).await?;
                tally_of.borrow_mut().add(sent, status);
            }
            Outcome::Ok(())
        });
        tokio::select! {
            biased;
            outcome = try_join_all(all) => drop(outcome?),
            () = spin() => {}
        }
        let took = started.elapsed();
        Ok(tally.into_inner().measured(took))
    })
}

/// Sends an open load of `rate` requests a second.
pub fn open(
    target: &Target,
    connections: usize,
    requests: &Requests<'_>,
    rate: f64,
    max_duration: Duration,
) -> Outcome<Measured> {
    on_one_thread(async {
        let mut open = try_join_all((0..connections).map(|_| Connection::open(target))).await?;
        let (tally, due, idle) =
            (RefCell::new(Tally::default()), RefCell::new(VecDeque::<Option<Instant>>::new()), Notify::new());
        let started = Instant::now();
        let (tally_of, due_of, idle_of) = (&tally, &due, &idle);
        let all = join_all(open.iter_mut().map(|connection| async move {
            loop {
                let next = due_of.borrow_mut().pop_front();
                let Some(next) = next else {
                    idle_of.notified().await;
                    continue;
                };
                let (Some(when), Some(request)) = (next, requests()) else { return Outcome::Ok(()) };
                let status = connection.send(request).await?;
                tally_of.borrow_mut().add(when, status);
            }
        }));
        let clock = async {
            let (gap, count) = (1.0 / rate, (rate * max_duration.as_secs_f64()) as u64);
            for number in 0..count {
                let when = started + Duration::from_secs_f64(gap * number as f64);
                // Timers have a resolution of a millisecond, so this thread spins.
                while Instant::now() < when {
                    tokio::task::yield_now().await;
                }
                due_of.borrow_mut().push_back(Some(when));
                idle_of.notify_one();
            }
            due_of.borrow_mut().extend(std::iter::repeat_n(None, connections));
            idle_of.notify_waiters();
        };
        let (outcomes, ()) = futures_util::join!(all, clock);
        outcomes.into_iter().collect::<Outcome<()>>()?;
        let took = started.elapsed();
        Ok(tally.into_inner().measured(took))
    })
}

/// Keeps the generator from sleeping. The server would have to wake it, and the slower contestant more often than the
/// faster one. In a virtual machine that costs more than a microsecond.
async fn spin() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// Sends one request on a new connection, and returns the status and the whole response.
pub fn send_once(target: &Target, request: &[u8]) -> Outcome<(u16, String)> {
    on_one_thread(async {
        let mut connection = Connection::open(target).await?;
        let status = connection.send(request).await?;
        Ok((status, String::from_utf8_lossy(&connection.response).into_owned()))
    })
}

fn on_one_thread<T>(future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

struct Connection {
    stream: Stream,
    response: Vec<u8>,
}

impl Connection {
    async fn open(target: &Target) -> Outcome<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        let stream = match &target.tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
                Stream::Tls(Box::new(tls.connect(name, stream).await?))
            }
        };
        Ok(Self { stream, response: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request, reads the whole response, and returns its status.
    async fn send(&mut self, request: &[u8]) -> Outcome<u16> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(request).await?,
            Stream::Tls(stream) => {
                stream.write_all(request).await?;
                stream.flush().await?;
            }
        }
        self.response.clear();
        loop {
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read_buf(&mut self.response).await?,
                Stream::Tls(stream) => stream.read_buf(&mut self.response).await?,
            };
            if read == 0 {
                return Err("the server closed the connection before the response was complete".into());
            }
            if let Some((status, length)) = status_and_length(&self.response)
                && self.response.len() >= length
            {
                return Ok(status);
            }
        }
    }
}

/// The status and the whole length of a response, once its head is complete. All contestants send `Content-Length`.
fn status_and_length(response: &[u8]) -> Option<(u16, usize)> {
    let head = response.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(response.get(..head)?).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    Some((status, head + 4 + length.unwrap_or(0)))
}
