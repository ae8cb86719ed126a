//! In-process proxies: one thread accepts connections, and each direction of a connection has a thread that reads and
//! one that writes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::Proxies;

/// The proxies of a cluster's brokers. They stop when dropped.
pub struct Links(Vec<Link>);

struct Link {
    address: String,
    state: Arc<State>,
}

/// What currently happens to one broker's connections.
struct State {
    behind: String,
    delay_ms: AtomicU64,
    cut: AtomicBool,
    ended: AtomicBool,
    open: Mutex<Vec<Weak<TcpStream>>>,
}

impl Links {
    /// Listens at the first address of each pair and forwards connections to the second.
    pub fn start(addresses: &[(String, String)]) -> Links {
        Links(addresses.iter().map(|(address, behind)| Link::start(address, behind)).collect())
    }

    fn of(&self, broker: u32) -> &State {
        &self.0[broker as usize - 1].state
    }
}

impl Proxies for Links {
    fn cut(&self, broker: u32) {
        self.of(broker).cut.store(true, Relaxed);
        self.of(broker).close_all();
    }

    fn delay(&self, broker: u32, by: Duration) {
        self.of(broker).delay_ms.store(by.as_millis() as u64, Relaxed);
    }

    fn restore(&self) {
        for Link { state, .. } in &self.0 {
            state.cut.store(false, Relaxed);
            state.delay_ms.store(0, Relaxed);
        }
    }
}

impl Link {
    fn start(address: &str, behind: &str) -> Link {
        let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("a proxy at {address}: {error}"));
        let state = Arc::new(State {
            behind: behind.to_owned(),
            delay_ms: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let of_acceptor = state.clone();
        thread::spawn(move || of_acceptor.accept(&listener));
        Link { address: address.to_owned(), state }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.state.ended.store(true, Relaxed);
        self.state.close_all();
        // Wakes the accepting thread.
        drop(TcpStream::connect(&self.address));
    }
}

impl State {
    fn accept(self: &Arc<State>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.ended.load(Relaxed) {
                return;
            }
            if let (Ok(client), false) = (client, self.cut.load(Relaxed)) {
                self.pass_on(client);
            }
        }
    }

    /// If the broker is down, the connection is closed, a moment later than without a proxy.
    fn pass_on(self: &Arc<State>, client: TcpStream) {
        let Ok(broker) = TcpStream::connect(&self.behind) else { return };
        let ends = [Arc::new(client), Arc::new(broker)];
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|stream| stream.strong_count() > 0);
            open.extend(ends.iter().map(Arc::downgrade));
        }
        for (from, to) in [(0, 1), (1, 0)] {
            let (from, to, state) = (ends[from].clone(), ends[to].clone(), self.clone());
            // With Nagle's algorithm, a chunk would wait for the peer's delayed acknowledgement.
            let _ = to.set_nodelay(true);
            let (chunks, due) = mpsc::channel();
            thread::spawn(move || state.read(&from, &chunks));
            thread::spawn(move || write(&due, &to));
        }
    }

    fn read(&self, mut from: &TcpStream, chunks: &Sender<(Instant, Vec<u8>)>) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + Duration::from_millis(self.delay_ms.load(Relaxed));
            if chunks.send((due, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    }

    fn close_all(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..).filter_map(|stream| stream.upgrade()) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Writes each chunk when it is due, then closes this direction.
fn write(chunks: &Receiver<(Instant, Vec<u8>)>, mut to: &TcpStream) {
    for (due, chunk) in chunks {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&chunk).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A proxy in front of an echo server.
    fn echo() -> (String, Links) {
        let behind = TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = behind.local_addr().expect("bound").to_string();
        thread::spawn(move || {
            for stream in behind.incoming().flatten() {
                thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
            }
        });
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").to_string();
        let links = Links::start(&[(free.clone(), to)]);
        (free, links)
    }

    fn round_trip(stream: &mut TcpStream) -> std::io::Result<Duration> {
        let begin = Instant::now();
        stream.write_all(b"hello")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        assert_eq!(&answer, b"hello");
        Ok(begin.elapsed())
    }

    #[test]
    fn a_delay_applies_to_both_directions_and_ends() {
        let (address, links) = echo();
        let mut stream = TcpStream::connect(address).expect("connected");
        round_trip(&mut stream).expect("answered");
        links.delay(1, Duration::from_millis(100));
        assert!(round_trip(&mut stream).expect("answered") >= Duration::from_millis(200));
        links.restore();
        assert!(round_trip(&mut stream).expect("answered") < Duration::from_millis(100));
    }

    #[test]
    fn a_cut_closes_open_and_new_connections() {
        let (address, links) = echo();
        let mut stream = TcpStream::connect(&address).expect("connected");
        round_trip(&mut stream).expect("answered");
        links.cut(1);
        assert!(round_trip(&mut stream).is_err());
        assert!(TcpStream::connect(&address).and_then(|mut stream| round_trip(&mut stream)).is_err());
        links.restore();
        assert!(TcpStream::connect(&address).and_then(|mut stream| round_trip(&mut stream)).is_ok());
    }
}
