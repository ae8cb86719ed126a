//! The model behind sockets: a listener per broker, a thread per connection.
//!
//! The requests of a connection are handled one after another, as by a broker, so a delay holds up later ones.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Cluster, Connection, Reaction};

/// A modelled cluster that listens on the loopback address. It stops when dropped.
pub struct ModelServer {
    cluster: Arc<Mutex<Cluster>>,
    addrs: BTreeMap<i32, SocketAddr>,
    fronts: Mutex<BTreeMap<i32, Accumulator>>,
}

impl ModelServer {
    /// Serves the first `n_brokers` brokers of the cluster on free ports, and gives the cluster their addresses.
    pub fn start(mut cluster: Cluster, n_brokers: usize) -> ModelServer {
        let mut listeners = Vec::new();
        for id in cluster.broker_ids().into_iter().take(n_brokers) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let addr = listener.local_addr().expect("a bound listener has an address");
            cluster.set_address(id, "127.0.0.1", addr.port());
            listeners.push((id, addr, listener));
        }
        let cluster = Arc::new(Mutex::new(cluster));
        let mut addrs = BTreeMap::new();
        let mut fronts = BTreeMap::new();
        for (id, addr, listener) in listeners {
            addrs.insert(id, addr);
            fronts.insert(id, Accumulator::open(id, listener, cluster.clone()));
        }
        ModelServer { cluster, addrs, fronts: Mutex::new(fronts) }
    }

    /// The addresses of all brokers, comma-separated.
    pub fn bootstrap(&self) -> String {
        self.addrs.values().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    pub fn addr(&self, broker: i32) -> SocketAddr {
        self.addrs[&broker]
    }

    /// Inspects or changes the cluster while no request is handled.
    pub fn with<T>(&self, look: impl FnOnce(&mut Cluster) -> T) -> T {
        look(&mut lock(&self.cluster))
    }

    /// Waits until the cluster is as wanted. Returns false after the timeout.
    pub fn wait_until(&self, timeout: Duration, mut wanted: impl FnMut(&mut Cluster) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            if self.with(&mut wanted) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Takes a broker down: others lead its partitions, its port is closed, its connections are cut.
    pub fn stop_broker(&self, broker: i32) {
        self.with(|cluster| cluster.stop_broker(broker));
        self.close_port(broker);
    }

    /// Brings a broker up again, on the same port.
    pub fn start_broker(&self, broker: i32) {
        self.with(|cluster| cluster.start_broker(broker));
        self.open_port(broker);
    }

    /// Closes a broker's port and cuts its connections. The cluster does not know.
    pub fn close_port(&self, broker: i32) {
        let front = lock(&self.fronts).remove(&broker);
        drop(front);
    }

    /// Opens a broker's port again.
    pub fn open_port(&self, broker: i32) {
        let deadline = Instant::now() + Duration::from_secs(5);
        let listener = loop {
            match TcpListener::bind(self.addrs[&broker]) {
                Ok(listener) => break listener,
                Err(error) if Instant::now() > deadline => panic!("port of broker {broker}: {error}"),
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        };
        lock(&self.fronts).insert(broker, Accumulator::open(broker, listener, self.cluster.clone()));
    }

    /// Cuts all connections to a broker, which goes on listening.
    pub fn cut_connections(&self, broker: i32) {
        if let Some(front) = lock(&self.fronts).get(&broker) {
            front.shared.cut();
        }
    }

    /// The number of open connections to a broker.
    pub fn connections(&self, broker: i32) -> usize {
        lock(&self.fronts).get(&broker).map_or(0, |front| lock(&front.shared.open).len())
    }
}

/// If a test panicked while it held the cluster, its own message should be seen, not that of a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The listener and connections of one broker, until dropped.
struct Accumulator {
    shared: Arc<Shared>,
    addr: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    broker: i32,
    cluster: Arc<Mutex<Cluster>>,
    stopping: AtomicBool,
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Shared {
    fn cut(&self) {
        for stream in lock(&self.open).values() {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Accumulator {
    fn open(broker: i32, listener: TcpListener, cluster: Arc<Mutex<Cluster>>) -> Accumulator {
        let addr = listener.local_addr().expect("a bound listener has an address");
        let open = Mutex::new(HashMap::new());
        let shared = Arc::new(Shared { broker, cluster, stopping: AtomicBool::new(false), open });
        let acceptor = {
            let shared = shared.clone();
            thread::spawn(move || accept(listener, &shared))
        };
        Accumulator { shared, addr, acceptor: Some(acceptor) }
    }
}

impl Drop for Accumulator {
    fn drop(&mut self) {
        self.shared.stopping.store(true, SeqCst);
        drop(TcpStream::connect(self.addr)); // wakes the accepting thread, which then sees `stopping`
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

fn accept(listener: TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (id, stream) in (0..).zip(listener.incoming()) {
        if shared.stopping.load(SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        lock(&shared.open).insert(id, handle);
        let shared = shared.clone();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread::spawn(move || {
            drop(serve(&stream, &shared));
            drop(stream.shutdown(Shutdown::Both));
            lock(&shared.open).remove(&id);
        }));
    }
    drop(listener);
    shared.cut();
    for thread in threads {
        drop(thread.join());
    }
}

fn serve(mut stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(shared.broker);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        connection.push(&chunk[..length]);
        loop {
            let Some(reaction) = connection.step(&mut lock(&shared.cluster)) else { break };
            if !carry_out(stream, &reaction, shared)? {
                return Ok(());
            }
        }
    }
}

/// Returns false if the connection is over.
fn carry_out(mut stream: &TcpStream, reaction: &Reaction, shared: &Shared) -> io::Result<bool> {
    let due = Instant::now() + Duration::from_millis(reaction.delay_ms);
    while Instant::now() < due {
        if shared.stopping.load(SeqCst) {
            return Ok(false);
        }
        thread::sleep(due.saturating_duration_since(Instant::now()).min(Duration::from_millis(10)));
    }
    stream.write_all(&reaction.bytes)?;
    if reaction.stall {
        io::copy(&mut stream, &mut io::sink())?; // until the client closes the connection or the broker stops
    }
    Ok(!reaction.close && !reaction.stall)
}
