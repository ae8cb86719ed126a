//! The life of a connection: resolve, connect, greet (ApiVersions), exchange requests, close. And the consequences of
//! its loss for its requests.

use std::net::SocketAddr;
use std::time::Duration;

use super::backoff::SHORTEST_PAUSE;
use super::broker::Link;
use super::index::BrokerIndex;
use super::request::{Carried, InFlight, RequestKind};
use super::{Acks, ConnectionId, Frame, HostName, Level, Output, Sender, Timer};
use crate::config::Facility;
use crate::error::{Error, ErrorCode, ErrorKind};
use crate::protocol::{ApiKey, Reader, header};
use crate::sync::{Arc, Time};

impl Sender {
    /// Whether events of this attempt still matter. If not, nothing may be written to it either.
    pub fn is_current(&self, id: ConnectionId) -> bool {
        self.brokers.get(id.broker).is_some_and(|b| b.attempt == id.attempt && b.link != Link::Down)
    }

    /// Begins to connect, unless that has begun already or the backoff has not passed.
    pub(super) fn ensure_connected(&mut self, index: BrokerIndex) {
        let now = self.now;
        let broker = self.broker(index);
        if broker.link != Link::Down || self.closed {
            return;
        }
        let broker = self.broker(index);
        if broker.retry_at > now {
            let at = broker.retry_at;
            return self.timers.arm(Timer::Reconnect(index), at);
        }
        broker.attempt += 1;
        broker.attempted = now;
        broker.addresses.clear();
        broker.next_address = 0;
        let wants_canonical_names = broker.wants_canonical_names;
        self.set_link(index, Link::Resolving);
        let timeout = self.begin_setup(index);
        if wants_canonical_names {
            self.find_canonical_names(index, timeout);
        } else {
            self.resolve(index);
        }
    }

    fn resolve(&mut self, index: BrokerIndex) {
        let (id, name) = (self.connection_id(index), self.host_name(index));
        self.debug(Facility::Connection, || format!("attempt {}: resolving {}", id.attempt, name.host));
        self.output(Output::Resolve(id, name));
    }

    /// `client.dns.lookup=resolve_canonical_bootstrap_servers_only`. Half of the time is left for the following steps.
    fn find_canonical_names(&mut self, index: BrokerIndex, timeout: Duration) {
        let (id, name) = (self.connection_id(index), self.host_name(index));
        self.debug(Facility::Connection, || format!("attempt {}: canonical names of {}", id.attempt, name.host));
        self.output(Output::FindCanonicalNames(id, name, timeout / 2));
    }

    fn host_name(&self, index: BrokerIndex) -> HostName {
        let broker = &self.brokers[index];
        HostName { host: broker.host.clone(), port: broker.port }
    }

    /// `socket.connection.setup.timeout.ms`, doubled with each failure.
    fn begin_setup(&mut self, index: BrokerIndex) -> Duration {
        let failures = self.brokers[index].setup_failures + 1;
        let timeout = self.settings.setup_backoff.grown(failures, &mut self.random);
        let deadline = self.now.after(timeout);
        self.broker(index).setup_deadline = deadline;
        self.timers.arm(Timer::Setup(index), deadline);
        timeout
    }

    pub(super) fn setup_due(&mut self, index: BrokerIndex) {
        let now = self.now;
        let broker = self.broker(index);
        if matches!(broker.link, Link::Down | Link::Up) {
            return;
        }
        if broker.setup_deadline > now {
            let at = broker.setup_deadline;
            return self.timers.arm(Timer::Setup(index), at);
        }
        let (kind, doing, hint) = match broker.link {
            Link::Resolving => (
                ErrorKind::Resolve,
                "its name was not resolved",
                "does the resolver of this machine answer (/etc/resolv.conf)?",
            ),
            Link::Connecting => (
                ErrorKind::Io,
                "the connection was not established",
                "is the host up, and the port open in every firewall on the way?",
            ),
            Link::Securing => (
                ErrorKind::Io,
                "it accepted the connection but did not end the TLS handshake",
                "does security.protocol fit its listener?",
            ),
            _ => (
                ErrorKind::Io,
                "it accepted the connection but did not answer ApiVersions",
                "is it a Kafka broker, and does security.protocol fit its listener?",
            ),
        };
        broker.setup_failures += 1;
        let another =
            matches!(broker.link, Link::Connecting | Link::Securing) && broker.next_address < broker.addresses.len();
        let message =
            format!("connecting to {}: {doing} within socket.connection.setup.timeout.ms; {hint}", broker.name());
        let id = self.connection_id(index);
        self.output(Output::Close(id));
        let mut error = Error::new(kind, message);
        if self.brokers[index].link != Link::Greeting {
            error = self.of_address(index, &error);
        }
        if another {
            self.log(Level::Info, || format!("{error}; trying its next address"));
            self.broker(index).attempt += 1;
            self.begin_setup(index);
            return self.connect_next(index);
        }
        // This also ends the greeting without a response.
        self.lost(index, &error, None);
    }

    pub(super) fn resolved(&mut self, id: ConnectionId, addresses: Result<Vec<SocketAddr>, Error>) {
        if !self.is_current(id) {
            return;
        }
        match addresses {
            Ok(addresses) if !addresses.is_empty() => {
                self.broker(id.broker).addresses = addresses;
                self.connect_next(id.broker);
            }
            Ok(_) => self.no_address(id.broker),
            Err(error) => self.not_connected(id.broker, &error),
        }
    }

    fn no_address(&mut self, index: BrokerIndex) {
        let name = self.brokers[index].name();
        let error = Error::new(ErrorKind::Resolve, format!("resolving {name}: its name has no address"));
        self.attempt_failed(index, &self.of_address(index, &error));
    }

    /// Continues the attempt with the first of the names. The others become bootstrap addresses too, as in Java.
    pub(super) fn canonical_names_found(&mut self, id: ConnectionId, names: Result<Vec<Arc<str>>, Error>) {
        if !self.is_current(id) {
            return;
        }
        match names.as_deref() {
            Ok(names @ [first, others @ ..]) => {
                let name = self.brokers[id.broker].name();
                self.log(Level::Info, || {
                    format!("{name}: its addresses have the canonical names {}", names.join(", "))
                });
                self.use_canonical_names(id.broker, first, others);
                self.resolve(id.broker);
            }
            Ok([]) => self.no_address(id.broker),
            Err(error) => self.not_connected(id.broker, error),
        }
    }

    fn use_canonical_names(&mut self, index: BrokerIndex, first: &Arc<str>, others: &[Arc<str>]) {
        let broker = self.broker(index);
        let (port, listed) = (broker.port, broker.listed);
        broker.wants_canonical_names = false;
        broker.move_to(first.clone(), port);
        for host in others {
            if self.find_bootstrap_broker(host, port).is_none() {
                let index = self.push_bootstrap_broker(host.clone(), port);
                self.broker(index).listed = listed;
            }
        }
    }

    /// Tries the next address of the broker.
    fn connect_next(&mut self, index: BrokerIndex) {
        let broker = self.broker(index);
        let address = broker.addresses[broker.next_address];
        let host = broker.host.clone();
        broker.next_address += 1;
        self.set_link(index, Link::Connecting);
        let id = self.connection_id(index);
        self.debug(Facility::Connection, || format!("attempt {}: connecting to {address}", id.attempt));
        self.output(Output::Connect(id, host, address));
    }

    /// The TLS handshake has what is left of the time for connecting.
    pub(super) fn securing(&mut self, id: ConnectionId) {
        if self.is_current(id) {
            self.set_link(id.broker, Link::Securing);
        }
    }

    pub(super) fn connect_failed(&mut self, id: ConnectionId, error: Error) {
        if !self.is_current(id) {
            return;
        }
        let broker = self.broker(id.broker);
        if broker.next_address < broker.addresses.len() {
            broker.attempt += 1;
            return self.connect_next(id.broker);
        }
        self.not_connected(id.broker, &error);
    }

    fn not_connected(&mut self, index: BrokerIndex, error: &Error) {
        let error = self.of_address(index, &self.of_broker(index, error));
        self.attempt_failed(index, &error);
    }

    /// The same error, and where the unreachable address comes from.
    fn of_address(&self, index: BrokerIndex, error: &Error) -> Error {
        let origin = match self.brokers[index].is_bootstrap() {
            true => "See bootstrap.servers",
            false => "The cluster advertises this address: see advertised.listeners of the broker",
        };
        let stop = if error.message().ends_with('?') { "" } else { "." };
        error.with_message(format!("{}{stop} {origin}", error.message()))
    }

    /// Ends an attempt to connect that got no connection. `error` names the broker.
    fn attempt_failed(&mut self, index: BrokerIndex, error: &Error) {
        self.count_connect_failed(index);
        let failures = self.brokers[index].failures;
        // Loud only the first time, so that a broker that is down for hours does not fill a disk.
        let level = if failures == 0 { Level::Error } else { Level::Info };
        self.log(level, || format!("{error}; attempts in a row: {}", failures + 1));
        self.broker(index).probe = false;
        self.back_off(index, error);
    }

    /// The broker is not tried again until its backoff has passed.
    fn back_off(&mut self, index: BrokerIndex, error: &Error) {
        self.metadata.last_error = Some(error.clone());
        self.broker(index).last_error = Some(error.clone());
        self.report_down(index, error);
        let failures = self.brokers[index].failures + 1;
        let wait = self.settings.reconnect_backoff.after(failures, &mut self.random);
        let retry_at = self.now.after(wait);
        let broker = self.broker(index);
        broker.failures = failures;
        broker.retry_at = retry_at;
        broker.writing = false;
        let name = broker.name();
        self.debug(Facility::Broker, || format!("{name}: not tried again for {} ms", wait.as_millis()));
        self.set_link(index, Link::Down);
        if self.is_wanted(index) {
            self.timers.arm(Timer::Reconnect(index), retry_at);
            self.note_blocked(index);
        }
        self.transaction_waits_until(retry_at);
        // The leader may have moved. And if this was the last candidate, other addresses must be tried.
        self.request_metadata_soon();
    }

    /// Whether something waits for a connection to this broker.
    fn is_wanted(&self, index: BrokerIndex) -> bool {
        self.brokers[index].is_wanted() || self.is_checked(index)
    }

    pub(super) fn reconnect_due(&mut self, index: BrokerIndex) {
        if self.brokers[index].listed && self.is_wanted(index) {
            self.ensure_connected(index);
        }
        if self.metadata.is_wanted() {
            self.metadata_due();
        }
    }

    pub(super) fn connected(&mut self, id: ConnectionId) {
        if !self.is_current(id) {
            return;
        }
        self.set_link(id.broker, Link::Greeting);
        self.greet(id.broker);
    }

    /// The greeting is over, and the connection can be used.
    pub(super) fn up(&mut self, index: BrokerIndex) {
        self.set_link(index, Link::Up);
        let now = self.now;
        let broker = self.broker(index);
        broker.answered = false;
        broker.probe = false;
        broker.failures = 0;
        broker.last_error = None;
        broker.setup_failures = 0;
        broker.last_used = now;
        broker.unconfirmed_until = Time::ZERO;
        let name = broker.name();
        if !broker.is_bootstrap() {
            self.metadata.outage_over();
        }
        self.log(Level::Info, || format!("connected to {name}"));
        self.report_up(index);
        if let Some(idle) = self.longest_idle() {
            self.timers.arm(Timer::Idle(index), now.after(idle));
        }
        self.answer_reached();
        self.metadata_due();
        self.request_producer_id();
        self.drive_transaction();
        self.broker_has_work(index);
    }

    /// Encodes a request with its header into a frame, and hands it to the connection.
    pub(super) fn send(
        &mut self,
        index: BrokerIndex,
        version: i16,
        kind: RequestKind,
        body: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut frame = self.spare_frames.pop().unwrap_or_default();
        let correlation = self.broker(index).correlation_ids.take();
        let start =
            header::begin_frame(&mut frame.bytes, kind.api(), version, correlation, Some(&self.settings.client_id));
        body(&mut frame.bytes);
        header::end_frame(&mut frame.bytes, start, 0).expect("control requests are far below the limit of a frame");
        frame.correlation = correlation;
        let timeout = self.settings.request_timeout;
        self.write(index, frame, version, kind, timeout);
    }

    /// Hands a complete frame to the connection. The response must come within `timeout`.
    pub(super) fn write(
        &mut self,
        index: BrokerIndex,
        frame: Frame,
        version: i16,
        kind: RequestKind,
        timeout: Duration,
    ) {
        let deadline = self.now.after(timeout);
        let now = self.now;
        self.count_request(index, &frame);
        self.debug_request(index, &frame, version, &kind);
        let is_suspect = |carried: &Carried| carried.batch.as_ref().is_some_and(|b| b.sealed.suspicion.is_some());
        let suspects = kind.carried().first().is_some_and(is_suspect);
        let (correlation, bytes) = (frame.correlation, frame.len());
        let broker = self.broker(index);
        debug_assert!(!broker.writing, "a frame while another is being written");
        broker.writing = true;
        broker.begun = false;
        broker.last_used = now;
        broker.in_flight.push_back(InFlight { correlation, version, sent: now, deadline, bytes, suspects, kind });
        self.timers.arm(Timer::Request(index), deadline);
        let id = self.connection_id(index);
        self.output(Output::Write(id, frame));
    }

    pub(super) fn begun(&mut self, id: ConnectionId) {
        if self.is_current(id) {
            self.broker(id.broker).begun = true;
        }
    }

    pub(super) fn written(&mut self, id: ConnectionId, mut frame: Frame) {
        let correlation = frame.correlation;
        frame.clear();
        if self.spare_frames.len() < 16 {
            self.spare_frames.push(frame);
        }
        if !self.is_current(id) {
            return;
        }
        let broker = self.broker(id.broker);
        broker.writing = false;
        let unanswered = broker
            .in_flight
            .iter()
            .position(|r| r.correlation == correlation && matches!(r.kind, RequestKind::ProduceUnanswered(_)));
        if let Some(at) = unanswered
            && let Some(request) = broker.in_flight.remove(at)
        {
            broker.unconfirmed_until = broker.unconfirmed_until.max(request.deadline);
            self.count_ended(id.broker, 1);
            self.got_through(id.broker, &request);
            if let RequestKind::ProduceUnanswered(produced) = request.kind {
                self.produced_without_answer(produced);
            }
        }
        self.may_write(id.broker);
    }

    /// The connection can take another request: starts whatever waited for that.
    pub(super) fn may_write(&mut self, index: BrokerIndex) {
        self.broker_has_work(index);
        if self.metadata.is_wanted() {
            self.metadata_due();
        }
        self.request_producer_id();
        self.drive_transaction();
    }

    pub(super) fn received(&mut self, id: ConnectionId, frame: &[u8]) {
        if !self.is_current(id) {
            return;
        }
        self.count_response(id.broker, frame);
        self.broker(id.broker).last_used = self.now;
        if let Err(error) = self.take_response(id.broker, frame) {
            let error = self.of_broker(id.broker, &error);
            self.log(Level::Error, || format!("{}; closing the connection", error.message()));
            self.close_connection(id.broker, &error);
        }
    }

    /// The same error, with the broker's name.
    pub(super) fn of_broker(&self, index: BrokerIndex, error: &Error) -> Error {
        error.context(self.brokers[index].name())
    }

    /// Matches a response with the oldest request that waits for one.
    fn take_response(&mut self, index: BrokerIndex, frame: &[u8]) -> Result<(), Error> {
        let broker = self.broker(index);
        let waiting = broker.in_flight.iter().position(|r| !matches!(r.kind, RequestKind::ProduceUnanswered(_)));
        let Some(at) = waiting else {
            return Err(Error::new(ErrorKind::BadResponse, "it sent a response that nobody asked for"));
        };
        let request = broker.in_flight.remove(at).expect("found above");
        if request.kind.api() != ApiKey::ApiVersions {
            broker.answered = true;
            broker.cut_off = 0;
        }
        self.count_ended(index, 1);
        self.count_latency(index, &request);
        self.debug_answer(index, &request, frame.len());
        self.broker_has_work(index);
        let version = request.version;
        let reader = read_header(frame, &request);
        if request.kind.api() == ApiKey::Produce && reader.is_ok() {
            self.got_through(index, &request);
        }
        match (request.kind, reader) {
            (RequestKind::ApiVersions, Ok(mut reader)) => self.greeted(index, &mut reader, version),
            (RequestKind::Metadata, Ok(mut reader)) => {
                let taken = self.metadata_received(index, &mut reader, version);
                taken.inspect_err(|error| self.metadata_failed(&self.of_broker(index, error)))
            }
            (RequestKind::InitProducerId, Ok(mut reader)) => {
                let taken = self.producer_id_received(index, &mut reader, version);
                taken.inspect_err(|error| self.producer_id_failed(&self.of_broker(index, error)))
            }
            (RequestKind::Transaction(asked), Ok(mut reader)) => {
                self.transaction_received(index, asked, &mut reader, version)
            }
            (RequestKind::Produce(produced), Ok(mut reader)) => {
                self.produce_received(index, version, produced, &mut reader)
            }
            (kind, Err(error)) => {
                self.unanswered(kind, &self.of_broker(index, &error), true);
                Err(error)
            }
            (RequestKind::ProduceUnanswered(_), Ok(_)) => unreachable!("nothing with acks=0 waits for an answer"),
        }
    }

    /// Handles a request whose response will not come, or cannot be read. `touched`: a byte of it was written.
    fn unanswered(&mut self, kind: RequestKind, error: &Error, touched: bool) {
        match kind {
            RequestKind::ApiVersions => {}
            RequestKind::Metadata => self.metadata_failed(error),
            RequestKind::InitProducerId => self.producer_id_failed(error),
            RequestKind::Transaction(asked) => self.transaction_unanswered(&asked, error),
            RequestKind::Produce(produced) | RequestKind::ProduceUnanswered(produced) => {
                self.produce_lost(produced, error, touched)
            }
        }
    }

    pub(super) fn disconnected(&mut self, id: ConnectionId, error: Error, untouched: Option<i32>) {
        if !self.is_current(id) {
            return;
        }
        let error = self.of_broker(id.broker, &error);
        let broker = &self.brokers[id.broker];
        if broker.is_idle(self.now) {
            return self.idle_closed(id.broker, &error);
        }
        if broker.is_up() {
            self.log(Level::Info, || error.message().to_string());
            let error = self.suspect_sasl(id.broker, error);
            return self.lost(id.broker, &error, untouched);
        }
        // TLS has named the cause.
        if error.kind() == ErrorKind::Io {
            return self.lost(id.broker, &error, untouched);
        }
        let hint = "this happened before it said which versions it speaks: is it a Kafka broker, and does \
                    security.protocol fit its listener? One that requires TLS closes other connections so";
        self.lost(id.broker, &error.note(hint), untouched);
    }

    /// Handles an idle connection that was closed. That is no failure: brokers close connections after
    /// connections.max.idle.ms, and load balancers after their own limit. But a broker that stops does the same, so
    /// connecting again shows whether it is there.
    fn idle_closed(&mut self, index: BrokerIndex, error: &Error) {
        let wait = self.settings.reconnect_backoff.after(1, &mut self.random);
        let retry_at = self.now.after(wait);
        let broker = self.broker(index);
        broker.probe = broker.listed;
        broker.retry_at = retry_at;
        self.set_link(index, Link::Down);
        self.timers.arm(Timer::Reconnect(index), retry_at);
        self.log(Level::Info, || format!("{}; it was idle", error.message()));
        self.doubt_unconfirmed(index, error);
        // The broker may be stopping, and its partitions have other leaders.
        self.request_metadata_soon();
    }

    /// A listener that requires SASL responds to ApiVersions, and closes the connection at the next request. A broker
    /// that restarts, or that cannot take a large Produce request, may do so too. So SASL is suspected only after two
    /// such connections in a row, with requests other than Produce.
    fn suspect_sasl(&mut self, index: BrokerIndex, error: Error) -> Error {
        let broker = self.broker(index);
        let Some(first) = broker.in_flight.front().filter(|_| !broker.answered) else { return error };
        let api = first.kind.api();
        if broker.in_flight.iter().any(|request| request.kind.api() == ApiKey::Produce) {
            return error;
        }
        broker.cut_off += 1;
        let times = broker.cut_off;
        if times < 2 {
            return error;
        }
        let error = error.note(format_args!(
            "it answered ApiVersions and closed the connection at the next request ({api:?}), {times} times in a row: does \
             the listener require SASL (security.protocol)? Connect to another listener, since this release does not speak \
             SASL"
        ));
        if times == 2 {
            self.log(Level::Warning, || error.message().to_owned());
        }
        error
    }

    /// Closes a connection because of a decision of the sender.
    fn close_connection(&mut self, index: BrokerIndex, error: &Error) {
        let id = self.connection_id(index);
        let untouched = self.withdraw(index);
        self.output(Output::Close(id));
        self.lost(index, error, untouched);
    }

    /// Makes sure that a request without a written byte is never written: the event loop drops it, or never gets it.
    /// Returns its correlation id.
    pub(super) fn withdraw(&mut self, index: BrokerIndex) -> Option<i32> {
        let untouched = self.broker(index).untouched()?;
        let id = self.connection_id(index);
        let before = self.outputs.len();
        self.outputs.retain(|action| !matches!(action, Output::Write(to, _) if *to == id));
        if self.outputs.len() == before {
            self.output(Output::Recall(id));
        }
        Some(untouched)
    }

    /// The connection is gone, and the responses to its requests with it.
    fn lost(&mut self, index: BrokerIndex, error: &Error, untouched: Option<i32>) {
        let was_up = self.brokers[index].is_up();
        let requests: Vec<InFlight> = self.broker(index).in_flight.drain(..).collect();
        self.count_ended(index, requests.len());
        if was_up {
            self.doubt_unconfirmed(index, error);
            self.back_off(index, error);
        } else {
            self.attempt_failed(index, error);
        }
        let only = requests.len() == 1;
        for mut request in requests {
            let touched = untouched != Some(request.correlation);
            if touched {
                self.suspect(index, &mut request, error, only);
            }
            self.unanswered(request.kind, error, touched);
        }
    }

    /// A connection ended soon after requests with acks=0. If one was refused, its topic is gone or its partition has
    /// another leader. So the metadata that the caller requests is accepted whatever its leader epochs are.
    fn doubt_unconfirmed(&mut self, index: BrokerIndex, error: &Error) {
        if self.brokers[index].unconfirmed_until <= self.now {
            return;
        }
        self.log(Level::Warning, || {
            let why = "a broker closes the connection when it refuses a request with acks=0";
            format!("{}; records that were written to it with acks=0 may be lost: {why}", error.message())
        });
        for partition in self.partitions.iter_mut() {
            if partition.leader == Some(index) && partition.slot.settings.acks == Acks::None {
                partition.leader_epoch = None;
            }
        }
    }

    /// Closes a connection if a request got no response in time. Responses come in order, so no later request will get
    /// one.
    pub(super) fn requests_due(&mut self, index: BrokerIndex) {
        let drained = self.drained;
        let broker = self.broker(index);
        // Not always the oldest: topics may have their own timeouts.
        let Some(first) = broker.in_flight.iter().min_by_key(|request| request.deadline) else { return };
        if first.deadline > drained {
            let at = first.deadline;
            return self.timers.arm(Timer::Request(index), at);
        }
        let api = first.kind.api();
        let name = broker.name();
        self.count_timed_out(index);
        let message = format!("{name}: no answer to {api:?} within request.timeout.ms; closing the connection");
        self.log(Level::Warning, || message.clone());
        self.close_connection(index, &Error::new(ErrorKind::Broker(ErrorCode::REQUEST_TIMED_OUT), message));
    }

    /// `connections.max.idle.ms`, but long enough that its timer does not fire constantly.
    fn longest_idle(&self) -> Option<Duration> {
        self.settings.connections_max_idle.map(|idle| idle.max(SHORTEST_PAUSE))
    }

    /// Closes a connection that was not used for `connections.max.idle.ms`, unless something waits for it, such as
    /// records that wait for a producer id or for the end of a throttle.
    pub(super) fn idle_due(&mut self, index: BrokerIndex) {
        let Some(idle) = self.longest_idle() else { return };
        let now = self.now;
        let broker = self.broker(index);
        if !broker.is_up() {
            return;
        }
        let due = broker.last_used.after(idle);
        if due > now || !broker.in_flight.is_empty() || self.is_wanted(index) {
            return self.timers.arm(Timer::Idle(index), due.max(now.after(SHORTEST_PAUSE.max(idle / 10))));
        }
        self.drop_connection(index);
        let name = self.brokers[index].name();
        self.log(Level::Info, || format!("{name}: closed the connection, idle for connections.max.idle.ms"));
    }

    /// Closes a connection with nothing in flight. No backoff follows.
    pub(super) fn drop_connection(&mut self, index: BrokerIndex) {
        let id = self.connection_id(index);
        let broker = self.broker(index);
        if broker.link == Link::Down {
            return;
        }
        broker.retry_at = Time::ZERO;
        broker.writing = false;
        self.set_link(index, Link::Down);
        self.output(Output::Close(id));
    }

    /// Applies a throttle: the broker asked the producer to hold back requests (KIP-219).
    pub(super) fn throttle(&mut self, index: BrokerIndex, throttle_ms: i32) {
        let Ok(ms @ 1..) = u64::try_from(throttle_ms) else { return };
        self.count_throttled(index, ms);
        let throttle = Duration::from_millis(ms);
        let until = self.now.after(throttle);
        let broker = self.broker(index);
        if until > broker.throttled_until {
            broker.throttled_until = until;
            broker.throttle = throttle;
        }
        // The broker delays its responses too, which is not the fault of the requests.
        for request in &mut broker.in_flight {
            request.deadline = request.deadline.after(throttle);
        }
        self.timers.arm(Timer::Throttle(index), until);
        let name = self.brokers[index].name();
        self.debug(Facility::Broker, || format!("{name}: throttled for {ms} ms"));
        self.report_throttled(index, throttle);
    }
}

/// Reads the header of a response, and returns the reader at the body.
fn read_header<'a>(frame: &'a [u8], request: &InFlight) -> Result<Reader<'a>, Error> {
    let mut reader = Reader::new(frame);
    let correlation = header::read_correlation_id(&mut reader)?;
    if correlation != request.correlation {
        let message = format!(
            "it answered request {correlation}, but the oldest one that waits for an answer is {}",
            request.correlation
        );
        return Err(Error::new(ErrorKind::BadResponse, message));
    }
    header::finish_response_header(&mut reader, request.kind.api(), request.version)?;
    Ok(reader)
}
