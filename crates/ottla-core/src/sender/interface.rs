//! Input and output of the sender. The event loop carries output out between the sender's steps, never inside one.

use std::net::SocketAddr;
use std::time::Duration;

use super::index::BrokerIndex;
use super::{Event, Frame, PartitionInfo, Preparation, Prepared};
use crate::accumulator::{Slot, Topic};
use crate::batch::Report;
use crate::error::{Error, Result};
use crate::sync::Arc;

/// One attempt to reach a broker. Input for an attempt that was given up is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub broker: BrokerIndex,
    pub attempt: u32,
}

/// What happened on a connection.
pub enum Input<'a> {
    Resolved(ConnectionId, Result<Vec<SocketAddr>>),
    /// The canonical names of all addresses, without duplicates.
    CanonicalNames(ConnectionId, Result<Vec<Arc<str>>>),
    /// The server accepted the connection, and TLS is being agreed on. `Connected` follows.
    Securing(ConnectionId),
    Connected(ConnectionId),
    ConnectFailed(ConnectionId, Error),
    /// One whole response, without its length.
    Received(ConnectionId, &'a [u8]),
    /// A part of the frame was given to the transport, so the broker may get it. At most once per frame.
    Begun(ConnectionId),
    /// The kernel has the whole frame. It is passed back to be used again.
    Written(ConnectionId, Frame),
    /// The connection ended. The last value is the correlation id of the frame of which the transport got no byte, if
    /// there is one.
    Disconnected(ConnectionId, Error, Option<i32>),
    /// A preparation has ended. They end in any order.
    Prepared(Preparation, Prepared),
}

/// What the sender wants done.
pub enum Output {
    Resolve(ConnectionId, HostName),
    /// Find the canonical names of all addresses of the host. An address without one is named by its digits, as is one
    /// whose name is not found within this time.
    FindCanonicalNames(ConnectionId, HostName, Duration),
    /// Connect to an address of the server with this name: the host that the application or the cluster named.
    Connect(ConnectionId, Arc<str>, SocketAddr),
    Write(ConnectionId, Frame),
    /// Drop the frame that was to be written: the transport got no byte of it, and must get none.
    Recall(ConnectionId),
    /// Close the connection. Later input for it is ignored.
    Close(ConnectionId),
    /// Carry this out on a helper thread, and return it with what came of it. After `Closed` nothing of it is wanted.
    Prepare(Preparation),
    Report(Report),
    /// The partitions of a topic became known: move its queue to them.
    Assign(Arc<Topic>, Vec<Arc<Slot>>),
    /// A command succeeded or failed: the answer for its ticket. A flush is answered once everything that it waited for
    /// was reported.
    Answered {
        ticket: u64,
        outcome: Result<Answer>,
    },
    /// The close is complete: nothing is outstanding, and no more output follows.
    Closed,
    /// Something for the application's sink.
    Event(Box<Event>),
    Log(Level, String),
}

/// The answer for a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// The partitions of a topic, in order.
    Partitions(Arc<[PartitionInfo]>),
    /// What a call or records wait for, if they wait.
    Waits(Option<String>),
}

/// A host and a port, as a broker advertises them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    pub host: Arc<str>,
    pub port: u16,
}

/// The levels of syslog that Ottla uses, with the numbers that librdkafka and C use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
    Debug = 7,
}
