//! What the application's threads and the sender thread share, apart from the accumulator.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use ottla_core::accumulator::{Accumulator, Command, Waiting};
use ottla_core::batch::Report;
use ottla_core::error::Result;
use ottla_core::sender::{Answer, DebugSwitch, Event, Level};
use ottla_core::statistics::{Snapshot, Statistics};
use ottla_core::sync::{Arc, AtomicU64, Condvar, HandOver, Mutex, Ordering};

/// Where reports go, and news. Called on the sender thread, with no lock held.
pub trait Sink: Send {
    /// Sees a report before anybody is told of it, threads that wait for one of its records too.
    fn observe(&mut self, report: &Report);

    fn report(&mut self, report: Report);

    /// Whether it keeps reports until the application takes them.
    fn is_polled(&self) -> bool;

    /// What concerns no single record; passed over unless a sink wants it.
    fn event(&mut self, event: Event);

    /// How often it wants to be given statistics, if at all. Asked once, at the start.
    fn statistics_interval(&self) -> Option<Duration>;

    fn statistics(&mut self, snapshot: Snapshot);
}

/// A function that takes reports and nothing else.
impl<F: FnMut(Report) + Send> Sink for F {
    fn observe(&mut self, _report: &Report) {}

    fn report(&mut self, report: Report) {
        self(report);
    }

    fn is_polled(&self) -> bool {
        false
    }

    fn event(&mut self, _news: Event) {}

    fn statistics_interval(&self) -> Option<Duration> {
        None
    }

    fn statistics(&mut self, _snapshot: Snapshot) {}
}

/// Where log lines go. Any thread of the library.
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

/// A producer's sender thread. It is not known by its `ThreadId`: to tell a thread that C started its id, the standard library
/// allocates something that valgrind reports as possibly lost.
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

    /// Whether the caller is this thread, that is, inside a callback of its producer.
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
        // Debug lines are only made where their facility was chosen.
        if level <= self.log_level || level == Level::Debug {
            (self.log)(level, message);
        }
    }

    /// Whether the caller is the sender thread, that is, inside a callback.
    pub fn is_sender(&self) -> bool {
        self.sender.is_current()
    }

    pub fn sender(&self) -> SenderId {
        self.sender
    }

    /// The calling thread is the sender.
    pub(super) fn set_sender(&self) {
        RUNNING.set(Some(self.sender));
    }

    /// Asks the sender for something and waits for its answer. `what` names the call in the log.
    pub fn ask(&self, what: &str, command: impl FnOnce(u64) -> Command, deadline: Option<Instant>) -> Waited {
        let ticket = self.tickets.draw();
        self.accumulator.inbox.command(command(ticket));
        let waited = self.wait(what, ticket, deadline);
        self.tickets.give_back(ticket);
        waited
    }

    /// Waits for a ticket's answer. A wait that takes long is explained in the log, again and again but ever less often:
    /// one without a limit would otherwise never say what it waits for.
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

    /// What somebody waits for, if anything: the sender says it, or that it does not say it in time is the reason.
    pub fn explain(&self, of: Waiting, patience: Duration) -> Option<String> {
        let ticket = self.tickets.draw();
        self.accumulator.inbox.command(Command::Explain { ticket, of });
        let waited = self.tickets.wait(ticket, Instant::now().checked_add(patience));
        self.tickets.give_back(ticket);
        match waited {
            Waited::Answered(Ok(Answer::Waits(why))) => why,
            Waited::TimedOut => Some(BUSY.into()),
            Waited::Answered(_) | Waited::Ended => None,
        }
    }
}

/// The sender thread that takes longer to say something is busy.
pub const BUSY_AFTER: Duration = Duration::from_millis(250);
pub const BUSY: &str = "the sender thread did not come to it in time; is a callback slow?";

/// When a call that waits is explained in the log.
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
    /// It panicked; what was pending was completed with an error.
    Panicked,
}

/// How waiting for a ticket ended.
#[derive(Debug)]
pub enum Waited {
    Answered(Result<Answer>),
    TimedOut,
    /// The sender ended first: nothing is answered any more.
    Ended,
}

/// Numbers under which commands are answered.
#[derive(Default)]
pub struct Tickets {
    next: AtomicU64,
    state: Mutex<TicketState>,
    turn: Condvar,
    hand_over: HandOver,
}

#[derive(Default)]
struct TicketState {
    /// Those drawn and not given back, with their answers.
    drawn: HashMap<u64, Option<Result<Answer>>>,
    ended: Option<Ended>,
    /// Told before the end, while what was pending is being completed.
    panicked: bool,
}

impl Tickets {
    pub fn draw(&self) -> u64 {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        self.state.lock().drawn.insert(ticket, None);
        ticket
    }

    /// Waits for the answer. It stays until the ticket is given back, so one can wait again after a time-out.
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

    /// The sender thread panicked: from now on calls are refused for that reason.
    pub(super) fn panicked(&self) {
        self.state.lock().panicked = true;
    }

    pub fn has_panicked(&self) -> bool {
        self.state.lock().panicked
    }

    /// Waits until the sender has nothing more to do.
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
