//! The sink broker: it responds and throws records away. It is the far end of measurements, where nothing but the
//! producer should cost anything.
//!
//! Every topic exists. A Produce request costs one pass over its headers (about 30 bytes per partition and 61 per
//! batch). Payloads are read into one buffer per connection and not looked at, unless `verify` requests a check of
//! their CRC. Each connection has a blocking thread: a request is one or more `read`s and one `write`, with no
//! readiness call in between. All requests that arrive in one read are answered by one write.

mod answers;
mod connection;
mod produce;
mod topics;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use topics::Topics;

/// The settings of a sink. `Default` is one broker on a free port, where every topic has six partitions.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// Port of the first broker. The others take the following ones. 0 takes free ports.
    pub port: u16,
    /// Topics with individual partition counts.
    pub topics: Vec<(String, u32)>,
    /// Partitions of every other topic.
    pub default_partitions: u32,
    /// The number of brokers. Each has a listener. They lead partitions in turn.
    pub brokers: u32,
    /// Checks the CRC of each batch. A wrong one gets CORRUPT_MESSAGE.
    pub verify: bool,
    /// Time between reading a request and responding. Pipelined requests are delayed at the same time, not one after
    /// another.
    pub delay: Duration,
    /// After this many records, the sink pauses once, with the next request, for this long. Records sent meanwhile have
    /// to wait in the producers.
    pub pause: Option<(u64, Duration)>,
    /// The `throttle_time_ms` in every response that has one. The sink itself never throttles.
    pub throttle_ms: i32,
}

impl Default for SinkOptions {
    fn default() -> Self {
        SinkOptions {
            port: 0,
            topics: Vec::new(),
            default_partitions: 6,
            brokers: 1,
            verify: false,
            delay: Duration::ZERO,
            pause: None,
            throttle_ms: 0,
        }
    }
}

/// What a sink has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkCounters {
    /// Connections accepted.
    pub connections: u64,
    /// Requests of every kind.
    pub requests: u64,
    /// Produce requests.
    pub produce_requests: u64,
    /// Record batches in them.
    pub batches: u64,
    /// Records, as counted in the headers of batches.
    pub records: u64,
    /// Bytes of the record batches, including headers.
    pub record_bytes: u64,
    /// Bytes read from sockets.
    pub bytes: u64,
    /// Partitions with an error in the response, and requests that ended a connection.
    pub errors: u64,
}

impl SinkCounters {
    /// The counters as one line of JSON.
    pub fn to_json(&self) -> String {
        format!(
            "{{\"connections\":{},\"requests\":{},\"produce_requests\":{},\"batches\":{},\"records\":{},\
             \"record_bytes\":{},\"bytes\":{},\"errors\":{}}}",
            self.connections,
            self.requests,
            self.produce_requests,
            self.batches,
            self.records,
            self.record_bytes,
            self.bytes,
            self.errors
        )
    }
}

/// A running sink. It stops when dropped.
pub struct Sink {
    shared: Arc<Shared>,
    acceptors: Vec<JoinHandle<()>>,
}

impl Sink {
    /// Starts a sink on the loopback address. Panics if a port is taken; see [`Sink::try_start`].
    pub fn start(options: SinkOptions) -> Sink {
        Sink::try_start(options).expect("a sink needs its ports")
    }

    /// Starts a sink. An error says why that is impossible.
    pub fn try_start(options: SinkOptions) -> io::Result<Sink> {
        let mut listeners = Vec::new();
        for broker in 0..options.brokers.max(1) as u16 {
            let port = if options.port == 0 { 0 } else { options.port + broker };
            listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?);
        }
        let addrs = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
        let shared = Arc::new(Shared {
            topics: Mutex::new(Topics::new(&options, &addrs)),
            options,
            addrs,
            tally: Tally::default(),
            next_producer_id: AtomicI64::new(1),
            paused_until: OnceLock::new(),
            stopping: AtomicBool::new(false),
            open: Mutex::new(HashMap::new()),
        });
        let acceptors = listeners
            .into_iter()
            .map(|listener| {
                let shared = shared.clone();
                thread::spawn(move || accept(&listener, &shared))
            })
            .collect();
        Ok(Sink { shared, acceptors })
    }

    /// The address of the first broker, for bootstrap.servers.
    pub fn addr(&self) -> SocketAddr {
        self.shared.addrs[0]
    }

    /// The addresses of all brokers, in the order of their node ids, which begin at 1.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.shared.addrs
    }

    /// The counters so far. A request is counted before the response is written.
    pub fn counters(&self) -> SinkCounters {
        let tally = &self.shared.tally;
        SinkCounters {
            connections: tally.connections.load(Relaxed),
            requests: tally.requests.load(Relaxed),
            produce_requests: tally.produce_requests.load(Relaxed),
            batches: tally.batches.load(Relaxed),
            records: tally.records.load(Relaxed),
            record_bytes: tally.record_bytes.load(Relaxed),
            bytes: tally.bytes.load(Relaxed),
            errors: tally.errors.load(Relaxed),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Relaxed);
        for addr in &self.shared.addrs {
            drop(TcpStream::connect(addr)); // wakes the accepting thread, which then sees `stopping`
        }
        for acceptor in self.acceptors.drain(..) {
            drop(acceptor.join());
        }
    }
}

/// State that all connections of a sink share.
struct Shared {
    options: SinkOptions,
    addrs: Vec<SocketAddr>,
    topics: Mutex<Topics>,
    tally: Tally,
    next_producer_id: AtomicI64,
    /// The end of the pause. Set when the pause begins.
    paused_until: OnceLock<Instant>,
    stopping: AtomicBool,
    /// Open connections, which are shut down when the sink stops.
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Shared {
    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().expect("no holder of the topics panics")
    }

    /// Waits if the pause is due.
    fn pause(&self) {
        let Some((records, length)) = self.options.pause else { return };
        if self.tally.records.load(Relaxed) > records {
            let end = *self.paused_until.get_or_init(|| Instant::now() + length);
            thread::sleep(end.saturating_duration_since(Instant::now()));
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.open.lock().expect("no holder of the connections panics")
    }
}

#[derive(Default)]
struct Tally {
    connections: AtomicU64,
    requests: AtomicU64,
    produce_requests: AtomicU64,
    batches: AtomicU64,
    records: AtomicU64,
    record_bytes: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
}

impl Tally {
    fn add(&self, seen: &SinkCounters) {
        self.requests.fetch_add(seen.requests, Relaxed);
        self.produce_requests.fetch_add(seen.produce_requests, Relaxed);
        self.batches.fetch_add(seen.batches, Relaxed);
        self.records.fetch_add(seen.records, Relaxed);
        self.record_bytes.fetch_add(seen.record_bytes, Relaxed);
        self.bytes.fetch_add(seen.bytes, Relaxed);
        self.errors.fetch_add(seen.errors, Relaxed);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for stream in listener.incoming() {
        if shared.stopping.load(Relaxed) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        let id = shared.tally.connections.fetch_add(1, Relaxed);
        shared.open().insert(id, handle);
        let shared = shared.clone();
        threads.retain(|thread: &JoinHandle<()>| !thread.is_finished());
        threads.push(thread::spawn(move || {
            connection::serve(stream, &shared);
            // The clone in `open` would keep the socket open, but the peer should see the end now.
            if let Some(stream) = shared.open().remove(&id) {
                drop(stream.shutdown(Shutdown::Both));
            }
        }));
    }
    for stream in shared.open().values() {
        drop(stream.shutdown(Shutdown::Both));
    }
    for thread in threads {
        drop(thread.join());
    }
}
