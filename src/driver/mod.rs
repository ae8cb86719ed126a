//! The sender thread: a single-threaded tokio runtime around the core. It reads and writes sockets, resolves names,
//! tells the time, and hands reports to the sink. All that decides is in `core`.

mod connection;
mod dns;
mod sender;
mod shared;

pub use shared::{Ended, LogSink, Shared, Sink};

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
    let core = Core::new(settings, shared.front.clone(), shared.counters.clone(), SystemClock.monotonic())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .thread_name("ottla-dns")
        .max_blocking_threads(4)
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, format!("starting the sender's event loop: {error}")))?;
    let start = || {
        std::thread::Builder::new().name("ottla-sender".into()).spawn(move || {
            sender::run(runtime, core, shared, sockets, sink);
        })
    };
    with_signals_blocked(start)
        .map_err(|error| Error::new(ErrorKind::Io, format!("starting the sender thread: {error}")))
}
