//! The world around an engine, on one thread. The test sets its clock, its brokers are modelled, and it carries out the
//! sender's output. Scripts and random runs differ only in who chooses the next step.
//!
//! `World` joins its parts: the application, the network, the driver and an observer.

pub mod application;
mod driver;
mod helpers;
mod lender;
mod network;
pub mod observer;
pub mod setup;
pub mod values;

use std::sync::Arc;
use std::time::Duration;

use ottla_core::accumulator::{
    Accumulator, AccumulatorSettings, Command, Lingering, NotAccepted, Purge, TopicSettings, TransactionCall,
};
use ottla_core::batch::Report;
use ottla_core::sender::{ConnectionId, Input, Output, Sender, Settings};
use ottla_core::statistics::Statistics;
use ottla_core::sync::{Clock, Time};
use ottla_core::{CounterSnapshot, Error, ErrorKind, Fate, Level, Record};
use ottla_mock::{Cluster, codes};

pub use application::{Application, Hand, Outcome};
use driver::Driver;
pub use helpers::Ending;
use helpers::Helpers;
pub use network::Stray;
use network::{Arrival, Network};
use observer::Observer;
pub use setup::Setup;
pub use values::{POISON, id_of};

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub struct World {
    pub now: Time,
    pub accumulator: Arc<Accumulator>,
    pub sender: Sender,
    pub statistics: Arc<Statistics>,
    pub cluster: Cluster,
    pub network: Network,
    pub application: Application,
    pub observer: Observer,
    pub helpers: Helpers,
    driver: Driver,
}

impl World {
    pub fn new(mut setup: Setup) -> World {
        let partitioner = setup.accumulator.topic.partitioner;
        setup.accumulator.topic = TopicSettings { partitioner, ..setup.sender.topic() };
        World::with_settings(setup.sender.sender, &setup.accumulator, setup.brokers)
    }

    pub fn with_settings(sender: Settings, accumulator: &AccumulatorSettings, brokers: i32) -> World {
        let now = Time(1_000_000_000_000);
        let application = Application::new(accumulator.retain);
        let accumulator = Arc::new(Accumulator::new(accumulator));
        let statistics = Arc::new(Statistics::new("world", now));
        let sender = Sender::new(sender, accumulator.clone(), statistics.clone(), now).expect("valid settings");
        World {
            now,
            sender,
            statistics,
            cluster: Cluster::new(brokers),
            network: Network::new(brokers),
            application,
            observer: Observer::default(),
            helpers: Helpers::default(),
            driver: Driver::new(&accumulator, now),
            accumulator,
        }
    }

    // The application

    pub fn send(&mut self, topic: &str, partition: i32) -> u64 {
        self.send_sized(topic, Some(partition), 0).expect("accepted")
    }

    /// `padding` bytes make the record longer.
    pub fn send_sized(&mut self, topic: &str, partition: Option<i32>, padding: usize) -> Result<u64, NotAccepted> {
        self.send_as(topic, partition, padding, Lingering::Allowed)
    }

    pub fn send_as(
        &mut self,
        topic: &str,
        partition: Option<i32>,
        padding: usize,
        lingering: Lingering,
    ) -> Result<u64, NotAccepted> {
        self.send_record(topic, Record { partition, ..Record::default() }, padding, b'.', lingering)
    }

    /// Sends a record that topics refuse if their `poison` is [`POISON`].
    pub fn send_poisoned(&mut self, topic: &str, partition: Option<i32>) -> Result<u64, NotAccepted> {
        self.send_record(topic, Record { partition, ..Record::default() }, 1, POISON, Lingering::Allowed)
    }

    /// Sends a record with a timeout.
    pub fn send_within(&mut self, topic: &str, partition: i32, timeout: Duration) -> u64 {
        let record = Record { partition: Some(partition), timeout: Some(timeout), ..Record::default() };
        self.send_record(topic, record, 0, b'.', Lingering::Allowed).expect("accepted")
    }

    /// The record gets a value that identifies it.
    pub fn send_record(
        &mut self,
        topic: &str,
        record: Record<'_>,
        padding: usize,
        fill: u8,
        lingering: Lingering,
    ) -> Result<u64, NotAccepted> {
        self.application.send_record((&self.accumulator, self.now), topic, record, padding, fill, lingering)
    }

    /// Like `send_sized`, but with a lent value.
    pub fn send_lent(&mut self, topic: &str, partition: Option<i32>, padding: usize) -> Result<u64, NotAccepted> {
        self.application.send_lent((&self.accumulator, self.now), topic, partition, padding)
    }

    /// Overrides settings of a topic, before its first record.
    pub fn topic_with(&mut self, topic: &str, change: impl FnOnce(&mut TopicSettings)) {
        assert!(self.accumulator.topics.find(topic).is_none(), "the topic has settings already");
        let mut settings = self.accumulator.topics.defaults().clone();
        change(&mut settings);
        self.accumulator.topics.get_with(topic, settings);
    }

    pub fn flush(&mut self) -> u64 {
        self.application.flush(&self.accumulator)
    }

    /// Gives up records of one topic, or of all.
    pub fn purge(&mut self, queued: bool, in_flight: bool, topic: Option<&str>) -> u64 {
        let what = Purge { queued, in_flight, topic: topic.map(Into::into) };
        self.application.purge(&self.accumulator, what)
    }

    pub fn command(&mut self, command: impl FnOnce(u64) -> Command) -> u64 {
        self.application.command(&self.accumulator, command)
    }

    /// Makes a transactional call.
    pub fn call(&mut self, call: TransactionCall) -> u64 {
        self.command(|ticket| Command::Transaction { ticket, call })
    }

    /// Makes a transactional call and waits for its answer, for a minute at most.
    pub fn transact(&mut self, call: TransactionCall) -> Result<(), Error> {
        let ticket = self.call(call);
        let answered = self.run_until(ms(60_000), |world| world.application.answers.contains_key(&ticket));
        assert!(answered, "{:#?}", self.log_tail());
        self.application.answers[&ticket].clone().map(drop)
    }

    /// Closes as the producer does.
    pub fn close(&mut self, timeout: Duration) {
        self.application.close(&self.accumulator, self.now, timeout);
    }

    // Time

    /// Does everything that can be done without time passing.
    pub fn turn(&mut self) {
        for _ in 0..10_000 {
            self.set_clocks();
            self.land();
            let mut busy = self.end_due_preparations();
            while let Some(&id) = self.arrivals().first() {
                self.deliver(id);
                busy = true;
            }
            if !(self.driver.is_awake() || busy || self.driver.next_tick(&self.sender) <= self.now) {
                return;
            }
            self.driver.wake_up();
            self.read_mail();
            self.sender.tick(self.now);
            self.carry_out();
            self.driver.fall_asleep(&self.sender, &self.accumulator, self.now);
        }
        panic!("the sender never comes to rest; its log ends with {:#?}", self.log_tail());
    }

    /// Sets the clocks of the sender and the brokers.
    pub fn set_clocks(&mut self) {
        self.sender.set_now(self.now);
        self.cluster.now_ms = Hand(self.now).wall_ms();
    }

    /// Lets this much time pass, event by event.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        self.run_to(end, |_| false);
        self.now = end;
        self.turn();
    }

    /// Runs until `done`, for `limit` at most. Returns whether it was done.
    pub fn run_until(&mut self, limit: Duration, done: impl Fn(&World) -> bool) -> bool {
        self.run_to(self.now.after(limit), done)
    }

    fn run_to(&mut self, end: Time, done: impl Fn(&World) -> bool) -> bool {
        loop {
            self.turn();
            if done(self) {
                return true;
            }
            let next = self.next_event();
            if next > end {
                return false;
            }
            self.now = self.now.max(next);
        }
    }

    /// The time of the next event.
    pub fn next_event(&self) -> Time {
        self.driver.next_tick(&self.sender).min(self.network.next_event()).min(self.helpers.next_event())
    }

    // The sender's actions

    pub fn read_mail(&mut self) {
        let room_requested = self.take_mail();
        self.hand_over_mail(room_requested);
    }

    /// The first half of `read_mail`. Other threads may act before the second half.
    pub fn take_mail(&mut self) -> bool {
        self.driver.take_mail(&self.accumulator)
    }

    pub fn hand_over_mail(&mut self, room_requested: bool) {
        self.driver.hand_over_mail(&mut self.sender, room_requested);
    }

    pub fn carry_out(&mut self) {
        loop {
            self.accumulator.memory.give_back_loans();
            let Some(action) = self.sender.poll_output() else { return };
            match action {
                Output::Resolve(id, name) => {
                    self.observer.see_attempt(self.now, id.broker);
                    self.network.resolve(id, &name, self.now);
                }
                Output::FindCanonicalNames(id, name, _) => self.network.find_canonical_names(id, &name, self.now),
                Output::Connect(id, name, address) => self.network.connect(id, &name, address, self.now, &self.cluster),
                Output::Write(id, frame) => {
                    self.observer.see_request(self.now, &frame);
                    if self.network.write(id, frame) && self.network.eager {
                        self.finish_write(id);
                    }
                }
                Output::Recall(id) => self.network.recall(id),
                Output::Close(id) => drop(self.network.end(id)),
                Output::Prepare(preparation) => self.helpers.begin(preparation, self.now),
                Output::Report(report) => self.report(report),
                Output::Assign(topic, slots) => {
                    let rejected = self.accumulator.assign(&topic, slots, &Hand(self.now));
                    rejected.into_reports(self.now).for_each(|report| self.report(report));
                    self.read_mail();
                    self.sender.assigned(&topic);
                }
                Output::Answered { ticket, outcome } => self.application.answered(ticket, outcome),
                Output::Closed => {
                    self.helpers.join();
                    self.application.closed();
                }
                Output::Event(event) => self.observer.events.push(*event),
                Output::Log(level, message) => self.observer.log.push((level, message)),
            }
        }
    }

    pub fn report(&mut self, report: Report) {
        self.application.report(report, self.now);
    }

    // The helpers

    /// Ends the preparations that are due. Returns whether there were any.
    fn end_due_preparations(&mut self) -> bool {
        let mut any = false;
        while let Some(at) = self.helpers.due(self.now) {
            self.end_preparation(at, self.helpers.ending.unwrap_or(Ending::Done));
            any = true;
        }
        any
    }

    /// One of the preparations that are under way ends.
    pub fn end_preparation(&mut self, at: usize, ending: Ending) {
        let (preparation, prepared) = self.helpers.end(at, ending);
        self.sender.set_now(self.now);
        self.sender.input(Input::Prepared(preparation, prepared));
        self.driver.wake_up();
    }

    // The network

    /// Links with something to deliver now.
    pub fn arrivals(&self) -> Vec<ConnectionId> {
        self.network.arrivals(self.now)
    }

    /// The latest time up to which everything that arrived was delivered.
    pub fn drained(&self) -> Time {
        self.network.drained(self.now)
    }

    /// Lets brokers handle what has reached them.
    pub fn land(&mut self) {
        self.network.land(self.now, &mut self.cluster);
    }

    /// Lets the engine read what arrived first on a link.
    pub fn deliver(&mut self, id: ConnectionId) {
        match self.network.take_arrival(id) {
            None => {}
            Some(Arrival::Resolved(addresses)) => self.sender.input(Input::Resolved(id, Ok(addresses))),
            Some(Arrival::CanonicalNames(names)) => self.sender.input(Input::CanonicalNames(id, names)),
            Some(Arrival::ResolveFailed) => {
                self.network.end(id);
                self.sender.input(Input::Resolved(id, Err(Error::new(ErrorKind::Resolve, "no such name"))));
            }
            Some(Arrival::Securing) => self.sender.input(Input::Securing(id)),
            Some(Arrival::Connected(broker)) => {
                self.network.connected(id, broker);
                self.sender.input(Input::Connected(id));
            }
            Some(Arrival::Refused) => self.lose(id, Error::new(ErrorKind::Io, "connection refused")),
            Some(Arrival::Bytes(bytes)) => self.receive(id, &bytes),
            Some(Arrival::Closed) => self.cut(id),
        }
    }

    fn receive(&mut self, id: ConnectionId, bytes: &[u8]) {
        let mut received = self.network.take_received(id, bytes);
        while let Some(length) = received.first_chunk::<4>().map(|length| i32::from_be_bytes(*length)) {
            if !(0..100 << 20).contains(&length) {
                return self.lose(id, Error::new(ErrorKind::BadResponse, "announced a response of bad length"));
            }
            let end = 4 + length as usize;
            if received.len() < end {
                break;
            }
            self.sender.input(Input::Received(id, &received[4..end]));
            received.drain(..end);
        }
        self.network.put_back(id, received);
    }

    /// The socket accepts a part of the frame.
    pub fn begin_write(&mut self, id: ConnectionId) {
        if self.touch(id) {
            self.sender.input(Input::Begun(id));
        }
    }

    /// Writes the first bytes of a frame. Returns false if they were written before.
    fn touch(&mut self, id: ConnectionId) -> bool {
        let begun = self.network.begin_write(id);
        begun.inspect(|frame| self.observer.see_begin(frame)).is_some()
    }

    /// The socket accepts the rest of the frame, and the broker handles it.
    pub fn finish_write(&mut self, id: ConnectionId) {
        self.touch(id);
        let Some((frame, broker)) = self.network.finish_write(id, self.now) else { return };
        self.observer.written.push((self.now, broker));
        self.network.land_on(id, self.now, &mut self.cluster);
        self.sender.input(Input::Written(id, frame));
        self.driver.wake_up();
    }

    /// The process ends. Requests that it wrote remain.
    pub fn die(self) -> (Cluster, Vec<Stray>) {
        (self.cluster, self.network.end_all())
    }

    /// Ends the connection. Of a frame whose writing has not begun, no byte was written.
    pub fn cut(&mut self, id: ConnectionId) {
        self.lose(id, connection_lost());
    }

    /// Ends the connection in the middle of a frame.
    pub fn cut_midway(&mut self, id: ConnectionId) {
        self.touch(id);
        if self.network.end(id).is_some_and(|link| link.broker.is_some()) {
            self.sender.input(Input::Disconnected(id, connection_lost(), None));
        }
    }

    fn lose(&mut self, id: ConnectionId, error: Error) {
        let Some(link) = self.network.end(id) else { return };
        let untouched = link.outgoing.as_ref().filter(|_| !link.begun).map(|frame| frame.correlation);
        if link.broker.is_some() {
            self.sender.input(Input::Disconnected(id, error, untouched));
        } else {
            self.sender.input(Input::ConnectFailed(id, error));
        }
    }

    pub fn cut_all_to(&mut self, broker: i32) {
        self.sender.set_now(self.now);
        self.network.links_to(broker).into_iter().for_each(|id| self.cut(id));
        self.driver.wake_up();
    }

    /// Takes a broker down, and its connections with it.
    pub fn stop_broker(&mut self, broker: i32) {
        self.cluster.stop_broker(broker);
        self.lose_broker(broker);
    }

    /// Ends the connections of a broker that went down.
    pub fn lose_broker(&mut self, broker: i32) {
        self.cut_all_to(broker);
        self.network.lose_strays(broker);
    }

    // Looking

    pub fn counts(&self) -> CounterSnapshot {
        self.statistics.producer.counters()
    }

    pub fn outcome(&self, id: u64) -> &Outcome {
        let outcome = self.application.outcomes.get(&id);
        outcome.unwrap_or_else(|| panic!("record {id} has no completion; log: {:#?}", self.log_tail()))
    }

    pub fn all_completed(&self) -> bool {
        self.application.all_completed()
    }

    pub fn log_tail(&self) -> &[(Level, String)] {
        self.observer.log_tail()
    }

    /// The ids in a partition's log, in order.
    pub fn in_log(&self, topic: &str, partition: i32) -> Vec<u64> {
        self.cluster.records(topic, partition).iter().map(|record| id_of(record.value.as_deref())).collect()
    }

    pub fn assert_written(&self, id: u64) {
        let outcome = self.outcome(id);
        assert!(outcome.fate == Fate::Written && outcome.error.is_none(), "record {id}: {outcome:?}");
    }

    pub fn assert_failed(&self, id: u64, kind: ErrorKind, fate: Fate) {
        let outcome = self.outcome(id);
        assert!(outcome.fate == fate && outcome.error == Some(kind), "record {id}: {outcome:?}");
    }

    pub fn memory_used(&self) -> usize {
        self.accumulator.memory.budget().used()
    }
}

fn connection_lost() -> Error {
    Error::new(ErrorKind::Broker(codes::NETWORK_EXCEPTION), "the connection was lost")
}
