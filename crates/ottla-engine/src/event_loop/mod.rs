//! The sender's thread: a single-threaded tokio runtime around the sender. It reads and writes sockets, resolves names,
//! reads the clock and hands reports to the sink. The sender makes all decisions.

mod connection;
mod dns;
mod helpers;
mod shared;
mod statistics;
mod thread;
mod timer;
mod transport;

pub use shared::{BUSY, BUSY_AFTER, Ended, LogSink, SenderId, Shared, Sink, Waited};

use std::thread::JoinHandle;

use crate::tls;
use ottla_core::allocate;
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::sender::{Answer, Sender, Settings};
use ottla_core::sync::{Arc, Clock, SystemClock, with_signals_blocked};

/// Settings of the sockets. Sizes are in bytes; `None` leaves a buffer to the system.
#[derive(Clone, Copy, Debug)]
pub struct SocketSettings {
    pub send_buffer: Option<usize>,
    pub receive_buffer: Option<usize>,
    pub receive_message_max: usize,
}

/// How connections are made.
pub struct ConnectionSettings {
    pub sockets: SocketSettings,
    /// Without it, nothing is encrypted.
    pub tls: Option<tls::Client>,
}

/// Starts the sender's thread. It ends after a close, and joining it waits for that.
pub fn spawn(
    shared: Arc<Shared>,
    settings: Settings,
    connections: ConnectionSettings,
    sink: Box<dyn Sink>,
) -> Result<JoinHandle<()>> {
    let helpers = settings.helpers;
    let sender = Sender::new(settings, shared.accumulator.clone(), shared.statistics.clone(), SystemClock.monotonic())?;
    // The thread makes its own runtime. A runtime from another thread would keep a handle of that thread that is never
    // released.
    let started = shared.tickets.draw();
    let run = {
        let shared = shared.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .thread_name("ottla-dns")
                .max_blocking_threads(4)
                .build();
            match runtime {
                Ok(runtime) => {
                    shared.tickets.answer(started, Ok(Answer::Done));
                    thread::run(runtime, sender, shared, connections, helpers, sink);
                }
                Err(error) => shared.tickets.answer(started, Err(not_started("event loop", error))),
            }
        }
    };
    allocate::expect(allocate::THREAD)?;
    let thread = with_signals_blocked(|| std::thread::Builder::new().name("ottla-sender".into()).spawn(run))
        .map_err(|error| not_started("thread", error))?;
    let waited = shared.tickets.wait(started, None);
    shared.tickets.give_back(started);
    match waited {
        Waited::Answered(Err(error)) => {
            let _ = thread.join();
            Err(error)
        }
        _ => Ok(thread),
    }
}

fn not_started(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("starting the sender's {what}: {error}")).caused_by(error)
}
