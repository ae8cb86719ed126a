//! The world around an engine, on one thread: its clock is turned by hand, its brokers are the model's, and whatever
//! the core wants done is done here. Scripts and the random run differ only in who chooses what happens next.

#[path = "lender.rs"]
mod lender;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ottla::batch::{Completion, Report, Room};
use ottla::compress::Codec;
use ottla::config::Facilities;
use ottla::core::{
    Acks, Action, Answer, Backoff, BrokerIndex, ConnectionId, Core, DebugSwitch, Event, Frame, HostName, News, Settings,
};
use ottla::driver::Rest;
use ottla::front::{
    Command, Front, FrontSettings, Mail, Manner, NotAccepted, Partitioner, Purge, TopicSettings, TransactionCall,
};
use ottla::statistics::Statistics;
use ottla::sync::{Clock, Time};
use ottla::{CounterSnapshot, Error, ErrorKind, Fate, Level, Record};
use ottla_test_support::model::{Api, Cluster, Connection, Reaction, codes};

use lender::Lender;

/// What a world begins with. `Setup::default()` is Java's defaults, with three brokers and linger 0.
pub struct Setup {
    pub core: Properties,
    pub front: FrontSettings,
    pub brokers: i32,
}

/// What the core is told of the producer and, here, of each topic of which nothing else is said.
pub struct Properties {
    pub core: Settings,
    pub acks: Acks,
    pub linger: Duration,
    pub delivery_timeout: Duration,
    pub topic_timeout: Duration,
    pub codec: Codec,
    pub compression_level: i32,
}

impl Properties {
    /// As the producer makes it of its configuration.
    pub fn topic(&self) -> TopicSettings {
        TopicSettings {
            acks: self.acks,
            idempotence: self.core.idempotence && self.acks == Acks::All,
            linger: self.linger,
            delivery_timeout: self.delivery_timeout,
            request_timeout: self.core.request_timeout,
            topic_timeout: self.topic_timeout,
            codec: self.codec,
            compression_level: self.compression_level,
            partitioner: Partitioner::default(),
        }
    }
}

impl Deref for Properties {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.core
    }
}

impl DerefMut for Properties {
    fn deref_mut(&mut self) -> &mut Settings {
        &mut self.core
    }
}

impl Default for Setup {
    fn default() -> Self {
        let backoff = |initial, max| Backoff { initial: ms(initial), max: ms(max) };
        let core = Settings {
            bootstrap_servers: vec![("first".into(), 9093)],
            canonical_bootstrap: false,
            client_id: "world".into(),
            idempotence: true,
            transaction: None,
            retries: i32::MAX as u32,
            max_in_flight: 5,
            max_request_size: 1 << 20,
            request_timeout: ms(30_000),
            retry_backoff: backoff(100, 1000),
            reconnect_backoff: backoff(50, 1000),
            setup_backoff: backoff(10_000, 30_000),
            connections_max_idle: Some(ms(540_000)),
            metadata_max_age: ms(300_000),
            metadata_max_idle: ms(300_000),
            rebootstrap: true,
            rebootstrap_trigger: ms(300_000),
            allow_auto_create_topics: true,
            availability_timeout: None,
            log_level: Level::Debug,
            debug: Arc::new(DebugSwitch::new(Facilities::ALL)),
            seed: 1,
            first_sequence: 0,
        };
        let topic = TopicSettings { linger: Duration::ZERO, ..TopicSettings::default() };
        Setup {
            core: Properties {
                core,
                acks: topic.acks,
                linger: topic.linger,
                delivery_timeout: topic.delivery_timeout,
                topic_timeout: topic.topic_timeout,
                codec: topic.codec,
                compression_level: topic.compression_level,
            },
            front: FrontSettings { buffer_memory: 32 << 20, batch_size: 16384, batch_limit: 1 << 20, topic, seed: 1 },
            brokers: 3,
        }
    }
}

impl Setup {
    pub fn with(change: impl FnOnce(&mut Properties)) -> Setup {
        let mut setup = Setup::default();
        change(&mut setup.core);
        setup
    }

    pub fn batch_size(mut self, bytes: usize) -> Setup {
        self.front.batch_size = bytes;
        self
    }

    /// Every record is a batch of its own.
    pub fn single_records(mut self) -> Setup {
        self.front.batch_limit = 1;
        self.front.batch_size = 1;
        self
    }

    pub fn start(self) -> World {
        World::new(self)
    }
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What is wrong with poisoned records.
pub const POISON: u8 = b'!';

/// What was reported of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub fate: Fate,
    pub offset: i64,
    pub timestamp: i64,
    pub error: Option<ErrorKind>,
    /// The error says that the producer cannot go on.
    pub fatal: bool,
    pub message: String,
    pub attempts: u32,
    pub partition: i32,
    /// Address and length of a value that was lent.
    pub lent: Option<(usize, usize)>,
    pub at: Time,
}

/// A record that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub topic: String,
    pub padding: usize,
}

/// One connection, or an attempt at one.
#[derive(Default)]
struct Line {
    broker: Option<Connection>,
    outgoing: Option<Frame>,
    /// A part of it is written.
    begun: bool,
    /// What was written and the broker has not handled yet.
    on_way: VecDeque<(Time, Vec<u8>)>,
    arrivals: VecDeque<(Time, Arrival)>,
    received: Vec<u8>,
    stalled: bool,
}

/// What an engine asks of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// An attempt to connect to a broker, by its index in the core.
    Attempt(BrokerIndex),
    /// A request, by its API's number.
    Request(i16),
}

/// A request that a broker will handle, though nobody waits for its answer.
pub type Stray = (Time, Connection, Vec<u8>);

enum Arrival {
    Resolved(Vec<SocketAddr>),
    CanonicalNames(Result<Vec<Arc<str>>, Error>),
    ResolveFailed,
    Connected(i32),
    Refused,
    Bytes(Vec<u8>),
    Closed,
}

pub struct World {
    pub now: Time,
    pub front: Arc<Front>,
    pub core: Core,
    pub statistics: Arc<Statistics>,
    pub cluster: Cluster,
    /// Where names resolve to; numeric addresses resolve to themselves.
    pub names: BTreeMap<String, Vec<SocketAddr>>,
    /// The canonical names of addresses.
    pub canonical: BTreeMap<SocketAddr, String>,
    /// Names whose canonical names were asked for.
    pub asked_canonical: Vec<String>,
    /// Who listens where.
    pub listeners: BTreeMap<SocketAddr, i32>,
    /// Connecting to these gets no answer.
    pub silent: BTreeSet<SocketAddr>,
    /// Looking up a name takes for ever.
    pub no_resolver: bool,
    /// From a request's last byte to the first of its answer.
    pub latency: Duration,
    /// From a request's last byte to its handling by the broker, which also comes when the connection was lost meanwhile.
    pub transit: Duration,
    /// Sockets take whatever is written at once.
    pub eager: bool,
    pub told: BTreeMap<u64, Told>,
    pub accepted: BTreeMap<u64, Accepted>,
    pub flushed: Vec<u64>,
    /// What other commands were answered, by ticket.
    pub answers: BTreeMap<u64, ottla::Result<Answer>>,
    /// How many records had their completions when that was answered.
    pub told_before: BTreeMap<u64, usize>,
    flushes: BTreeSet<u64>,
    pub closed: bool,
    pub news: Vec<News>,
    pub lender: Lender,
    pub log: Vec<(Level, String)>,
    /// Ids of records of which perhaps some byte was written (uncompressed ones only).
    pub touched: BTreeSet<u64>,
    /// Ids of records that were sent poisoned.
    pub poisoned: BTreeSet<u64>,
    /// Reports kept instead of dropped.
    pub keep_reports: bool,
    pub reports: Vec<Report>,
    pub written: Vec<(Time, i32)>,
    /// Everything that the engine asked of the network, and when.
    pub traffic: Vec<(Time, Traffic)>,
    lines: BTreeMap<ConnectionId, Line>,
    /// Requests that outlived their connections.
    strays: Vec<Stray>,
    mail: Mail<Command>,
    woken: Arc<AtomicBool>,
    rest: Rest,
    asleep: bool,
    asleep_until: Time,
    pub next_id: u64,
    next_ticket: u64,
}

/// The world's time as the front sees it.
pub struct Hand(pub Time);

impl Clock for Hand {
    fn monotonic(&self) -> Time {
        self.0
    }

    fn wall_ms(&self) -> i64 {
        1_700_000_000_000 + (self.0.0 / 1_000_000) as i64
    }
}

impl World {
    pub fn new(mut setup: Setup) -> World {
        let partitioner = setup.front.topic.partitioner;
        setup.front.topic = TopicSettings { partitioner, ..setup.core.topic() };
        World::of(setup.core.core, &setup.front, setup.brokers)
    }

    pub fn of(core: Settings, front: &FrontSettings, brokers: i32) -> World {
        let now = Time(1_000_000_000_000);
        let front = Arc::new(Front::new(front));
        let statistics = Arc::new(Statistics::new("world", now));
        let core = Core::new(core, front.clone(), statistics.clone(), now).expect("valid settings");
        let woken = Arc::new(AtomicBool::new(false));
        let wake = woken.clone();
        front.inbox.on_wake(Box::new(move || wake.store(true, Ordering::SeqCst)));
        let address = |broker: i32| SocketAddr::from(([127, 0, 0, 1], 9092 + broker as u16));
        World {
            now,
            front,
            core,
            statistics,
            cluster: Cluster::new(brokers),
            names: BTreeMap::from([("first".into(), vec![address(1)]), ("second".into(), vec![address(2)])]),
            canonical: BTreeMap::new(),
            asked_canonical: Vec::new(),
            listeners: (1..=brokers).map(|broker| (address(broker), broker)).collect(),
            silent: BTreeSet::new(),
            no_resolver: false,
            latency: Duration::from_micros(100),
            transit: Duration::ZERO,
            eager: true,
            told: BTreeMap::new(),
            accepted: BTreeMap::new(),
            flushed: Vec::new(),
            answers: BTreeMap::new(),
            told_before: BTreeMap::new(),
            flushes: BTreeSet::new(),
            closed: false,
            news: Vec::new(),
            lender: Lender::default(),
            log: Vec::new(),
            touched: BTreeSet::new(),
            poisoned: BTreeSet::new(),
            keep_reports: false,
            reports: Vec::new(),
            written: Vec::new(),
            traffic: Vec::new(),
            lines: BTreeMap::new(),
            strays: Vec::new(),
            mail: Mail::default(),
            woken,
            rest: Rest::default(),
            asleep: false,
            asleep_until: now,
            next_id: 1,
            next_ticket: 1,
        }
    }

    // The application

    pub fn send(&mut self, topic: &str, partition: i32) -> u64 {
        self.send_sized(topic, Some(partition), 0).expect("accepted")
    }

    /// `padding` bytes make the record longer.
    pub fn send_sized(&mut self, topic: &str, partition: Option<i32>, padding: usize) -> Result<u64, NotAccepted> {
        self.send_as(topic, partition, padding, Manner::Usual)
    }

    pub fn send_as(
        &mut self,
        topic: &str,
        partition: Option<i32>,
        padding: usize,
        manner: Manner,
    ) -> Result<u64, NotAccepted> {
        self.send_record(topic, Record { partition, ..Record::default() }, padding, b'.', manner)
    }

    /// A record that topics refuse whose `poison` is [`POISON`].
    pub fn send_poisoned(&mut self, topic: &str, partition: Option<i32>) -> Result<u64, NotAccepted> {
        let id = self.send_record(topic, Record { partition, ..Record::default() }, 1, POISON, Manner::Usual)?;
        self.poisoned.insert(id);
        Ok(id)
    }

    /// A record with a timeout of its own.
    pub fn send_within(&mut self, topic: &str, partition: i32, timeout: Duration) -> u64 {
        let record = Record { partition: Some(partition), timeout: Some(timeout), ..Record::default() };
        self.send_record(topic, record, 0, b'.', Manner::Usual).expect("accepted")
    }

    /// Says what a topic has that differs from the others; before its first record.
    pub fn topic_with(&mut self, topic: &str, change: impl FnOnce(&mut TopicSettings)) {
        assert!(self.front.topics.find(topic).is_none(), "the topic has settings already");
        let mut settings = self.front.topics.defaults().clone();
        change(&mut settings);
        self.front.topics.get_with(topic, settings);
    }

    /// The record gets a value by which it is known.
    pub fn send_record(
        &mut self,
        topic: &str,
        record: Record<'_>,
        padding: usize,
        fill: u8,
        manner: Manner,
    ) -> Result<u64, NotAccepted> {
        let id = self.next_id;
        let value = value_of(id, padding, fill);
        let record = Record { value: Some(&value), ..record };
        let to = self.front.topics.get(topic);
        let mut room = Room::default();
        self.front.accept(&to, &record, &Completion::Tag(id), manner, &Hand(self.now), &mut room)?;
        self.accepted.insert(id, Accepted { topic: topic.to_owned(), padding });
        self.next_id += 1;
        Ok(id)
    }

    /// `send_sized` with the value lent.
    pub fn send_lent(&mut self, topic: &str, partition: Option<i32>, padding: usize) -> Result<u64, NotAccepted> {
        let id = self.next_id;
        let to = self.front.topics.get(topic);
        let (front, now) = (&self.front, Hand(self.now));
        self.lender.lend(id, value_of(id, padding, b'.'), |value, lent| {
            let record = Record { partition, value: Some(value), lent: Some(lent), ..Record::default() };
            front.accept(&to, &record, &Completion::Tag(id), Manner::Usual, &now, &mut Room::default())
        })?;
        self.accepted.insert(id, Accepted { topic: topic.to_owned(), padding });
        self.next_id += 1;
        Ok(id)
    }

    pub fn flush(&mut self) -> u64 {
        let ticket = self.ask(|ticket| Command::Flush { ticket });
        self.flushes.insert(ticket);
        ticket
    }

    /// Gives up records, of one topic or of all.
    pub fn purge(&mut self, queued: bool, in_flight: bool, topic: Option<&str>) -> u64 {
        let what = Purge { queued, in_flight, topic: topic.map(Into::into) };
        self.ask(|ticket| Command::Purge { ticket, what })
    }

    pub fn ask(&mut self, command: impl FnOnce(u64) -> Command) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.front.inbox.command(command(ticket));
        ticket
    }

    /// Asks for something of transactions.
    pub fn call(&mut self, call: TransactionCall) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.front.inbox.command(Command::Transaction { ticket, call });
        ticket
    }

    /// Asks and waits, a minute at most.
    pub fn transact(&mut self, call: TransactionCall) -> Result<(), Error> {
        let ticket = self.call(call);
        assert!(self.run_until(ms(60_000), |world| world.answers.contains_key(&ticket)), "{:#?}", self.log_tail());
        self.answers[&ticket].clone().map(drop)
    }

    /// As the producer's close does it.
    pub fn close(&mut self, timeout: Duration) {
        self.front.gate.close();
        self.front.inbox.command(Command::Close { deadline: self.now.after(timeout) });
    }

    // Time

    /// Does all that can be done without the clock going on.
    pub fn turn(&mut self) {
        for _ in 0..10_000 {
            self.core.at(self.now);
            self.cluster.now_ms = Hand(self.now).wall_ms();
            self.land();
            let mut busy = false;
            while let Some(id) = self.arrived(self.now) {
                self.deliver(id);
                busy = true;
            }
            if !self.asleep || self.woken.swap(false, Ordering::SeqCst) || busy || self.next_look() <= self.now {
                self.asleep = false;
                self.read_mail();
                self.core.tick(self.now);
                self.carry_out();
                continue_unless_asleep(self);
                continue;
            }
            return;
        }
        panic!(
            "the core never comes to rest; its log ends with {:#?}",
            self.log.iter().rev().take(5).collect::<Vec<_>>()
        );
    }

    /// Lets this much time pass, stopping wherever something happens.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        loop {
            self.turn();
            let next = self.next_event();
            if next > end {
                break;
            }
            self.now = self.now.max(next);
        }
        self.now = end;
        self.turn();
    }

    /// Runs until `done`, at most for `limit`. Says whether it came to be.
    pub fn run_until(&mut self, limit: Duration, done: impl Fn(&World) -> bool) -> bool {
        let end = self.now.after(limit);
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

    /// When the core looks by itself.
    fn next_look(&self) -> Time {
        self.core.next_deadline().min(self.asleep_until)
    }

    /// When something happens next.
    pub fn next_event(&self) -> Time {
        let arrivals = self.lines.values().filter_map(|line| line.arrivals.front().map(|(at, _)| *at)).min();
        let landings = self.lines.values().filter_map(|line| line.on_way.front().map(|(at, _)| *at)).min();
        let strays = self.strays.iter().map(|(at, ..)| *at).min();
        let next = [arrivals, landings, strays].into_iter().flatten().min();
        self.next_look().min(next.unwrap_or(Time::NEVER))
    }

    // What the core wants done

    pub fn read_mail(&mut self) {
        let pressed = self.take_mail();
        self.hand_over_mail(pressed);
    }

    /// The first half of that. Other threads may do something before the second.
    pub fn take_mail(&mut self) -> bool {
        self.front.inbox.wake_up();
        self.woken.store(false, Ordering::SeqCst);
        let pressed = self.front.inbox.take_pressed();
        self.front.inbox.take(&mut self.mail);
        self.rest.saw(self.mail.full);
        pressed
    }

    pub fn hand_over_mail(&mut self, pressed: bool) {
        self.core.mail(&mut self.mail, pressed);
    }

    pub fn carry_out(&mut self) {
        loop {
            self.front.memory.give_back_loans();
            let Some(action) = self.core.action() else { return };
            match action {
                Action::Resolve(id, name) => self.resolve(id, &name),
                Action::FindCanonicalNames(id, name, _) => self.find_canonical_names(id, &name),
                Action::Connect(id, address) => self.connect(id, address),
                Action::Write(id, frame) => self.write(id, frame),
                Action::Recall(id) => {
                    let line = self.lines.get_mut(&id).expect("a frame is taken back while its connection is open");
                    assert!(line.outgoing.take().is_some() && !line.begun, "nothing that could be taken back");
                }
                Action::Close(id) => drop(self.end_line(id)),
                Action::Report(report) => self.report(report),
                Action::Assign(topic, slots) => {
                    let rejected = self.front.assign(&topic, slots, &Hand(self.now));
                    rejected.into_reports(self.now).for_each(|report| self.report(report));
                    self.read_mail();
                    self.core.assigned(&topic);
                }
                Action::Answered { ticket, outcome } if self.flushes.contains(&ticket) => {
                    outcome.expect("a flush does not fail");
                    self.flushed.push(ticket);
                }
                Action::Answered { ticket, outcome } => {
                    self.told_before.insert(ticket, self.told.len());
                    let before = self.answers.insert(ticket, outcome);
                    assert!(before.is_none(), "ticket {ticket} is answered twice: {before:?}");
                }
                Action::Closed => {
                    assert!(!self.closed, "closed twice");
                    self.closed = true;
                }
                Action::News(news) => self.news.push(*news),
                Action::Log(level, message) => self.log.push((level, message)),
            }
        }
    }

    fn resolve(&mut self, id: ConnectionId, name: &HostName) {
        self.traffic.push((self.now, Traffic::Attempt(id.broker)));
        let arrival = self.addresses_of(name).map_or(Arrival::ResolveFailed, Arrival::Resolved);
        self.look_up(id, arrival);
    }

    fn find_canonical_names(&mut self, id: ConnectionId, name: &HostName) {
        self.asked_canonical.push(name.host.to_string());
        let name_of = |address: &SocketAddr| match self.canonical.get(address) {
            Some(name) => name.as_str().into(),
            None => address.ip().to_string().into(),
        };
        let names = self.addresses_of(name).map(|addresses| addresses.iter().map(name_of).collect());
        let names = names.ok_or_else(|| Error::new(ErrorKind::Resolve, "no such name"));
        self.look_up(id, Arrival::CanonicalNames(names));
    }

    fn addresses_of(&self, name: &HostName) -> Option<Vec<SocketAddr>> {
        let numeric = name.host.parse().ok().map(|ip| vec![SocketAddr::new(ip, name.port)]);
        numeric.or_else(|| self.names.get(&*name.host).cloned())
    }

    fn look_up(&mut self, id: ConnectionId, arrival: Arrival) {
        let arrivals = if self.no_resolver { VecDeque::new() } else { VecDeque::from([(self.now, arrival)]) };
        self.lines.insert(id, Line { arrivals, ..Line::default() });
    }

    fn connect(&mut self, id: ConnectionId, address: SocketAddr) {
        let others: Vec<ConnectionId> = self.lines.keys().copied().filter(|other| other.broker == id.broker).collect();
        others.into_iter().for_each(|other| drop(self.end_line(other)));
        let mut line = Line::default();
        if !self.silent.contains(&address) {
            let listening = self.listeners.get(&address).copied().filter(|&broker| self.cluster.is_up(broker));
            let arrival = listening.map_or(Arrival::Refused, Arrival::Connected);
            line.arrivals.push_back((self.now.after(self.latency), arrival));
        }
        self.lines.insert(id, line);
    }

    fn write(&mut self, id: ConnectionId, frame: Frame) {
        let bytes: Vec<u8> = frame.slices().flatten().take(6).copied().collect();
        self.traffic.push((self.now, Traffic::Request(i16::from_be_bytes([bytes[4], bytes[5]]))));
        let Some(line) = self.lines.get_mut(&id) else { return };
        assert!(line.outgoing.is_none(), "one frame at a time");
        assert!(line.broker.is_some(), "written before it was connected");
        line.outgoing = Some(frame);
        line.begun = false;
        if self.eager {
            self.finish_write(id);
        }
    }

    pub fn report(&mut self, report: Report) {
        let attempts = report.attempts();
        for delivery in report.deliveries() {
            let told = Told {
                fate: delivery.fate,
                offset: delivery.offset,
                timestamp: delivery.timestamp,
                error: delivery.error.map(Error::kind),
                fatal: delivery.error.is_some_and(Error::is_fatal),
                message: delivery.error.map_or_else(String::new, ToString::to_string),
                attempts,
                partition: delivery.partition,
                lent: delivery.lent.map(|value| (value.address, value.len)),
                at: self.now,
            };
            assert!(self.accepted.contains_key(&delivery.tag), "record {} was never accepted", delivery.tag);
            let before = self.told.insert(delivery.tag, told);
            assert!(before.is_none(), "record {} completed twice: {before:?}", delivery.tag);
        }
        if self.keep_reports {
            self.reports.push(report);
        }
    }

    // The network

    /// A line on which something has arrived by `now`.
    fn arrived(&self, now: Time) -> Option<ConnectionId> {
        self.lines.iter().find(|(_, line)| line.arrivals.front().is_some_and(|(at, _)| *at <= now)).map(|(id, _)| *id)
    }

    /// Up to when everything that arrived was delivered.
    pub fn drained(&self) -> Time {
        let arrivals = self.lines.values().filter_map(|line| line.arrivals.front().map(|(at, _)| *at)).min();
        arrivals.map_or(self.now, |at| Time(at.0 - 1)).min(self.now)
    }

    pub fn lines(&self) -> Vec<ConnectionId> {
        self.lines.keys().copied().collect()
    }

    /// Lines with something to deliver now.
    pub fn arrivals(&self) -> Vec<ConnectionId> {
        let due = |line: &Line| line.arrivals.front().is_some_and(|(at, _)| *at <= self.now);
        self.lines.iter().filter(|(_, line)| due(line)).map(|(id, _)| *id).collect()
    }

    /// Lines with something to write.
    pub fn writable(&self) -> Vec<ConnectionId> {
        self.lines.iter().filter(|(_, line)| line.outgoing.is_some()).map(|(id, _)| *id).collect()
    }

    pub fn deliver(&mut self, id: ConnectionId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let Some((_, arrival)) = line.arrivals.pop_front() else { return };
        match arrival {
            Arrival::Resolved(addresses) => self.core.event(Event::Resolved(id, Ok(addresses))),
            Arrival::CanonicalNames(names) => self.core.event(Event::CanonicalNames(id, names)),
            Arrival::ResolveFailed => {
                self.lines.remove(&id);
                self.core.event(Event::Resolved(id, Err(Error::new(ErrorKind::Resolve, "no such name"))));
            }
            Arrival::Connected(broker) => {
                line.broker = Some(Connection::new(broker));
                self.core.event(Event::Connected(id));
            }
            Arrival::Refused => {
                self.lines.remove(&id);
                self.core.event(Event::ConnectFailed(id, Error::new(ErrorKind::Io, "connection refused")));
            }
            Arrival::Bytes(bytes) => self.receive(id, &bytes),
            Arrival::Closed => self.cut(id),
        }
    }

    fn receive(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.received.extend_from_slice(bytes);
        let mut received = std::mem::take(&mut line.received);
        while let Some(length) = received.first_chunk::<4>().map(|length| i32::from_be_bytes(*length)) {
            if !(0..100 << 20).contains(&length) {
                return self.lose(id, Error::new(ErrorKind::BadResponse, "announced a response of bad length"));
            }
            let end = 4 + length as usize;
            if received.len() < end {
                break;
            }
            self.core.event(Event::Received(id, &received[4..end]));
            received.drain(..end);
        }
        if let Some(line) = self.lines.get_mut(&id) {
            line.received = received;
        }
    }

    /// The socket takes a part of what is to be written.
    pub fn begin_write(&mut self, id: ConnectionId) {
        if self.touch(id) {
            self.core.event(Event::Begun(id));
        }
    }

    /// Notes that the first bytes of a frame are out; says whether that was news.
    fn touch(&mut self, id: ConnectionId) -> bool {
        let Some(line) = self.lines.get_mut(&id) else { return false };
        let Some(frame) = line.outgoing.as_ref().filter(|_| !line.begun) else { return false };
        let bytes = frame.slices().collect::<Vec<_>>().concat();
        self.touched.extend(markers(&bytes));
        line.begun = true;
        true
    }

    /// The socket takes the rest of what is being written, and the broker handles it.
    pub fn finish_write(&mut self, id: ConnectionId) {
        self.touch(id);
        let Some(line) = self.lines.get_mut(&id) else { return };
        let Some(frame) = line.outgoing.take() else { return };
        let bytes = frame.slices().collect::<Vec<_>>().concat();
        let connection = line.broker.as_ref().expect("connected");
        self.written.push((self.now, connection.broker()));
        let at = self.now.after(self.transit);
        let at = line.on_way.back().map_or(at, |(before, _)| at.max(*before));
        line.on_way.push_back((at, bytes));
        self.land_on(id);
        self.core.event(Event::Written(id, frame));
        self.asleep = false;
    }

    /// Brokers handle what has reached them.
    pub fn land(&mut self) {
        self.lines().into_iter().for_each(|id| self.land_on(id));
        let now = self.now;
        for (_, mut connection, bytes) in self.strays.extract_if(.., |(at, ..)| *at <= now) {
            connection.receive(&mut self.cluster, &bytes);
        }
    }

    fn land_on(&mut self, id: ConnectionId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        while let Some((_, bytes)) = line.on_way.pop_front_if(|(at, _)| *at <= self.now) {
            let connection = line.broker.as_mut().expect("connected");
            let reactions = if line.stalled { Vec::new() } else { connection.receive(&mut self.cluster, &bytes) };
            for Reaction { delay_ms, bytes, close, stall } in reactions {
                let ready = self.now.after(self.latency).after(ms(delay_ms));
                let at = line.arrivals.back().map_or(ready, |(before, _)| ready.max(*before));
                if !bytes.is_empty() {
                    line.arrivals.push_back((at, Arrival::Bytes(bytes)));
                }
                if close {
                    line.arrivals.push_back((at, Arrival::Closed));
                }
                line.stalled |= stall;
            }
        }
    }

    /// The connection is no more; what was written to it reaches its broker all the same.
    fn end_line(&mut self, id: ConnectionId) -> Option<Line> {
        let mut line = self.lines.remove(&id)?;
        if let Some(connection) = line.broker.as_ref().filter(|_| !line.stalled) {
            let on_way = std::mem::take(&mut line.on_way).into_iter();
            self.strays.extend(on_way.map(|(at, bytes)| (at, connection.clone(), bytes)));
        }
        Some(line)
    }

    /// The process ends, and leaves behind what it wrote.
    pub fn die(mut self) -> (Cluster, Vec<Stray>) {
        self.lines().into_iter().for_each(|id| drop(self.end_line(id)));
        (std::mem::replace(&mut self.cluster, Cluster::new(0)), self.strays)
    }

    /// The connection ends. Of a frame whose writing has not begun, no byte was taken.
    pub fn cut(&mut self, id: ConnectionId) {
        self.lose(id, Error::new(ErrorKind::Broker(codes::NETWORK_EXCEPTION), "the connection was lost"));
    }

    /// The connection ends while a part of a frame is written.
    pub fn cut_midway(&mut self, id: ConnectionId) {
        self.touch(id);
        if self.end_line(id).is_none_or(|line| line.broker.is_none()) {
            return;
        }
        let error = Error::new(ErrorKind::Broker(codes::NETWORK_EXCEPTION), "the connection was lost");
        self.core.event(Event::Disconnected(id, error, None));
    }

    fn lose(&mut self, id: ConnectionId, error: Error) {
        let Some(line) = self.end_line(id) else { return };
        let untouched = line.outgoing.as_ref().filter(|_| !line.begun).map(|frame| frame.correlation);
        if line.broker.is_some() {
            self.core.event(Event::Disconnected(id, error, untouched));
        } else {
            self.core.event(Event::ConnectFailed(id, error));
        }
    }

    /// Connections to a broker.
    pub fn lines_to(&self, broker: i32) -> Vec<ConnectionId> {
        let to = |line: &Line| line.broker.as_ref().is_some_and(|connection| connection.broker() == broker);
        self.lines.iter().filter(|(_, line)| to(line)).map(|(id, _)| *id).collect()
    }

    pub fn cut_all_to(&mut self, broker: i32) {
        self.core.at(self.now);
        self.lines_to(broker).into_iter().for_each(|id| self.cut(id));
        self.asleep = false;
    }

    /// A broker goes down, and its connections with it.
    pub fn stop_broker(&mut self, broker: i32) {
        self.cluster.stop_broker(broker);
        self.lose_broker(broker);
    }

    /// A broker went down.
    pub fn lose_broker(&mut self, broker: i32) {
        self.cut_all_to(broker);
        self.strays.retain(|(_, connection, _)| connection.broker() != broker);
    }

    // Looking

    /// How often the engine tried to connect, since the traffic was last cleared.
    pub fn attempts(&self) -> usize {
        self.traffic.iter().filter(|(_, traffic)| matches!(traffic, Traffic::Attempt(_))).count()
    }

    /// How many requests of one API it made.
    pub fn asked(&self, api: Api) -> usize {
        self.traffic.iter().filter(|(_, traffic)| *traffic == Traffic::Request(api as i16)).count()
    }

    pub fn counts(&self) -> CounterSnapshot {
        self.statistics.producer.counters()
    }

    pub fn told(&self, id: u64) -> &Told {
        self.told.get(&id).unwrap_or_else(|| panic!("record {id} has no completion; log: {:#?}", self.log_tail()))
    }

    pub fn log_tail(&self) -> Vec<&(Level, String)> {
        let from = self.log.len().saturating_sub(12);
        self.log[from..].iter().collect()
    }

    pub fn all_told(&self) -> bool {
        self.told.len() == self.accepted.len()
    }

    /// The ids in a partition's log, in its order.
    pub fn in_log(&self, topic: &str, partition: i32) -> Vec<u64> {
        self.cluster.records(topic, partition).iter().map(|record| id_of(record.value.as_deref())).collect()
    }

    pub fn assert_written(&self, id: u64) {
        let told = self.told(id);
        assert!(told.fate == Fate::Written && told.error.is_none(), "record {id}: {told:?}");
    }

    pub fn assert_failed(&self, id: u64, kind: ErrorKind, fate: Fate) {
        let told = self.told(id);
        assert!(told.fate == fate && told.error == Some(kind), "record {id}: {told:?}");
    }

    pub fn memory_used(&self) -> usize {
        self.front.memory.budget().used()
    }
}

/// As the driver does it: sleep is announced, and taken back if something arrived meanwhile.
fn continue_unless_asleep(world: &mut World) {
    let deadline = world.core.next_deadline();
    let (until, resting) = world.rest.fall_asleep(deadline, world.now);
    world.asleep = deadline > world.now && world.front.inbox.fall_asleep(until, resting);
    world.asleep_until = until;
}

fn marker(id: u64) -> Vec<u8> {
    format!("<{id:08}>").into_bytes()
}

/// The value of record `id`, made longer by so many bytes.
pub fn value_of(id: u64, padding: usize, fill: u8) -> Vec<u8> {
    let mut value = marker(id);
    value.resize(value.len() + padding, fill);
    value
}

pub fn id_of(value: Option<&[u8]>) -> u64 {
    let value = value.expect("every record has a value");
    std::str::from_utf8(&value[1..9]).expect("a marker").parse().expect("a number")
}

/// The markers in a request's bytes.
fn markers(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes
        .windows(10)
        .filter(|w| w[0] == b'<' && w[9] == b'>')
        .filter_map(|w| std::str::from_utf8(&w[1..9]).ok()?.parse().ok())
}
