//! Input and output of the sender. The event loop carries output out between steps of the sender, never inside one.

use std::net::SocketAddr;
use std::time::Duration;

use super::index::BrokerIndex;
use super::{Event, Frame, PartitionInfo};
use crate::accumulator::{Slot, Topic};
use crate::batch::Report;
use crate::error::{Error, Result};
use crate::sync::Arc;

/// One attempt to talk to a broker. Events of an attempt that was given up are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub broker: BrokerIndex,
    pub attempt: u32,
}

/// What happened.
pub enum Input<'a> {
    Resolved(ConnectionId, Result<Vec<SocketAddr>>),
    /// The canonical names of a name's addresses, each once.
    CanonicalNames(ConnectionId, Result<Vec<Arc<str>>>),
    Connected(ConnectionId),
    ConnectFailed(ConnectionId, Error),
    /// One whole response, without its length.
    Received(ConnectionId, &'a [u8]),
    /// A part of the frame was written; the rest waits until the socket takes it. Told once a frame, at most.
    Begun(ConnectionId),
    /// The frame was written to its last byte. It comes back to be used again.
    Written(ConnectionId, Frame),
    /// The connection ended. `untouched` is the frame of which no byte was written, if there is one.
    Disconnected(ConnectionId, Error, Option<i32>),
}

/// What the sender wants done.
pub enum Output {
    Resolve(ConnectionId, HostName),
    /// Find the canonical names of all its addresses. An address without one is named by its digits, and so is one whose
    /// name is not found within this time.
    FindCanonicalNames(ConnectionId, HostName, Duration),
    Connect(ConnectionId, SocketAddr),
    Write(ConnectionId, Frame),
    /// Drop the frame that was to be written: no byte of it was, and none shall be.
    Recall(ConnectionId),
    /// No event of this connection is wanted any more.
    Close(ConnectionId),
    Report(Report),
    /// The partitions of a topic became known: move its queue to them.
    Assign(Arc<Topic>, Vec<Arc<Slot>>),
    /// A command is done, or cannot be: what its ticket's holder is told. A flush is, once everything that it waited for
    /// was reported.
    Answered {
        ticket: u64,
        outcome: Result<Answer>,
    },
    /// The close is complete: nothing is outstanding, the sender wants nothing more.
    Closed,
    /// For the application, if it wants to know.
    Event(Box<Event>),
    Log(Level, String),
}

/// What the holder of a ticket waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// The partitions of a topic, by number.
    Partitions(Arc<[PartitionInfo]>),
    /// What is being waited for, in words, if anything is.
    Waits(Option<String>),
}

/// Where a broker says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    pub host: Arc<str>,
    pub port: u16,
}

/// The levels of syslog that Ottla uses; the numbers are those of librdkafka and of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
    Debug = 7,
}
