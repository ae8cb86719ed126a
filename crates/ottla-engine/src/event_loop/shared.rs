//! What the application's threads and the sender's thread share besides the accumulator.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use ottla_core::accumulator::{Accumulator, Command, Waiting};
use ottla_core::batch::Report;
use ottla_core::error::Result;
use ottla_core::sender::{Answer, DebugSwitch, Event, Level};
use ottla_core::statistics::{Snapshot, Statistics};
use ottla_core::sync::{Arc, AtomicU64, Condvar, HandOver, Mutex, Ordering};

/// Where reports and events go. Called on the sender's thread, without a lock.
pub trait Sink: Send {
    /// Sees a report before it is delivered, also before threads that wait for one of its records.
    fn observe(&mut self, report: &Report);

    fn report(&mut self, report: Report);

    /// Whether it keeps reports until the application polls them.
    fn is_polled(&self) -> bool;

    /// Takes an event. Sinks may ignore events.
    fn event(&mut self, event: Event);

    /// How often it wants statistics, if at all. Called once, at the start.
    fn statistics_interval(&self) -> Option<Duration>;

    fn statistics(&mut self, snapshot: Snapshot);
}

/// A function that takes reports, and ignores everything else.
impl<F: FnMut(Report) + Send> Sink for F {
    fn observe(&mut self, _report: &Report) {}

    fn report(&mut self, report: Report) {
        self(report);
    }

    fn is_polled(&self) -> bool {
        false
    }

    fn event(&mut self, _event: Event) {}

    fn statistics_interval(&self) -> Option<Duration> {
        None
    }

    fn statistics(&mut self, _snapshot: Snapshot) {}
}

/// Where log lines go. Called on the sender's thread, and on threads that call the producer.
pub type LogSink = Box<dyn Fn(Level, &str) + Send + Sync>;

pub struct Shared {
    pub accumulator: Arc<Accumulator>,
    pub statistics: Arc<Statistics>,
    pub tickets: Tickets,
    pub log: LogSink,
    pub log_level: Level,
    pub debug: Arc<DebugSwitch>,
    sender: SenderId,
}

/// Identifies a producer's thread. `ThreadId` is not used: for a thread that C started, the standard library allocates
/// something with it that valgrind reports as possibly lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderId(u64);

thread_local! {
    /// The sender that runs on this thread.
    static RUNNING: Cell<Option<SenderId>> = const { Cell::new(None) };
}

impl SenderId {
    fn draw() -> Self {
        static DRAWN: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        SenderId(DRAWN.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the caller runs on this thread, which means in a callback of its producer.
    pub fn is_current(self) -> bool {
        RUNNING.get() == Some(self)
    }
}

impl Shared {
    pub fn new(
        accumulator: Arc<Accumulator>,
        statistics: Statistics,
        log: LogSink,
        log_level: Level,
        debug: Arc<DebugSwitch>,
    ) -> Self {
        let statistics = Arc::new(statistics);
        Shared { accumulator, statistics, tickets: Tickets::default(), log, log_level, debug, sender: SenderId::draw() }
    }

    pub fn log(&self, level: Level, message: &str) {
        // Debug lines come only from facilities that were chosen.
        if level <= self.log_level || level == Level::Debug {
            (self.log)(level, message);
        }
    }

    /// Whether the caller runs on the sender's thread, which means in a callback.
    pub fn is_sender(&self) -> bool {
        self.sender.is_current()
    }

    pub fn sender(&self) -> SenderId {
        self.sender
    }

    /// Makes the calling thread the sender's.
    pub(super) fn set_sender(&self) {
        RUNNING.set(Some(self.sender));
    }

    /// Sends a command to the sender and waits for its answer. `what` names the call in the log.
    pub fn ask(&self, what: &str, command: impl FnOnce(u64) -> Command, deadline: Option<Instant>) -> Waited {
        let ticket = self.tickets.draw();
        self.accumulator.inbox.command(command(ticket));
        let waited = self.wait(what, ticket, deadline);
        self.tickets.give_back(ticket);
        waited
    }

    /// Waits for a ticket's answer. The log explains a long wait, again and again at growing intervals. Otherwise a
    /// wait without a limit would never show what it waits for.
    pub fn wait(&self, what: &str, ticket: u64, deadline: Option<Instant>) -> Waited {
        let begun = Instant::now();
        let mut warnings = Warnings::begin(begun);
        loop {
            let until = deadline.map_or(warnings.next, |deadline| deadline.min(warnings.next));
            let waited = self.tickets.wait(ticket, Some(until));
            if !matches!(waited, Waited::TimedOut) || deadline.is_some_and(|deadline| deadline <= until) {
                return waited;
            }
            let why = self.explain(Waiting::Call(ticket), BUSY_AFTER).unwrap_or_default();
            let seconds = begun.elapsed().as_secs();
            self.log(Level::Warning, &format!("{what} has been waiting for {seconds} s; {why}"));
            warnings.postpone(Instant::now());
        }
    }

    /// Explains what a call or records wait for; `None` if they wait for nothing. If the sender does not answer within
    /// `patience`, that is the explanation.
    pub fn explain(&self, waiting: Waiting, patience: Duration) -> Option<String> {
        let ticket = self.tickets.draw();
        self.accumulator.inbox.command(Command::Explain { ticket, waiting });
        let waited = self.tickets.wait(ticket, Instant::now().checked_add(patience));
        self.tickets.give_back(ticket);
        match waited {
            Waited::Answered(Ok(Answer::Waits(why))) => why,
            Waited::TimedOut => Some(BUSY.into()),
            Waited::Answered(_) | Waited::Ended => None,
        }
    }
}

/// If the sender's thread does not answer within this time, it is busy.
pub const BUSY_AFTER: Duration = Duration::from_millis(250);
pub const BUSY: &str = "the sender thread did not come to it in time; is a callback slow?";

/// When the log explains a waiting call.
struct Warnings {
    next: Instant,
    pause: Duration,
}

impl Warnings {
    const FIRST: Duration = Duration::from_secs(10);
    const LONGEST: Duration = Duration::from_secs(600);

    fn begin(now: Instant) -> Self {
        Warnings { next: now + Self::FIRST, pause: Self::FIRST }
    }

    fn postpone(&mut self, now: Instant) {
        self.pause = (2 * self.pause).min(Self::LONGEST);
        self.next = now + self.pause;
    }
}

/// How the sender thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Closed,
    /// It panicked, and pending records and calls completed with an error.
    Panicked,
}

/// How waiting for a ticket ended.
#[derive(Debug)]
pub enum Waited {
    Answered(Result<Answer>),
    TimedOut,
    /// The sender ended first, and answers nothing any more.
    Ended,
}

/// Numbers under which the sender answers commands.
#[derive(Default)]
pub struct Tickets {
    next: AtomicU64,
    state: Mutex<TicketState>,
    turn: Condvar,
    hand_over: HandOver,
}

#[derive(Default)]
struct TicketState {
    /// Tickets that were drawn and not given back, with their answers.
    drawn: HashMap<u64, Option<Result<Answer>>>,
    ended: Option<Ended>,
    /// Set before the end, while pending records are being completed.
    panicked: bool,
}

impl Tickets {
    pub fn draw(&self) -> u64 {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        self.state.lock().drawn.insert(ticket, None);
        ticket
    }

    /// Waits for the answer. It stays until the ticket is given back, so that a call can wait again after a timeout.
    pub fn wait(&self, ticket: u64, deadline: Option<Instant>) -> Waited {
        let waited = self.wait_for_answer(ticket, deadline);
        self.hand_over.take();
        waited
    }

    fn wait_for_answer(&self, ticket: u64, deadline: Option<Instant>) -> Waited {
        let mut state = self.state.lock();
        loop {
            if let Some(Some(answer)) = state.drawn.get(&ticket) {
                return Waited::Answered(answer.clone());
            }
            if state.ended.is_some() {
                return Waited::Ended;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Waited::TimedOut;
            }
            state = self.turn.wait(state, deadline);
        }
    }

    pub fn give_back(&self, ticket: u64) {
        self.state.lock().drawn.remove(&ticket);
    }

    pub(super) fn answer(&self, ticket: u64, outcome: Result<Answer>) {
        self.hand_over.leave();
        if let Some(answer) = self.state.lock().drawn.get_mut(&ticket) {
            *answer = Some(outcome);
            self.turn.notify_all();
        }
    }

    pub(super) fn end(&self, how: Ended) {
        self.hand_over.leave();
        self.state.lock().ended.get_or_insert(how);
        self.turn.notify_all();
    }

    /// Notes that the sender's thread panicked. From now on calls are refused with that reason.
    pub(super) fn panicked(&self) {
        self.state.lock().panicked = true;
    }

    pub fn has_panicked(&self) -> bool {
        self.state.lock().panicked
    }

    /// Waits until the sender has ended. `None` if it has not by the `deadline`.
    pub fn wait_ended(&self, deadline: Option<Instant>) -> Option<Ended> {
        let mut state = self.state.lock();
        while state.ended.is_none() {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
            state = self.turn.wait(state, deadline);
        }
        self.hand_over.take();
        state.ended
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_explained_after_ten_seconds_and_then_ever_less_often() {
        let begun = Instant::now();
        let mut warnings = Warnings::begin(begun);
        let seconds: Vec<u64> = (0..10)
            .map(|_| {
                let next = warnings.next;
                warnings.postpone(next);
                (next - begun).as_secs()
            })
            .collect();
        assert_eq!(seconds, [10, 30, 70, 150, 310, 630, 1230, 1830, 2430, 3030]);
    }
}
