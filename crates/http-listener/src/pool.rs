//! The connections of the process: how many there may be, and which one makes room for another.
//!
//! A connection is *waiting for its client* if no request of it is handled: in the TLS handshake, idle, inside a head, or
//! while the client does not read a response. At the limit, the connection that has waited for longest is evicted. So
//! clients that hold connections without using them cannot keep others out, and a request in progress is never cut.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// A request is handled.
const BUSY: u64 = u64::MAX;

/// The connection was chosen to make room.
const EVICTED: u64 = u64::MAX - 1;

/// The connections that one search for the longest waiting one finds. A search looks at all connections, so the next
/// evictions take from its result.
const CANDIDATES: usize = 64;

/// How long a new connection waits for an evicted one to end before another is evicted, or a place becomes free.
const EVICTION_INTERVAL: Duration = Duration::from_millis(20);

/// The limits that all listeners of a process share.
#[derive(Debug)]
pub struct ConnectionPool {
    started: Instant,
    max_connections: usize,
    places: Arc<Semaphore>,
    slots: Mutex<HashMap<u64, Arc<Slot>>>,
    candidates: Mutex<VecDeque<(u64, Arc<Slot>)>>,
    next_id: AtomicU64,
    max_waiting_bytes: usize,
    waiting_bytes: AtomicUsize,
}

impl ConnectionPool {
    /// `max_waiting_bytes` bounds what HTTP/2 requests that wait to be handled and responses that are not read take, over
    /// all connections.
    pub fn new(max_connections: usize, max_waiting_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            max_connections,
            places: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            slots: Mutex::default(),
            candidates: Mutex::default(),
            next_id: AtomicU64::new(0),
            max_waiting_bytes,
            waiting_bytes: AtomicUsize::new(0),
        })
    }

    /// The limit.
    pub fn max_connections(&self) -> usize {
        self.max_connections
    }

    /// The connections that are open now.
    pub fn open_connections(&self) -> usize {
        self.slots.lock().len()
    }

    /// The bytes that wait for clients of HTTP/2 now.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Waits for a place, for which another connection may have to end.
    pub(crate) async fn admit(self: &Arc<Self>, listener: u64) -> Place {
        loop {
            if let Ok(permit) = self.places.clone().try_acquire_owned() {
                return self.place(permit, listener);
            }
            self.evict();
            let freed = tokio::time::timeout(EVICTION_INTERVAL, self.places.clone().acquire_owned()).await;
            if let Ok(Ok(permit)) = freed {
                return self.place(permit, listener);
            }
        }
    }

    fn place(self: &Arc<Self>, permit: OwnedSemaphorePermit, listener: u64) -> Place {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::new(Slot {
            listener,
            waiting_since: AtomicU64::new(self.now()),
            signals: AtomicU8::new(0),
            waker: OnceLock::new(),
        });
        self.slots.lock().insert(id, slot.clone());
        Place { id, slot, pool: self.clone(), _permit: permit }
    }

    fn now(&self) -> u64 {
        self.stamp(Instant::now())
    }

    /// Milliseconds since the pool was made.
    fn stamp(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.started).as_millis().try_into().unwrap_or(0)
    }

    /// Evicts the connection that has waited for longest. `false` if a request is in progress on all of them.
    pub(crate) fn evict(&self) -> bool {
        let mut candidates = self.candidates.lock();
        for is_second_try in [false, true] {
            if is_second_try {
                *candidates = self.longest_waiting();
            }
            // A connection that is not among the candidates has waited for less time than each of them, as long as they
            // have not served a request since.
            while let Some((since, slot)) = candidates.pop_front() {
                if slot.waiting_since.compare_exchange(since, EVICTED, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                    slot.wake();
                    return true;
                }
            }
        }
        false
    }

    fn longest_waiting(&self) -> VecDeque<(u64, Arc<Slot>)> {
        let slots = self.slots.lock();
        let waiting = slots.values().map(|slot| (slot.waiting_since.load(Ordering::Relaxed), slot));
        let mut waiting: Vec<_> = waiting.filter(|(since, _)| *since < EVICTED).collect();
        if waiting.len() > CANDIDATES {
            waiting.select_nth_unstable_by_key(CANDIDATES, |(since, _)| *since);
            waiting.truncate(CANDIDATES);
        }
        waiting.sort_unstable_by_key(|(since, _)| *since);
        waiting.into_iter().map(|(since, slot)| (since, slot.clone())).collect()
    }

    /// Has the connections of a listener end after the requests in progress.
    pub(crate) fn retire(&self, listener: u64) {
        for slot in self.slots.lock().values().filter(|slot| slot.listener == listener) {
            slot.signals.fetch_or(RETIRE, Ordering::Release);
            slot.wake();
        }
    }

    /// Takes bytes for something that waits for its client. `None` if too many wait already.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize) -> Option<WaitingBytes> {
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let reserved = WaitingBytes { pool: self.clone(), bytes };
        (before.saturating_add(bytes) <= self.max_waiting_bytes).then_some(reserved)
    }
}

/// Bytes that wait for a client.
#[derive(Debug)]
pub(crate) struct WaitingBytes {
    pool: Arc<ConnectionPool>,
    bytes: usize,
}

impl Drop for WaitingBytes {
    fn drop(&mut self) {
        self.pool.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

const RETIRE: u8 = 1;

/// What other threads see of a connection, and how they reach it.
#[derive(Debug)]
pub(crate) struct Slot {
    listener: u64,
    /// Milliseconds since the pool was made, or [`BUSY`] or [`EVICTED`].
    waiting_since: AtomicU64,
    signals: AtomicU8,
    /// The task of the connection. A task has one waker for its life.
    waker: OnceLock<Waker>,
}

impl Slot {
    /// Makes signals wake the connection's task.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    /// Wakes the connection's task.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// A request begins to be handled. Whether the connection was evicted just before, and is to close after it.
    pub(crate) fn begin_request(&self) -> bool {
        self.waiting_since.swap(BUSY, Ordering::AcqRel) == EVICTED
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.waiting_since.load(Ordering::Relaxed) == EVICTED
    }

    /// Whether the connection is to end after the requests in progress.
    pub(crate) fn is_to_retire(&self) -> bool {
        self.signals.load(Ordering::Acquire) & RETIRE != 0
    }
}

/// A connection's place in the pool.
#[derive(Debug)]
pub(crate) struct Place {
    id: u64,
    slot: Arc<Slot>,
    pool: Arc<ConnectionPool>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    pub(crate) fn pool(&self) -> &Arc<ConnectionPool> {
        &self.pool
    }

    /// No request is handled any more: the connection waits for its client from that time on.
    pub(crate) fn end_requests(&self, at: Instant) {
        let _ =
            self.slot.waiting_since.compare_exchange(BUSY, self.pool.stamp(at), Ordering::AcqRel, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.slots.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn admitted(pool: &Arc<ConnectionPool>, milliseconds: u64) -> Place {
        let place = pool.admit(0).await;
        place.slot.waiting_since.store(milliseconds, Ordering::Relaxed);
        place
    }

    #[tokio::test]
    async fn the_connection_that_has_waited_for_longest_is_evicted_and_one_with_a_request_in_progress_never() {
        let pool = ConnectionPool::new(100, 0);
        let busy = admitted(&pool, 1).await;
        assert!(!busy.slot.begin_request());
        let (late, early, served) = (admitted(&pool, 30).await, admitted(&pool, 10).await, admitted(&pool, 5).await);
        assert!(pool.evict());
        assert!(served.slot.is_evicted() && !early.slot.is_evicted());
        // It began a request at the same moment, so it ends after the response.
        assert!(served.slot.begin_request());
        // The candidate has served a request in the meantime.
        early.slot.begin_request();
        early.slot.waiting_since.store(40, Ordering::Relaxed);
        assert!(pool.evict());
        assert!(late.slot.is_evicted() && !early.slot.is_evicted());
        assert!(pool.evict());
        assert!(early.slot.is_evicted());
        assert!(!pool.evict() && !busy.slot.is_evicted());
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_connection_ends() {
        let pool = ConnectionPool::new(1, 0);
        let place = pool.admit(0).await;
        assert_eq!(pool.open_connections(), 1);
        place.slot.begin_request();
        let (_, next) = tokio::join!(async { drop(place) }, pool.admit(0));
        assert_eq!(pool.open_connections(), 1);
        drop(next);
        assert_eq!(pool.open_connections(), 0);
    }

    #[test]
    fn bytes_beyond_the_limit_are_not_reserved() {
        let pool = ConnectionPool::new(1, 100);
        let first = pool.reserve(60).unwrap();
        assert!(pool.reserve(41).is_none());
        assert_eq!(pool.waiting_bytes(), 60);
        drop(first);
        assert!(pool.reserve(100).is_some());
        assert_eq!(pool.waiting_bytes(), 0);
    }
}
