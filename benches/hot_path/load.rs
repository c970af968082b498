//! The load generator: requests rendered beforehand, sent over raw sockets that are kept open, one at a time on
//! each. Two kinds of load:
//!
//! - *closed*: each connection sends the next request as soon as it has the answer to the last. Says how much a
//!   server can do, and flatters its latency: while it is slow, nobody asks.
//! - *open*: requests are due at a constant rate, whatever the server does, and each one's latency is counted from
//!   the moment at which it was due. A request that finds no free connection waits for one, and that counts.

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

/// Where requests go.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// For those who speak TLS.
    pub tls: Option<TlsConnector>,
}

/// What is sent: gives the next request, or none when there are no more.
pub type Requests<'r> = dyn Fn() -> Option<&'r [u8]> + 'r;

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Measured {
    pub answered: u64,
    /// Answers other than 200.
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
            let place = (self.latencies.len() as f64 * share) as usize;
            let found = self.latencies.get(place.min(self.latencies.len().saturating_sub(1)));
            found.map_or(f64::NAN, |tenths| f64::from(*tenths) / 10.0)
        };
        let (p50_us, p99_us, p999_us) = (at(0.5), at(0.99), at(0.999));
        let (answered, seconds) = (self.latencies.len() as u64, took.as_secs_f64());
        Measured { answered, failed: self.failed, seconds, p50_us, p99_us, p999_us }
    }
}

/// Sends as fast as `connections` of them are answered, for that long or until there are no more requests.
pub fn closed(
    target: &Target,
    connections: usize,
    requests: &Requests<'_>,
    most: Duration,
) -> Outcome<Measured> {
    on_one_thread(async {
        let mut open = try_join_all((0..connections).map(|_| Connection::open(target))).await?;
        let (tally, started) = (RefCell::new(Tally::default()), Instant::now());
        let tally_of = &tally;
        let all = open.iter_mut().map(|connection| async move {
            while started.elapsed() < most
                && let Some(request) = requests()
            {
                let sent = Instant::now();
                let status = connection.ask(request).await?;
                tally_of.borrow_mut().add(sent, status);
            }
            Outcome::Ok(())
        });
        tokio::select! {
            biased;
            outcome = try_join_all(all) => drop(outcome?),
            () = never_sleeping() => {}
        }
        let took = started.elapsed();
        Ok(tally.into_inner().measured(took))
    })
}

/// Has `rate` requests a second due, for that long.
pub fn open(
    target: &Target,
    connections: usize,
    requests: &Requests<'_>,
    rate: f64,
    most: Duration,
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
                let status = connection.ask(request).await?;
                tally_of.borrow_mut().add(when, status);
            }
        }));
        let clock = async {
            let (gap, count) = (1.0 / rate, (rate * most.as_secs_f64()) as u64);
            for number in 0..count {
                let when = started + Duration::from_secs_f64(gap * number as f64);
                // Timers are as coarse as a millisecond; this thread has nothing better to do.
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

/// A generator that sleeps has to be woken, at the expense of whoever answers it, and by the slower contestant more
/// often than by the faster one. In a virtual machine that costs more than a microsecond.
async fn never_sleeping() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// Sends one request on a connection of its own; the answer as it stands on the wire.
pub fn ask_once(target: &Target, request: &[u8]) -> Outcome<(u16, String)> {
    on_one_thread(async {
        let mut connection = Connection::open(target).await?;
        let status = connection.ask(request).await?;
        Ok((status, String::from_utf8_lossy(&connection.answer).into_owned()))
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
    answer: Vec<u8>,
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
        Ok(Self { stream, answer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads its whole answer; says its status.
    async fn ask(&mut self, request: &[u8]) -> Outcome<u16> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(request).await?,
            Stream::Tls(stream) => {
                stream.write_all(request).await?;
                stream.flush().await?;
            }
        }
        self.answer.clear();
        loop {
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read_buf(&mut self.answer).await?,
                Stream::Tls(stream) => stream.read_buf(&mut self.answer).await?,
            };
            if read == 0 {
                return Err("the server closed the connection before its answer was whole".into());
            }
            if let Some((status, whole)) = status_and_length(&self.answer)
                && self.answer.len() >= whole
            {
                return Ok(status);
            }
        }
    }
}

/// The status of an answer and the length of all of it, once its head is there. Every contestant says its length.
fn status_and_length(answer: &[u8]) -> Option<(u16, usize)> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(answer.get(..head)?).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    Some((status, head + 4 + length.unwrap_or(0)))
}
