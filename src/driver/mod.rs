//! The sender thread: a single-threaded tokio runtime around the core. It reads and writes sockets, resolves names,
//! tells the time, and hands reports to the sink. All that decides is in `core`.

mod connection;
mod dns;
mod rest;
mod sender;
mod shared;
mod statistics;
mod timer;

#[cfg(feature = "internals")]
pub use rest::Rest;
pub use shared::{BUSY, BUSY_AFTER, Ended, LogSink, Shared, Sink, Waited};

use std::thread::JoinHandle;

use crate::core::{Core, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Arc, Clock, SystemClock, with_signals_blocked};

/// How the driver handles sockets.
#[derive(Clone, Copy, Debug)]
pub struct SocketSettings {
    pub send_buffer: Option<usize>,
    pub receive_buffer: Option<usize>,
    pub receive_message_max: usize,
}

/// Starts the sender thread. It ends after a close; joining it waits for that.
pub fn spawn(
    shared: Arc<Shared>,
    settings: Settings,
    sockets: SocketSettings,
    sink: Box<dyn Sink>,
) -> Result<JoinHandle<()>> {
    let core = Core::new(settings, shared.front.clone(), shared.statistics.clone(), SystemClock.monotonic())?;
    let (told, started) = std::sync::mpsc::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name("ottla-dns")
            .max_blocking_threads(4)
            .build();
        match runtime {
            Ok(runtime) => {
                let _ = told.send(Ok(()));
                sender::run(runtime, core, shared, sockets, sink);
            }
            Err(error) => drop(told.send(Err(error))),
        }
    };
    let io = |what: &str, error| Error::new(ErrorKind::Io, format!("starting the sender's {what}: {error}"));
    let thread = with_signals_blocked(|| std::thread::Builder::new().name("ottla-sender".into()).spawn(run))
        .map_err(|error| io("thread", error))?;
    match started.recv() {
        Ok(Ok(())) => Ok(thread),
        Ok(Err(error)) => Err(io("event loop", error)),
        Err(_) => Err(Error::new(ErrorKind::Internal, "the sender thread ended before it began")),
    }
}
