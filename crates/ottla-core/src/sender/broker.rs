//! One broker as the sender sees it: how to reach it, the partitions that wait for it, and the requests in flight.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::index::{BrokerIndex, PartitionIndex};
use super::lanes::Lanes;
use super::request::InFlight;
use super::{ConnectionId, Sender, Timer};
use crate::config::Facility;
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Fault, planted};
use crate::protocol::header::CorrelationIds;
use crate::protocol::{ApiKey, ApiVersions};
use crate::statistics::{BrokerStatistics, Statistics};
use crate::sync::{Arc, Time};

/// A broker of the cluster, or a bootstrap address.
pub struct Broker {
    /// Negative for a bootstrap address.
    pub id: i32,
    pub host: Arc<str>,
    pub port: u16,
    /// It is a bootstrap address whose canonical names must be found first.
    pub wants_canonical_names: bool,
    /// It is in the cluster's latest metadata, or a bootstrap address in use.
    pub listed: bool,
    pub link: Link,
    pub link_since: Time,
    /// The last event about it: whether it is up.
    pub reported_up: Option<bool>,
    /// Counts attempts to connect. Input for earlier ones is stale.
    pub attempt: u32,
    pub addresses: Vec<SocketAddr>,
    pub next_address: usize,
    /// Failed attempts in a row.
    pub failures: u32,
    /// Why the last attempt failed or the last connection was lost. `None` once it is connected.
    pub last_error: Option<Error>,
    pub setup_failures: u32,
    /// When the last attempt to connect began.
    pub attempted: Time,
    pub retry_at: Time,
    pub setup_deadline: Time,
    /// Known once the connection is up.
    pub versions: Option<ApiVersions>,
    pub correlation_ids: CorrelationIds,
    /// Requests that wait for their responses, which come in this order.
    pub in_flight: VecDeque<InFlight>,
    /// On this connection it has responded to something other than ApiVersions.
    pub answered: bool,
    /// How many connections in a row it closed at the first request after ApiVersions.
    pub cut_off: u32,
    /// It closed an idle connection. It is connected to once more, to see whether it is still there.
    pub probe: bool,
    /// The last frame is not completely written. No further one is built meanwhile, so batches grow.
    pub writing: bool,
    /// A part of that frame is written.
    pub begun: bool,
    pub throttled_until: Time,
    /// How long it last asked the producer to hold back requests.
    pub throttle: Duration,
    pub last_used: Time,
    /// Until this time, the end of the connection may mean that a request with acks=0 was refused. Such requests have
    /// no response, so a broker closes the connection instead.
    pub unconfirmed_until: Time,
    /// The partitions that wait for it.
    pub lanes: Lanes,
    /// Since when ready partitions could not be drained (KIP-794).
    pub blocked_since: Option<Time>,
    pub unavailable: bool,
    /// The size of the largest Produce request to which it has responded, while that is valid. `None`: to none yet.
    pub largest_answered: Option<usize>,
    /// Partitions whose batches were lost alone on their connection since its last Produce response.
    pub lost_alone: LostAlone,
    /// The largest size of a request with several suspects.
    pub suspect_room: usize,
    pub statistics: Arc<BrokerStatistics>,
}

/// A connection that was used within this time is not idle. Otherwise a broker that closes each new connection at once
/// would be connected to again and again.
const IDLE: Duration = Duration::from_secs(1);

/// Partitions whose batches were lost alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostAlone {
    Nobody,
    One(PartitionIndex),
    Several,
}

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Down,
    Resolving,
    Connecting,
    /// Agrees on TLS.
    Securing,
    /// Waits for the response to ApiVersions.
    Greeting,
    Up,
}

impl Broker {
    pub fn new(id: i32, host: Arc<str>, port: u16, statistics: &Statistics) -> Self {
        let statistics = statistics.add_broker(id, address(&host, port));
        Broker {
            id,
            host,
            port,
            wants_canonical_names: false,
            listed: true,
            link: Link::Down,
            link_since: Time::ZERO,
            reported_up: None,
            attempt: 0,
            addresses: Vec::new(),
            next_address: 0,
            failures: 0,
            last_error: None,
            setup_failures: 0,
            attempted: Time::ZERO,
            retry_at: Time::ZERO,
            setup_deadline: Time::NEVER,
            versions: None,
            correlation_ids: CorrelationIds::default(),
            in_flight: VecDeque::new(),
            answered: false,
            cut_off: 0,
            probe: false,
            writing: false,
            begun: false,
            throttled_until: Time::ZERO,
            throttle: Duration::ZERO,
            last_used: Time::ZERO,
            unconfirmed_until: Time::ZERO,
            lanes: Lanes::default(),
            blocked_since: None,
            unavailable: false,
            largest_answered: None,
            lost_alone: LostAlone::Nobody,
            suspect_room: 0,
            statistics,
        }
    }

    pub fn is_up(&self) -> bool {
        self.link == Link::Up
    }

    /// Whether a connection is needed: partitions wait for it, or only a connection shows whether the broker is there.
    /// The latter counts because nothing is sent to the partitions of an unavailable broker.
    pub fn is_wanted(&self) -> bool {
        self.lanes.any_ready() || self.unavailable || self.probe
    }

    /// Whether it is up, and nothing was sent or received for a while.
    pub fn is_idle(&self, now: Time) -> bool {
        self.is_up() && self.in_flight.is_empty() && now >= self.last_used.after(IDLE)
    }

    /// The highest version of a request that both sides support.
    pub fn pick_version(&self, api: ApiKey) -> Result<i16> {
        let unknown = || Error::new(ErrorKind::Internal, "the versions of a broker are asked for before it is up");
        self.versions.as_ref().ok_or_else(unknown)?.pick_version(api)
    }

    /// The request that waits to be written, if none of its bytes was written. If it is recalled now, or its connection
    /// is closed, the broker never sees it.
    pub fn untouched(&self) -> Option<i32> {
        let last =
            self.in_flight.back().filter(|_| self.writing && (!self.begun || planted(Fault::BegunTakenForUntouched)));
        last.map(|request| request.correlation)
    }

    pub fn is_bootstrap(&self) -> bool {
        self.id < 0
    }

    /// Its name in messages.
    pub fn name(&self) -> String {
        let address = address(&self.host, self.port);
        if self.is_bootstrap() {
            format!("bootstrap server {address}")
        } else {
            format!("broker {} at {address}", self.id)
        }
    }

    /// Notes that the broker has moved.
    pub fn move_to(&mut self, host: Arc<str>, port: u16) {
        self.statistics.set_address(address(&host, port));
        self.host = host;
        self.port = port;
    }
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl Sender {
    pub(super) fn connection_id(&self, broker: BrokerIndex) -> ConnectionId {
        ConnectionId { broker, attempt: self.brokers[broker].attempt }
    }

    /// Partitions wait for this broker: it is looked at before this step ends.
    pub(super) fn broker_has_work(&mut self, index: BrokerIndex) {
        if !self.dirty.contains(&index) {
            self.dirty.push(index);
        }
    }

    /// KIP-794: the partitions of a broker that has taken nothing for `partitioner.availability.timeout.ms` are not
    /// chosen for records without a key.
    pub(super) fn note_blocked(&mut self, index: BrokerIndex) {
        let Some(timeout) = self.settings.availability_timeout else { return };
        let now = self.now;
        let broker = self.broker(index);
        if broker.unavailable {
            return;
        }
        let since = *broker.blocked_since.get_or_insert(now);
        self.timers.arm(Timer::Availability(index), since.after(timeout));
    }

    pub(super) fn note_unblocked(&mut self, index: BrokerIndex) {
        let broker = self.broker(index);
        broker.blocked_since = None;
        if std::mem::take(&mut broker.unavailable) {
            self.set_available(index, true);
        }
    }

    pub(super) fn availability_due(&mut self, index: BrokerIndex) {
        let (Some(timeout), Some(since)) = (self.settings.availability_timeout, self.brokers[index].blocked_since)
        else {
            return;
        };
        if since.after(timeout) > self.now {
            return self.timers.arm(Timer::Availability(index), since.after(timeout));
        }
        if !self.brokers[index].lanes.any_ready() {
            return self.note_unblocked(index);
        }
        self.broker(index).unavailable = true;
        self.set_available(index, false);
    }

    /// Walks all partitions. Happens only when a broker becomes unavailable or available.
    fn set_available(&mut self, broker: BrokerIndex, available: bool) {
        let name = self.brokers[broker].name();
        self.debug(Facility::Partitioner, || {
            let verb = if available { "may again" } else { "no longer" };
            format!("records without a key {verb} go to partitions of {name}")
        });
        for partition in self.partitions.iter() {
            if partition.leader == Some(broker) {
                partition.slot.set_available(available);
            }
        }
    }
}
