//! The sender: a state machine on the sender's thread. Input and `now` go in, output comes out. There is no socket,
//! clock or thread in it, so tests and the simulation can replace its surroundings.
//!
//! The sender never looks at anything that has nothing to do. A partition with something to send is on its broker's
//! ready list or lingering list, and every deadline is in `Timers`. So ten thousand partitions cost as much as the
//! active ones among them.
#![forbid(unsafe_code)]

mod attempt;
mod backoff;
mod broker;
mod brokers;
mod close;
mod connection;
mod debug;
mod drain;
mod errors;
mod event;
mod expiry;
mod flush;
mod frame;
mod handshake;
mod identity;
mod in_flight;
mod index;
mod inquiry;
mod interface;
mod lanes;
mod metadata;
mod outstanding;
mod partition;
mod partitions;
mod pause;
mod prepare;
mod producer_id;
mod purge;
mod record_errors;
mod request;
mod response;
mod retry;
mod sequence;
mod settings;
mod statistics;
mod suspects;
mod testing;
mod timers;
mod transaction;
mod waiting;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

pub use backoff::Backoff;
pub use debug::{DebugSwitch, line as debug_line};
pub use event::EventBroker;
pub use event::{Event, EventKind};
pub use frame::Frame;
pub use index::BrokerIndex;
pub use inquiry::PartitionInfo;
pub use interface::{Answer, ConnectionId, HostName, Input, Level, Output};
pub use prepare::{Compressors, Preparation, Prepared};
pub use settings::Settings;

pub use crate::config::Acks;

use crate::accumulator::{Accumulator, Command, Mail};
use crate::batch::{Batch, Outcome, Report};
use crate::config::Facility;
use crate::error::{Error, Result};
use crate::partition::rng::SplitMix64;
use crate::statistics::Statistics;
use crate::sync::{Arc, Time};
use broker::Broker;
use brokers::Brokers;
use flush::{Flushes, Waiter};
use index::{PartitionIndex, Table, TopicIndex};
use inquiry::Inquiry;
use metadata::{Metadata, TopicState};
use outstanding::Outstanding;
use partition::{Partition, Place};
use partitions::Partitions;
use producer_id::ProducerId;
use timers::{Timer, Timers};
use transaction::Transaction;

/// The sender: a state machine without sockets, threads or a clock. Its owner gives it input and carries out its
/// output.
///
/// The owner repeats these steps, all on one thread:
///
/// 1. [`set_now`](Self::set_now) sets the present time. Every other call uses it.
/// 2. Input: [`mail`](Self::mail) is what the inbox holds, [`input`](Self::input) is what happened on a connection, and
///    [`tick`](Self::tick) fires what is due. Their order is free, but `tick` is given a time up to which every
///    byte that arrived was passed in as input. Otherwise a response that came in time could count as missing.
/// 3. Output: [`poll_output`](Self::poll_output) is called until it returns `None`, and each output is carried out before the
///    next call. This step is due after any input.
/// 4. The next round begins with the next mail or input, and at [`next_deadline`](Self::next_deadline) at the latest. A
///    `tick` that comes early does nothing.
///
/// Every batch is reported exactly once, by [`Output::Report`]. After [`Output::Closed`] nothing is left to do. If a
/// panic interrupts the steps, [`take_reports`](Self::take_reports) returns the reports that were not handed over yet.
pub struct Sender {
    settings: Settings,
    accumulator: Arc<Accumulator>,
    statistics: Arc<Statistics>,
    now: Time,
    held_up: HeldUp,
    /// The time up to which every byte that arrived was passed in.
    drained: Time,
    random: SplitMix64,
    /// Drawn once per input, so that partitions that one response refuses pause equally long and return in one request.
    jitter: u64,
    timers: Timers,
    outputs: VecDeque<Output>,
    partitions: Partitions,
    topics: Table<TopicIndex, TopicState>,
    topic_by_name: HashMap<Arc<str>, TopicIndex>,
    brokers: Brokers,
    /// AllBrokersDown was reported, and no broker has been up since.
    all_down: bool,
    metadata: Metadata,
    producer_id: ProducerId,
    transaction: Option<Transaction>,
    outstanding: Outstanding,
    flushes: Flushes,
    inquiries: Vec<Inquiry>,
    closing: Option<Time>,
    closed: bool,
    compressors: Compressors,
    spare_frames: Vec<Frame>,
    spare_lists: Vec<request::Produced>,
    /// Brokers to look at before this step ends.
    dirty: Vec<BrokerIndex>,
    /// Partitions from which this drain took a batch. They may have another. Kept for its buffer.
    taken_from: Vec<PartitionIndex>,
}

/// The last long time in which the sender did not run, because of a slow callback or because the process was stopped.
#[derive(Clone, Copy)]
struct HeldUp {
    time: Duration,
    until: Time,
}

/// Shorter delays are not recorded.
const HELD_UP: Duration = Duration::from_secs(1);

impl Sender {
    pub fn new(
        settings: Settings,
        accumulator: Arc<Accumulator>,
        statistics: Arc<Statistics>,
        now: Time,
    ) -> Result<Self> {
        let defaults = accumulator.topics.defaults();
        let mut compressors = Compressors::default();
        compressors.make(defaults.codec, defaults.compression_level)?;
        let mut sender = Sender {
            random: SplitMix64::new(settings.seed),
            jitter: 0,
            accumulator,
            statistics,
            now,
            held_up: HeldUp { time: Duration::ZERO, until: Time::ZERO },
            drained: now,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            partitions: Partitions::new(),
            topics: Table::new(),
            topic_by_name: HashMap::new(),
            brokers: Brokers::new(),
            all_down: false,
            metadata: Metadata::new(now),
            producer_id: ProducerId::new(settings.idempotence && settings.transaction.is_none()),
            transaction: settings.transaction.clone().map(|(id, timeout_ms)| Transaction::new(id, timeout_ms)),
            outstanding: Outstanding::default(),
            flushes: Flushes::default(),
            inquiries: Vec::new(),
            closing: None,
            closed: false,
            compressors,
            spare_frames: Vec::new(),
            spare_lists: Vec::new(),
            dirty: Vec::new(),
            taken_from: Vec::new(),
            settings,
        };
        sender.add_bootstrap_brokers(sender.settings.bootstrap_servers.clone());
        sender.shut_gate_for_transactions();
        sender.request_metadata();
        Ok(sender)
    }

    /// Sets the present time. It never goes back.
    pub fn set_now(&mut self, now: Time) {
        // A timer may be set to a time in the past.
        let due = self.timers.next().max(self.now);
        self.now = self.now.max(now);
        self.note_held_up(now.since(due));
    }

    /// Records that the sender did not run for this long, until now.
    pub fn note_held_up(&mut self, time: Duration) {
        if time > HELD_UP {
            self.held_up = HeldUp { time, until: self.now };
        }
    }

    /// Takes the contents of the inbox: first the slots, then the commands, so that a command covers all records before
    /// it.
    pub fn mail(&mut self, mail: &mut Mail<Command>, room_requested: bool) {
        for slot in mail.slots.drain(..) {
            self.arrived(slot);
        }
        for command in mail.commands.drain(..) {
            match command {
                Command::Flush { ticket } => self.flush(Waiter::Call(ticket)),
                Command::Inquire { ticket, about, asked_at, deadline } => {
                    self.inquire(ticket, about, asked_at, deadline);
                }
                Command::Purge { ticket, what } => {
                    self.purge(&what);
                    self.answer(ticket, Ok(Answer::Done));
                }
                Command::Close { deadline } => self.close(deadline),
                Command::Transaction { ticket, call } => self.transaction_call(ticket, call),
                Command::DrainTransaction => self.drain_transaction(),
                Command::AddBrokers { servers } => {
                    self.add_bootstrap_brokers(servers);
                    // If metadata is wanted, they are tried like the others.
                    self.metadata_due();
                }
                Command::Explain { ticket, waiting } => {
                    let why = self.explain(&waiting);
                    self.answer(ticket, Ok(Answer::Waits(why)));
                }
            }
        }
        if room_requested {
            self.debug(Facility::Queue, || "room is wanted: every open batch is sent".into());
            self.end_all_lingering();
        }
    }

    /// Takes what happened on a connection.
    pub fn input(&mut self, input: Input<'_>) {
        self.jitter = self.random.draw();
        match input {
            Input::Resolved(id, addresses) => self.resolved(id, addresses),
            Input::CanonicalNames(id, names) => self.canonical_names_found(id, names),
            Input::Securing(id) => self.securing(id),
            Input::Connected(id) => self.connected(id),
            Input::ConnectFailed(id, error) => self.connect_failed(id, error),
            Input::Received(id, frame) => self.received(id, frame),
            Input::Begun(id) => self.begun(id),
            Input::Written(id, frame) => self.written(id, frame),
            Input::Disconnected(id, error, untouched) => self.disconnected(id, error, untouched),
            Input::Prepared(preparation, prepared) => self.prepared(preparation, prepared),
        }
    }

    /// Fires the timers that are due at `drained`, the time up to which every byte that arrived was passed in. So a
    /// response that arrived in time does not count as missing, however late it is read.
    pub fn tick(&mut self, drained: Time) {
        self.drained = self.drained.max(drained);
        while let Some(timer) = self.timers.due(drained) {
            match timer {
                Timer::Linger(broker) => self.linger_passed(broker),
                Timer::Request(broker) => self.requests_due(broker),
                Timer::Setup(broker) => self.setup_due(broker),
                Timer::Reconnect(broker) => self.reconnect_due(broker),
                Timer::Idle(broker) => self.idle_due(broker),
                Timer::Throttle(broker) => self.drain(broker),
                Timer::Availability(broker) => self.availability_due(broker),
                Timer::Backoff(partition) => self.backoff_passed(partition),
                Timer::Expiry(partition) => self.expiry_due(partition),
                Timer::Metadata => self.metadata_due(),
                Timer::Rebootstrap => self.rebootstrap_due(),
                Timer::ProducerId => self.request_producer_id(),
                Timer::Inquiries => self.inquiries_due(),
                Timer::Close => self.close_due(),
                Timer::Transaction => self.drive_transaction(),
            }
        }
    }

    /// The next output to carry out. Requests that became possible by carrying out the last one are sent first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.settle();
        self.outputs.pop_front()
    }

    /// After a panic: the reports that were not handed over yet.
    pub fn take_reports(&mut self) -> Vec<Report> {
        let report = |action| if let Output::Report(report) = action { Some(report) } else { None };
        self.outputs.drain(..).filter_map(report).collect()
    }

    /// When to call [`Sender::tick`] if no input comes before.
    pub fn next_deadline(&self) -> Time {
        self.timers.next()
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn output(&mut self, action: Output) {
        self.outputs.push_back(action);
    }

    /// Answers the call that waits with this ticket.
    fn answer(&mut self, ticket: u64, outcome: Result<Answer>) {
        self.output(Output::Answered { ticket, outcome });
    }

    fn log(&mut self, level: Level, message: impl FnOnce() -> String) {
        if level <= self.settings.log_level {
            self.outputs.push_back(Output::Log(level, message()));
        }
    }

    /// Decides a batch that the sender took. Its flushes are settled when this step ends.
    fn decide(&mut self, batch: Box<Batch>, outcome: Outcome) {
        self.outstanding.end(batch.sealed.serial);
        self.debug_decided(&batch, &outcome);
        self.count_decided(&batch, &outcome, true);
        let numbered = batch.sealed.base_sequence.is_some();
        self.hand_over(batch, outcome, numbered);
    }

    /// Reports a batch that the sender did not take: one of a topic's queue, or of a slot whose records fail. It has no
    /// sequence number, but in a transaction the next one gets another epoch all the same, as after most failures.
    fn report(&mut self, batch: Box<Batch>, outcome: Outcome) {
        self.debug_decided(&batch, &outcome);
        self.count_decided(&batch, &outcome, false);
        self.hand_over(batch, outcome, true);
    }

    /// Reports a batch. Its failure also fails the transaction, but only after the report, so that the records' results
    /// come first.
    fn hand_over(&mut self, batch: Box<Batch>, outcome: Outcome, renews_epoch: bool) {
        let error = outcome.error.clone();
        self.output(Output::Report(batch.decide(outcome)));
        if let Some(error) = error {
            self.transaction_decided(renews_epoch, &error);
        }
    }

    fn fail(&mut self, batch: Box<Batch>, error: Error) {
        let outcome = Outcome::failed(&batch, error, self.now);
        self.decide(batch, outcome);
    }

    fn partition(&mut self, index: PartitionIndex) -> &mut Partition {
        &mut self.partitions[index]
    }

    fn broker(&mut self, index: BrokerIndex) -> &mut Broker {
        &mut self.brokers[index]
    }
}
