//! The producer as a Rust type: argument checks, waits, and its life from `new` to `close`. The C layer is a thin layer
//! over it.

mod commands;
mod interceptor;
mod no_room;
mod objects;
mod plugged;
mod plugins;
mod send_handle;
pub mod settings;
mod topics;
mod transaction;

pub use interceptor::{Interceptor, Sending};
pub use plugins::Plugins;
pub use send_handle::SendHandle;

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use objects::Serializers;
use plugged::PluggedSink;
use plugins::Configured;
use topics::{Resolved, TopicConfig};

use crate::event_loop::{self, ConnectionSettings, LogSink, Shared, Sink, Waited};
use crate::tls;
use ottla_core::accumulator::{
    Accumulator, Barred, Command, Lingering, NotAccepted, Partitioner, Submission, Topic, Waiting,
};
use ottla_core::batch::{Completion, DeliveryResult, PlainRecord, Room, WaitEnded, Waiter};
use ottla_core::config::{Config, Facilities, Facility};
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::protocol::record_batch;
use ottla_core::record::Record;
use ottla_core::sender::{Level, debug_line};
use ottla_core::serialize::Objects;
use ottla_core::statistics::{CounterSnapshot, Snapshot, Statistics};
use ottla_core::sync::{Arc, Clock, Generation, Mutex, SystemClock, Time, is_checked_for_races, notice_forks};
use ottla_core::text::partitions;

/// A Kafka producer. All methods may be called on any thread. Share it by reference or in an [`Arc`].
pub struct Producer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    plugins: Arc<Configured>,
    serializers: Serializers,
    interceptors: Vec<Arc<dyn Interceptor>>,
    /// When partitions were last requested without a call that waits for them.
    last_asked: Mutex<Option<Instant>>,
    /// There are plug-ins, or a race detector runs: records take the path of `accept_plugged`.
    plugged: bool,
    /// Reports wait until the application polls them.
    polled: bool,
    /// The process that created it.
    process: Generation,
    /// The process in which records may take the fast path. None if there are plug-ins, or if `max.request.size` is so
    /// small that a plain record may not fit.
    fast_path_in: Generation,
    topics: TopicConfig,
    max_block: Duration,
    max_request_size: usize,
    /// A transactional call that timed out and goes on.
    unfinished: Mutex<Option<transaction::Unfinished>>,
}

/// A topic of a producer. Creating a handle looks the name up; sending with one does not.
#[derive(Clone)]
pub struct TopicHandle(Arc<Topic>);

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    Never,
    /// `max.block.ms`.
    Configured,
    AtMost(Duration),
    Forever,
}

/// The bytes that a batch's header and framing take besides its records.
const OVERHEAD: usize = record_batch::HEADER_LEN + 21;
/// A request of this size has room for any plain record.
const SURE_ROOM: usize = 2 * PlainRecord::LONGEST + OVERHEAD;

impl TopicHandle {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The number of the topic's partitions, once it is known.
    pub fn partition_count(&self) -> Option<usize> {
        self.0.partitions().map(<[_]>::len)
    }
}

impl Producer {
    /// Starts a producer and its thread, which begins to connect at once. No broker need be running yet.
    ///
    /// `sink` gets every report, on the sender's thread. `log` gets every line up to `log_level`, and the debug lines of
    /// the chosen facilities. It is called on the sender's thread, and on threads that call the producer.
    pub fn new(config: &Config, sink: Box<dyn Sink>, log: LogSink, log_level: Level) -> Result<Self> {
        Self::with_plugins(config, &Plugins::default(), sink, log, log_level)
    }

    /// Starts a producer with plug-ins. Each is configured here, and closed when the producer ends or before this
    /// returns an error.
    pub fn with_plugins(
        config: &Config,
        plugins: &Plugins,
        sink: Box<dyn Sink>,
        log: LogSink,
        log_level: Level,
    ) -> Result<Self> {
        notice_forks().map_err(|error| {
            let message = format!(
                "pthread_atfork failed, so the producer could not detect that it is used in a forked child: {error}"
            );
            Error::new(ErrorKind::Io, message).caused_by(error)
        })?;
        let mut resolved = config.resolve()?;
        let tls = match &resolved.tls {
            Some(tls) => Some(tls::Client::new(tls, &mut resolved.notes)?),
            None => None,
        };
        let topics = TopicConfig::new(config, &resolved, plugins);
        let named = topics.named()?;
        let configured = plugins.configure(&resolved.plugin)?;
        let seed = settings::random_seed();
        let mut accumulator = settings::accumulator(&resolved, seed);
        if let Some(custom) = &plugins.partitioner {
            accumulator.topic.partitioner = Partitioner::Custom(custom.clone());
        }
        let accumulator = Arc::new(Accumulator::new(&accumulator));
        let statistics = Statistics::new(&resolved.client_id, SystemClock.monotonic());
        let sender = settings::sender(&resolved, seed, log_level);
        let shared = Arc::new(Shared::new(accumulator, statistics, log, log_level, sender.debug.clone()));
        if sender.debug.get().has(Facility::Config) {
            for written in config.written() {
                shared.log(Level::Debug, &debug_line(Facility::Config, &written));
            }
        }
        for note in resolved.notes.iter().chain(named.iter().flat_map(|(_, topic)| &topic.notes)) {
            shared.log(Level::Notice, note);
        }
        for (name, topic) in named {
            shared.accumulator.topics.get_with(&name, topic.settings);
        }
        let polled = sink.is_polled();
        let sink = if !configured.is_empty() {
            let interceptors = plugins.interceptors.clone();
            Box::new(PluggedSink { sink, interceptors, shared: shared.clone(), _plugins: configured.clone() })
        } else {
            sink
        };
        let plugged = !configured.is_empty() || is_checked_for_races();
        let connections = ConnectionSettings { sockets: settings::sockets(&resolved), tls };
        let thread = event_loop::spawn(shared.clone(), sender, connections, sink)?;
        Ok(Producer {
            plugins: configured,
            serializers: Serializers::new(&resolved, plugins),
            interceptors: plugins.interceptors.clone(),
            last_asked: Mutex::default(),
            plugged,
            polled,
            topics,
            shared,
            thread: Mutex::new(Some(thread)),
            process: Generation::current(),
            fast_path_in: if plugged || resolved.max_request_size < SURE_ROOM {
                Generation::NONE
            } else {
                Generation::current()
            },
            max_block: resolved.max_block,
            max_request_size: resolved.max_request_size,
            unfinished: Mutex::default(),
        })
    }

    /// A handle for the topic of this name. The topic's metadata is requested at its first record.
    pub fn topic(&self, name: &str) -> Result<TopicHandle> {
        self.check_process()?;
        topics::check_name(name)?;
        Ok(TopicHandle(self.shared.accumulator.topics.get(name)))
    }

    /// A handle for a topic with its own settings. `overrides` has the properties in which it differs, of those that
    /// topics may have; see [`Config::resolve_topic`]. The settings are fixed when the topic is first named. Later
    /// handles need the same ones, or use [`Producer::topic`], which takes the topic as it is.
    pub fn topic_with(&self, name: &str, overrides: &Config) -> Result<TopicHandle> {
        self.check_process()?;
        topics::check_name(name)?;
        let Resolved { settings, notes } = self.topics.resolve(name, overrides)?;
        let topics = &self.shared.accumulator.topics;
        let is_new = topics.find(name).is_none();
        let topic = topics.get_with(name, settings.clone());
        topics::check_same(&topic, &settings)?;
        for note in notes.iter().filter(|_| is_new) {
            self.shared.log(Level::Notice, note);
        }
        Ok(TopicHandle(topic))
    }

    /// Accepts a record, whose result goes to `completion`. After an error the record was not accepted, and no
    /// completion follows. Waits only for room in `buffer.memory`, as long as `wait` allows, and never in a callback.
    #[inline]
    pub fn send(&self, topic: &TopicHandle, record: &Record<'_>, completion: Completion, wait: Wait) -> Result<()> {
        self.check_process()?;
        self.accept(&Submission::new(&topic.0, record, &completion, &SystemClock), Objects::default(), wait)
    }

    /// Accepts a plain record on the fast path: there is nothing to wait for and nothing to announce. `None`: nothing
    /// has changed, and `send` must be called, which accepts the record or returns the error.
    #[inline(always)]
    pub fn send_fast(&self, topic: &TopicHandle, record: &PlainRecord<'_>) -> Option<()> {
        if self.fast_path_in.is_current() { self.shared.accumulator.accept_fast(&topic.0, record) } else { None }
    }

    /// Accepts plain records in order, as long as they go where the first one goes. Returns how many were accepted.
    /// Pass few at a time: the sender may have to wait for the slot meanwhile.
    #[inline]
    pub fn send_fast_run<'r>(&self, topic: &TopicHandle, records: impl Iterator<Item = PlainRecord<'r>>) -> usize {
        if self.fast_path_in.is_current() { self.shared.accumulator.accept_fast_run(&topic.0, records) } else { 0 }
    }

    /// `send` for one of many records that a call accepts.
    pub fn send_in(
        &self,
        call: &OneCall,
        topic: &TopicHandle,
        record: &Record<'_>,
        completion: Completion,
        wait: Wait,
    ) -> Result<()> {
        self.check_process()?;
        self.accept(&Submission::new(&topic.0, record, &completion, call), Objects::default(), wait)
    }

    /// Accepts records in order until one is refused. Returns how many were accepted, and why it stopped.
    pub fn send_many<'r>(
        &self,
        topic: &TopicHandle,
        records: impl IntoIterator<Item = (Record<'r>, Completion)>,
        wait: Wait,
    ) -> (usize, Result<()>) {
        let call = OneCall::begin();
        let mut accepted = 0;
        for (record, completion) in records {
            if let Err(error) = self.send_in(&call, topic, &record, completion, wait) {
                return (accepted, Err(error));
            }
            accepted += 1;
        }
        (accepted, Ok(()))
    }

    /// Sends one record without linger, and waits for its fate. If that is not known by the deadline, the record goes
    /// on, but its result is not reported.
    pub fn send_and_wait(&self, topic: &TopicHandle, record: &Record<'_>, wait: Wait) -> Result<DeliveryResult> {
        self.check_process()?;
        self.refuse_in_callback("waiting for a record")?;
        let deadline = self.deadline(match wait {
            Wait::Configured => Wait::Forever,
            other => other,
        });
        let waiter = Arc::new(Waiter::default());
        let room_wait = match deadline {
            Some(deadline) => Wait::AtMost(deadline.saturating_duration_since(Instant::now()).min(self.max_block)),
            None => Wait::Configured,
        };
        let completion = Completion::Waiter(waiter.clone());
        let submission = Submission::new(&topic.0, record, &completion, &SystemClock);
        self.accept(&Submission { lingering: Lingering::Skipped, ..submission }, Objects::default(), room_wait)?;
        waiter.wait(deadline).ok_or_else(|| {
            let why = self.why_waiting(Waiting::Records(Some(topic.0.name.clone())), wait);
            Error::new(
                ErrorKind::TimedOut,
                format!("the record for topic {} was accepted, but its fate was not known in time{why}", topic.name()),
            )
        })
    }

    /// Waits until the reports of all records that were accepted before this call were handed over.
    pub fn flush(&self, wait: Wait) -> Result<()> {
        self.check_process()?;
        self.refuse_in_callback("flush")?;
        let begun = Instant::now();
        let flushed = self.shared.ask("flush", |ticket| Command::Flush { ticket }, self.deadline(wait));
        self.shared.statistics.producer.flushes.add(1);
        self.shared.statistics.producer.flush_us.add(micros(begun.elapsed()));
        match flushed {
            Waited::Answered(answer) => return answer.and(self.check_alive()),
            Waited::Ended => return self.check_alive(),
            Waited::TimedOut => {}
        }
        let waited = begun.elapsed().as_millis();
        let Some(why) = self.explain(Waiting::Records(None), wait) else { return self.check_alive() };
        Err(Error::new(ErrorKind::TimedOut, format!("flush: not all records are decided after {waited} ms: {why}")))
    }

    /// Accepts no more records, delivers those that were accepted, and fails those that are not decided at the end of
    /// `wait`. Waits until that is done. Only a running callback can make it take longer.
    pub fn close(&self, wait: Wait) -> Result<()> {
        self.check_process()?;
        self.refuse_in_callback("close")?;
        let deadline = self.deadline(wait);
        let until = match deadline {
            Some(deadline) => SystemClock.monotonic().after(deadline.saturating_duration_since(Instant::now())),
            None => Time::NEVER,
        };
        let accumulator = &self.shared.accumulator;
        accumulator.gate.close();
        accumulator.memory.budget().close();
        accumulator.inbox.command(Command::Close { deadline: until });
        self.shared.tickets.wait_ended(None);
        self.check_alive()
    }

    /// Fails the remaining records with `Closed` and joins the sender's thread. In a forked child it only forgets them,
    /// since sockets and thread belong to the parent. Dropping the producer does the same. This is for an owner that is
    /// not the last.
    pub fn shut_down(&self) {
        if !self.process.is_current() {
            // Takes no lock: its holder may be a thread that does not exist here.
            std::mem::forget(self.shared.clone());
            return;
        }
        if self.in_callback() {
            // The thread cannot wait for itself. It ends after its callback returns.
            self.shared.accumulator.gate.close();
            self.shared.accumulator.inbox.command(Command::Close { deadline: Time::ZERO });
            return;
        }
        let _ = self.close(Wait::Never);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        self.plugins.close();
    }

    /// The counts since the producer was created.
    pub fn counters(&self) -> CounterSnapshot {
        self.shared.statistics.producer.counters()
    }

    /// A snapshot of all figures. May be called at any time: in a callback, while one does not return, and after the
    /// close.
    pub fn statistics(&self) -> Result<Snapshot> {
        self.check_process()?;
        Ok(self.shared.snapshot())
    }

    /// Chooses the facilities that write debug lines from now on, as the property `debug` does at the start.
    pub fn set_debug(&self, facilities: &str) -> Result<()> {
        self.check_process()?;
        let chosen = Facilities::parse(facilities).map_err(|word| {
            let message =
                format!("'{word}' is not a facility for debug lines: expected any of {}", Facilities::words());
            Error::new(ErrorKind::InvalidArgument, message)
        })?;
        self.shared.debug.set(chosen);
        Ok(())
    }

    /// Bytes of `buffer.memory` in use.
    pub fn buffered_bytes(&self) -> usize {
        self.shared.accumulator.memory.budget().used()
    }

    /// Whether the caller runs in a callback of this producer, or in a plug-in.
    pub fn in_callback(&self) -> bool {
        self.shared.is_sender() || (self.plugged && self.plugins.is_inside())
    }

    pub fn belongs_to_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// `objects` are those that the record was made of.
    #[inline]
    fn accept(&self, submission: &Submission<'_, impl Clock>, objects: Objects, wait: Wait) -> Result<()> {
        if self.plugged {
            return self.accept_plugged(submission, objects, wait);
        }
        self.accept_plain(submission, wait)
    }

    /// `accept` without plug-ins, for callers on which it should not be inlined.
    #[inline(never)]
    fn accept_outlined(&self, submission: &Submission<'_, impl Clock>, wait: Wait) -> Result<()> {
        self.accept_plain(submission, wait)
    }

    // From here to the batch, each step for a plain record is forced inline. Most steps have several callers, so the
    // compiler would call them, which costs a twelfth of a record's instructions.
    #[inline(always)]
    fn accept_plain(&self, submission: &Submission<'_, impl Clock>, wait: Wait) -> Result<()> {
        let Submission { topic, record, .. } = *submission;
        self.check_record(topic, record)?;
        match self.shared.accumulator.accept(submission, &mut Room::default()) {
            Ok(()) => Ok(()),
            Err(NotAccepted::NoRoom(bytes)) => self.accept_when_there_is_room(submission, wait, bytes),
            Err(refused) => Err(self.refusal(topic, record, refused)),
        }
    }

    /// The slow path of `accept`: waits for the room that the first attempt lacked, and tries again.
    #[cold]
    fn accept_when_there_is_room(
        &self,
        submission: &Submission<'_, impl Clock>,
        wait: Wait,
        mut needed: usize,
    ) -> Result<()> {
        let Submission { topic, record, .. } = *submission;
        let accumulator = &self.shared.accumulator;
        if needed > accumulator.memory.budget().limit() {
            return Err(self.too_large_for_buffer(topic, needed));
        }
        if wait == Wait::Never || self.shared.is_sender() || self.deadline(wait).is_some_and(|d| d <= Instant::now()) {
            accumulator.refuse(needed);
            return Err(self.buffer_full(topic));
        }
        let deadline = self.deadline(wait);
        loop {
            if needed > accumulator.memory.budget().limit() {
                return Err(self.too_large_for_buffer(topic, needed));
            }
            let begun = Instant::now();
            let waited = accumulator.wait_for_room(needed, deadline);
            self.shared.statistics.producer.buffer_waits.add(1);
            self.shared.statistics.producer.buffer_wait_us.add(micros(begun.elapsed()));
            let mut room = waited.map_err(|ended| match ended {
                WaitEnded::TimedOut => {
                    let full = self.buffer_full(topic);
                    let why = self.why_waiting(Waiting::Records(None), wait);
                    full.with_message(format!("{}{why}", full.message()))
                }
                WaitEnded::Closed => self.closed(),
            })?;
            let attempt = accumulator.accept(submission, &mut room);
            accumulator.give_back(room);
            match attempt {
                Ok(()) => return Ok(()),
                // There was room for the record's bytes, but not for its entry.
                Err(NotAccepted::NoRoom(more)) => needed += more,
                Err(refused) => return Err(self.refusal(topic, record, refused)),
            }
        }
    }

    #[inline]
    fn check_record(&self, topic: &Topic, record: &Record<'_>) -> Result<()> {
        let quick = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        if quick + OVERHEAD <= self.max_request_size
            && record.headers.is_empty()
            && record.timeout.is_none()
            && record.timestamp.is_none_or(|timestamp| timestamp >= 0)
            && record.partition.is_none_or(|partition| partition >= 0)
        {
            return Ok(());
        }
        self.check_any_record(topic, record, quick)
    }

    #[cold]
    fn check_any_record(&self, topic: &Topic, record: &Record<'_>, quick: usize) -> Result<()> {
        if let Some(timestamp) = record.timestamp.filter(|&timestamp| timestamp < 0) {
            let message = format!("a record's timestamp is milliseconds since 1970, at least 0, not {timestamp}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if let Some(partition) = record.partition.filter(|&partition| partition < 0) {
            let message = format!("a record's partition is at least 0, not {partition}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if record.timeout.is_some_and(|timeout| timeout.is_zero()) {
            let message = "a record's timeout is more than zero; without one, delivery.timeout.ms counts";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let headers: usize = record.headers.iter().map(|h| h.name.len() + h.value.map_or(0, <[u8]>::len) + 10).sum();
        let size = OVERHEAD.saturating_add(quick).saturating_add(headers);
        if size > self.max_request_size {
            let message = format!(
                "a record of topic {} is {size} bytes, with its overhead, more than max.request.size={} allows; raise it, \
                 and the topic's max.message.bytes, or send less",
                topic.name, self.max_request_size
            );
            return Err(Error::new(ErrorKind::RecordTooLarge, message));
        }
        Ok(())
    }

    #[cold]
    fn refusal(&self, topic: &Topic, record: &Record<'_>, refused: NotAccepted) -> Error {
        match refused {
            NotAccepted::Barred(Barred::Closed) => self.closed(),
            NotAccepted::Barred(Barred::Shut(error)) => error,
            NotAccepted::NoRoom(_) => self.buffer_full(topic),
            NotAccepted::OutOfMemory(bytes) => {
                let to_do_what = format!("to keep a record of topic {}", topic.name);
                self.shared.accumulator.memory.out_of_memory(bytes, &to_do_what)
            }
            NotAccepted::NotChosen(error) => error,
            NotAccepted::UnknownPartition { count } => Error::new(
                ErrorKind::UnknownPartition,
                format!(
                    "topic {} has {}, and the record asks for partition {}",
                    topic.name,
                    partitions(count),
                    record.partition.unwrap_or(-1)
                ),
            ),
        }
    }

    fn too_large_for_buffer(&self, topic: &Topic, needed: usize) -> Error {
        let limit = self.shared.accumulator.memory.budget().limit();
        let message = format!(
            "a record of topic {} needs {needed} bytes, more than buffer.memory={limit} allows at all",
            topic.name
        );
        Error::new(ErrorKind::RecordTooLarge, message)
    }

    fn closed(&self) -> Error {
        if self.shared.tickets.has_panicked() {
            let message = "the producer's sender thread ended by a defect in Ottla; create another producer";
            return Error::new(ErrorKind::Internal, message);
        }
        Error::new(ErrorKind::Closed, "the producer is closed, or is being closed")
    }

    fn check_alive(&self) -> Result<()> {
        if self.shared.tickets.has_panicked() { Err(self.closed()) } else { Ok(()) }
    }

    /// An error if the caller runs inside a callback of this producer, or in a plug-in; `what` would wait for itself there.
    pub fn refuse_in_callback(&self, what: &str) -> Result<()> {
        if self.in_callback() { Err(in_callback(what)) } else { Ok(()) }
    }

    /// An error in a forked child: it has a copy of the producer, but not its thread.
    #[inline]
    pub fn check_process(&self) -> Result<()> {
        if self.process.is_current() { Ok(()) } else { Err(forked()) }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cold]
fn in_callback(what: &str) -> Error {
    let message = format!("{what} was called in a callback, where it would wait for itself; call it elsewhere");
    Error::new(ErrorKind::InCallback, message)
}

#[cold]
fn forked() -> Error {
    Error::new(
        ErrorKind::Forked,
        "the producer belongs to the process that forked this one, and its threads stayed there; create another",
    )
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// The clock of one call that accepts many records. Those without a timestamp share that of the call.
pub struct OneCall {
    wall_ms: i64,
}

impl OneCall {
    pub fn begin() -> Self {
        OneCall { wall_ms: SystemClock.wall_ms() }
    }
}

impl Clock for OneCall {
    fn monotonic(&self) -> Time {
        SystemClock.monotonic()
    }

    #[inline(always)]
    fn wall_ms(&self) -> i64 {
        self.wall_ms
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests;
