//! The loop of the sender's thread.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::connection::{Connection, lost_by};
use super::helpers::Helpers;
use super::statistics::Interval;
use super::timer::Timer;
use super::transport::Transport;
use super::{ConnectionSettings, Ended, Shared, Sink, SocketSettings, dns, transport};
use crate::tls::{self, TlsStream};
use ottla_core::accumulator::{Command, Mail, Slot, Topic, WakeCoalescing};
use ottla_core::batch::{Outcome, Report};
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::record::Fate;
use ottla_core::sender::{ConnectionId, Event, EventKind, Frame, Input, Level, Output, Preparation, Prepared, Sender};
use ottla_core::sync::{Arc, Clock, Mutex, SystemClock, Time};

/// Idle threads need a fraction of this to end. Valgrind would report one that outlives the producer at the end of the
/// process.
const LOOKUPS_END_WITHIN: Duration = Duration::from_millis(100);

/// Runs until the sender is closed or something panics.
pub fn run(
    runtime: Runtime,
    sender: Sender,
    shared: Arc<Shared>,
    connections: ConnectionSettings,
    helpers: usize,
    sink: Box<dyn Sink>,
) {
    shared.set_sender();
    let mut sender = SenderThread::new(sender, shared.clone(), connections, helpers, sink);
    let looped = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(std::future::poll_fn(|cx| sender.poll(cx)));
    }));
    let how = if looped.is_ok() { Ended::Closed } else { Ended::Panicked };
    sender.finish(how);
    // Ends the threads that look up names. A lookup that hangs is not waited for.
    runtime.shutdown_timeout(LOOKUPS_END_WITHIN);
}

type Resolving = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>>>>>;
type Naming = Pin<Box<dyn Future<Output = Result<Vec<Arc<str>>>>>>;
type Connecting = Pin<Box<dyn Future<Output = std::io::Result<TcpStream>>>>;
type Securing = Pin<Box<dyn Future<Output = std::io::Result<TlsStream>>>>;

/// Where a connection leads.
#[derive(Clone)]
struct Server {
    name: Arc<str>,
    address: SocketAddr,
}

/// The state of a connection.
enum ConnectionState {
    Naming(Naming),
    Resolving(Resolving),
    Connecting(Server, Connecting),
    Securing(Server, Securing),
    Open(Connection),
}

struct SenderThread {
    sender: Option<Sender>,
    shared: Arc<Shared>,
    sockets: SocketSettings,
    tls: Option<tls::Client>,
    sink: Box<dyn Sink>,
    connections: BTreeMap<ConnectionId, ConnectionState>,
    mail: Mail<Command>,
    scratch: Vec<u8>,
    ids: Vec<ConnectionId>,
    helpers: Helpers<Preparation>,
    /// Kept for its buffer.
    prepared: Vec<(Preparation, Prepared)>,
    /// Made within the runtime.
    timer: Option<Timer>,
    waker: Arc<Mutex<Option<Waker>>>,
    /// When the loop began its previous pass. Since then the runtime has looked at every socket, so all that had
    /// arrived by that time is readable now. So timers may fire up to this time.
    last_turn: Time,
    interval: Interval,
    rest: WakeCoalescing,
}

/// How often a pass empties the inbox before the runtime looks at the sockets again.
const PASSES: usize = 16;

impl SenderThread {
    fn new(
        sender: Sender,
        shared: Arc<Shared>,
        connections: ConnectionSettings,
        helpers: usize,
        sink: Box<dyn Sink>,
    ) -> Self {
        let ConnectionSettings { sockets, tls } = connections;
        let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
        let woken = waker.clone();
        let wake = move || {
            let waker = woken.lock().clone();
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        let interval = Interval::new(sink.statistics_interval(), SystemClock.monotonic());
        shared.accumulator.memory.budget().on_room(Box::new(wake.clone()));
        shared.accumulator.memory.on_loans_ended(Box::new(wake.clone()));
        shared.accumulator.inbox.on_wake(Box::new(wake.clone()));
        SenderThread {
            sender: Some(sender),
            shared,
            sockets,
            tls,
            sink,
            connections: BTreeMap::new(),
            mail: Mail::default(),
            scratch: vec![0; 16 * 1024],
            ids: Vec::new(),
            helpers: Helpers::new(helpers, Preparation::carry_out, Box::new(wake)),
            prepared: Vec::new(),
            timer: None,
            waker,
            last_turn: Time::ZERO,
            interval,
            rest: WakeCoalescing::default(),
        }
    }

    /// One pass: reads all sockets, then the inbox, fires timers, and carries out what the sender wants done.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.keep_waker(cx);
        let turn = SystemClock.monotonic();
        let drained = std::mem::replace(&mut self.last_turn, turn);
        self.shared.statistics.producer.turns.add(1);
        self.sender().set_now(turn);
        self.shared.accumulator.memory.expect_small_allocations();
        self.shared.accumulator.memory.budget().defer();
        self.poll_connections(cx);
        for _ in 0..PASSES {
            self.take_prepared();
            self.read_mail();
            self.sender().tick(drained);
            self.carry_out(cx);
            if self.sender().is_closed() {
                return Poll::Ready(());
            }
            self.report_statistics(turn);
            let deadline = self.sender().next_deadline().min(self.interval.next);
            if deadline <= turn {
                break;
            }
            // From here on, a release serves waiting calls by itself, however small their request.
            self.shared.accumulator.memory.budget().stop_deferring();
            self.report_room();
            let now = SystemClock.monotonic();
            let (until, resting) = match self.timer().is_precise() {
                true => self.rest.fall_asleep(deadline, now),
                false => (deadline, false),
            };
            if self.shared.accumulator.inbox.fall_asleep(until, resting) {
                return self.sleep_until(until, cx);
            }
            self.sender().set_now(now);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn timer(&mut self) -> &mut Timer {
        self.timer.get_or_insert_with(Timer::new)
    }

    fn sender(&mut self) -> &mut Sender {
        self.sender.as_mut().expect("there is a sender until the loop has ended")
    }

    fn keep_waker(&mut self, cx: &Context<'_>) {
        let mut waker = self.waker.lock();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    fn read_mail(&mut self) {
        let inbox = &self.shared.accumulator.inbox;
        inbox.wake_up();
        let room_requested = inbox.take_room_request();
        inbox.take(&mut self.mail);
        self.rest.saw(self.mail.full);
        let Some(sender) = &mut self.sender else { return };
        sender.mail(&mut self.mail, room_requested);
    }

    fn take_prepared(&mut self) {
        self.helpers.take_done(&mut self.prepared);
        let Some(sender) = &mut self.sender else { return };
        for (preparation, prepared) in self.prepared.drain(..) {
            sender.input(Input::Prepared(preparation, prepared));
        }
    }

    fn sleep_until(&mut self, deadline: Time, cx: &mut Context<'_>) -> Poll<()> {
        if deadline == Time::NEVER {
            return Poll::Pending;
        }
        if self.timer().poll(deadline, cx).is_ready() {
            self.shared.accumulator.inbox.wake_up();
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Delivers every readable byte, goes on writing where sockets have room, and polls attempts to connect.
    fn poll_connections(&mut self, cx: &mut Context<'_>) {
        let mut ids = std::mem::take(&mut self.ids);
        ids.extend(self.connections.keys());
        for id in ids.drain(..) {
            self.poll_connection(id, cx);
        }
        self.ids = ids;
    }

    fn poll_connection(&mut self, id: ConnectionId, cx: &mut Context<'_>) {
        let Some(state) = self.connections.get_mut(&id) else { return };
        let Some(sender) = &mut self.sender else { return };
        match state {
            ConnectionState::Naming(naming) => {
                if let Poll::Ready(names) = naming.as_mut().poll(cx) {
                    self.connections.remove(&id);
                    sender.input(Input::CanonicalNames(id, names));
                }
            }
            ConnectionState::Resolving(resolving) => {
                if let Poll::Ready(addresses) = resolving.as_mut().poll(cx) {
                    self.connections.remove(&id);
                    sender.input(Input::Resolved(id, addresses));
                }
            }
            ConnectionState::Connecting(server, connecting) => {
                if let Poll::Ready(connected) = connecting.as_mut().poll(cx) {
                    let server = server.clone();
                    self.connections.remove(&id);
                    self.connect_ended(id, server, connected);
                    // The runtime wakes this loop only for sockets that were polled, so poll this one for the first
                    // response now.
                    self.poll_connection(id, cx);
                }
            }
            ConnectionState::Securing(server, securing) => {
                if let Poll::Ready(secured) = securing.as_mut().poll(cx) {
                    let server = server.clone();
                    self.connections.remove(&id);
                    match secured {
                        Ok(stream) => self.open(id, server, Transport::Tls(stream)),
                        Err(error) => self.connect_failed(id, &server, "the TLS handshake with", error),
                    }
                    self.poll_connection(id, cx);
                }
            }
            ConnectionState::Open(connection) => {
                let read =
                    connection.poll_read(cx, &mut self.scratch, |frame| sender.input(Input::Received(id, frame)));
                if let Poll::Ready(error) = read {
                    let untouched = connection.untouched();
                    self.connections.remove(&id);
                    return sender.input(Input::Disconnected(id, error, untouched));
                }
                self.poll_write(id, cx);
            }
        }
    }

    fn connect_ended(&mut self, id: ConnectionId, server: Server, connected: std::io::Result<TcpStream>) {
        match (connected, &self.tls) {
            (Ok(stream), None) => self.open(id, server, Transport::Plain(stream)),
            (Ok(stream), Some(tls)) => {
                let securing = Box::pin(TlsStream::connect(stream, tls.clone(), server.name.clone()));
                self.connections.insert(id, ConnectionState::Securing(server, securing));
                self.sender().input(Input::Securing(id));
            }
            (Err(error), _) => self.connect_failed(id, &server, "connecting to", error),
        }
    }

    fn open(&mut self, id: ConnectionId, server: Server, transport: Transport) {
        let connection = Connection::new(transport, server.name, self.sockets.receive_message_max);
        self.connections.insert(id, ConnectionState::Open(connection));
        self.sender().input(Input::Connected(id));
    }

    fn connect_failed(&mut self, id: ConnectionId, server: &Server, what: &str, error: std::io::Error) {
        let advice = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "; does a broker listen there?",
            _ => "",
        };
        let message = format!("{what} {} failed: {error}{advice}", server.address);
        self.sender().input(Input::ConnectFailed(id, Error::new(ErrorKind::Io, message).caused_by(error)));
    }

    fn poll_write(&mut self, id: ConnectionId, cx: &mut Context<'_>) {
        let Some(ConnectionState::Open(connection)) = self.connections.get_mut(&id) else { return };
        let Some(sender) = &mut self.sender else { return };
        if !sender.is_current(id) {
            // It is about to be closed. A frame that the sender considers unwritten must not be written now.
            return;
        }
        match connection.poll_write(cx) {
            Poll::Pending if connection.has_begun() => sender.input(Input::Begun(id)),
            Poll::Pending | Poll::Ready(Ok(None)) => {}
            Poll::Ready(Ok(Some(frame))) => sender.input(Input::Written(id, frame)),
            Poll::Ready(Err(error)) => {
                let untouched = connection.untouched();
                self.connections.remove(&id);
                sender.input(Input::Disconnected(id, lost_by(error), untouched));
            }
        }
    }

    /// Carries out what the sender wants done. Callbacks run here, between the sender's steps.
    fn carry_out(&mut self, cx: &mut Context<'_>) {
        loop {
            // Given back before each output, so that after a flush the application finds the values of decided records
            // released.
            self.shared.accumulator.memory.give_back_loans();
            let Some(action) = self.sender().poll_output() else { return };
            match action {
                Output::Resolve(id, name) => {
                    self.connections.insert(id, ConnectionState::Resolving(Box::pin(dns::resolve(name))));
                    self.poll_connection(id, cx);
                }
                Output::FindCanonicalNames(id, name, limit) => {
                    self.connections.insert(id, ConnectionState::Naming(Box::pin(dns::canonical_names(name, limit))));
                    self.poll_connection(id, cx);
                }
                Output::Connect(id, name, address) => {
                    let connecting = Box::pin(transport::connect(address, self.sockets));
                    self.connections.retain(|other, _| other.broker != id.broker);
                    self.connections.insert(id, ConnectionState::Connecting(Server { name, address }, connecting));
                    self.poll_connection(id, cx);
                }
                Output::Write(id, frame) => self.write(id, frame, cx),
                Output::Recall(id) => self.recall(id),
                Output::Close(id) => {
                    self.connections.remove(&id);
                }
                Output::Prepare(preparation) => self.helpers.begin(preparation),
                Output::Report(report) => self.report(report),
                Output::Assign(topic, slots) => self.assign(&topic, slots),
                Output::Answered { ticket, outcome } => self.shared.tickets.answer(ticket, outcome),
                Output::Closed => {}
                Output::Event(event) => self.call_out(|sink| sink.event(*event)),
                Output::Log(level, message) => self.shared.log(level, &message),
            }
        }
    }

    fn write(&mut self, id: ConnectionId, frame: Frame, cx: &mut Context<'_>) {
        if let Some(ConnectionState::Open(connection)) = self.connections.get_mut(&id) {
            connection.write(frame);
            self.poll_write(id, cx);
        }
    }

    /// Reports that there is room again after a refusal. Done before the loop falls asleep, because what the
    /// application sends in response keeps it awake.
    fn report_room(&mut self) {
        let budget = self.shared.accumulator.memory.budget();
        if budget.take_room_after_refusal() {
            let message = format!("{} of buffer.memory={} bytes are free again", budget.room(), budget.limit());
            self.call_out(|sink| sink.event(Event::new(EventKind::BufferRoom, message)));
        }
    }

    fn recall(&mut self, id: ConnectionId) {
        if let Some(ConnectionState::Open(connection)) = self.connections.get_mut(&id) {
            connection.recall();
        }
    }

    fn report(&mut self, report: Report) {
        self.shared.accumulator.memory.accepted().take();
        self.call_out(|sink| {
            sink.observe(&report);
            report.notify_waiters();
            sink.report(report);
        });
    }

    /// Runs functions of the application. How long they keep this thread is measured.
    fn call_out(&mut self, call: impl FnOnce(&mut dyn Sink)) {
        let figures = &self.shared.statistics.producer;
        let begun = SystemClock.monotonic();
        figures.callback_running_us.begin(begun);
        call(&mut *self.sink);
        figures.callback_running_us.end();
        let took = SystemClock.monotonic().since(begun);
        figures.callback_time_us.add_time(took, 1);
        if let Some(sender) = &mut self.sender {
            sender.note_held_up(took);
        }
    }

    /// Reports statistics, if the sink wants them and the interval has passed.
    fn report_statistics(&mut self, now: Time) {
        if self.interval.is_due(now) {
            let snapshot = self.shared.snapshot();
            self.call_out(|sink| sink.statistics(snapshot));
        }
    }

    /// Reports a failure that the sender does not know of, and counts it.
    fn report_failed(&mut self, report: Report) {
        let Outcome { error, fate, .. } = report.outcome();
        let kind = error.as_ref().map_or(ErrorKind::Internal, Error::kind);
        let records = u64::from(report.count());
        self.shared.statistics.count_failed_outside(report.topic(), kind, records, *fate == Fate::Unknown);
        self.report(report);
    }

    fn assign(&mut self, topic: &Topic, slots: Vec<Arc<Slot>>) {
        let rejected = self.shared.accumulator.assign(topic, slots, &SystemClock);
        for report in rejected.into_reports(SystemClock.monotonic()) {
            self.report_failed(report);
        }
        self.read_mail();
        self.sender().assigned(topic);
    }

    /// Ends the sender. After a panic, it completes what was left: every batch is a report among the sender's outputs,
    /// or an orphan that its owner dropped, or in a slot.
    fn finish(mut self, how: Ended) {
        self.connections.clear();
        let accumulator = self.shared.accumulator.clone();
        if how == Ended::Panicked {
            self.shared.tickets.panicked();
            const DEFECT: &str =
                "a defect in Ottla: the sender thread panicked; what was pending is completed with INTERNAL";
            drop(catch_unwind(AssertUnwindSafe(|| self.shared.log(Level::Error, DEFECT))));
            let error = Error::new(ErrorKind::Internal, DEFECT);
            drop(catch_unwind(AssertUnwindSafe(|| self.sink.event(Event::of_error(EventKind::Fatal, error)))));
        }
        accumulator.gate.close();
        // Their batches are decided by the sender, or become orphans with it.
        self.helpers.join();
        let decided = self.sender.as_mut().map(Sender::take_reports).unwrap_or_default();
        drop(catch_unwind(AssertUnwindSafe(|| self.sender.take())));
        self.complete_leftovers(how, decided);
        accumulator.memory.close();
        accumulator.memory.give_back_last_loans();
        // The sink is dropped before the end is announced, so that all its work is done when a call that waits for the
        // end returns.
        let SenderThread { sink, shared, .. } = self;
        drop(catch_unwind(AssertUnwindSafe(move || drop(sink))));
        shared.tickets.end(how);
    }

    fn complete_leftovers(&mut self, how: Ended, decided: Vec<Report>) {
        let accumulator = self.shared.accumulator.clone();
        let now = SystemClock.monotonic();
        let kind = if how == Ended::Panicked { ErrorKind::Internal } else { ErrorKind::Closed };
        let error = Error::new(kind, "the sender ended before the record was sent");
        // In the order in which they were accepted.
        for report in decided {
            self.despite_panics(|sender| sender.report(report));
        }
        for orphan in accumulator.memory.take_orphans() {
            self.despite_panics(|sender| sender.report_failed(orphan));
        }
        for slot in accumulator.topics.slots() {
            while let (Some(batch), _) = slot.take() {
                let outcome = Outcome::failed(&batch, error.clone(), now);
                self.despite_panics(|sender| sender.report_failed(batch.decide(outcome)));
            }
        }
    }

    /// A sink that panics at one report still gets the others.
    fn despite_panics(&mut self, deliver: impl FnOnce(&mut Self)) {
        drop(catch_unwind(AssertUnwindSafe(|| deliver(self))));
    }
}
