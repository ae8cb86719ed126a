//! The budget: how much of `buffer.memory` is held, and the queue of calls that wait for room (`BufferPool` in Kafka).

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Instant;

use crate::sync::{Arc, AtomicBool, AtomicUsize, Condvar, Mutex, Ordering};

/// Counts bytes against a limit. Charging and releasing are one atomic operation each. Only calls that wait take a
/// lock.
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// The length of `queue`, readable without its lock.
    waiting: AtomicUsize,
    /// The sender is running, and serves the queue before it sleeps. So small releases need not serve it.
    deferred: AtomicBool,
    /// The largest request for room that was refused to a call that does not wait; 0 once the application was notified
    /// of room.
    refused: AtomicUsize,
    on_room: OnceLock<Box<dyn Fn() + Send + Sync>>,
    queue: Mutex<WaitQueue>,
}

#[derive(Default)]
struct WaitQueue {
    waiters: VecDeque<Arc<Waiting>>,
    closed: bool,
}

struct Waiting {
    bytes: usize,
    turn: Condvar,
}

/// Why there is no room for this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// `buffer.memory` is used up.
    Buffer(usize),
    /// The system has no memory.
    System(usize),
}

impl NoRoom {
    pub fn bytes(self) -> usize {
        let (NoRoom::Buffer(bytes) | NoRoom::System(bytes)) = self;
        bytes
    }
}

/// Why a wait for room ended without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnded {
    TimedOut,
    Closed,
}

impl Budget {
    pub fn new(limit: usize) -> Self {
        Budget {
            limit,
            used: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            deferred: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            on_room: OnceLock::new(),
            queue: Mutex::new(WaitQueue::default()),
        }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Charges `bytes` if they fit and no call waits in the queue.
    pub fn try_charge(&self, bytes: usize) -> Result<(), NoRoom> {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            return Err(NoRoom::Buffer(bytes));
        }
        self.charge_if_it_fits(bytes)
    }

    /// Charges `bytes` beyond the limit if need be. The sender is never refused what it needs, and that is bounded.
    pub fn charge(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Releases `bytes` and wakes the first call of the queue if there is room for it. While the sender runs, a call is
    /// woken only if an eighth of the limit is free, so that a busy producer does not wake one for every batch.
    pub fn release(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::SeqCst);
        debug_assert!(before >= bytes, "released {bytes} of {before} bytes");
        if self.waiting.load(Ordering::SeqCst) > 0
            && (self.room() >= self.limit / 8 || !self.deferred.load(Ordering::SeqCst))
        {
            self.serve();
        }
        if self.is_refusing() {
            self.note_room();
        }
    }

    /// Sets the function that wakes the sender to report room. Called once, before the first record.
    pub fn on_room(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = self.on_room.set(wake);
    }

    /// Notes that a call which does not wait was refused this many bytes, so that room is reported later. The caller
    /// then wakes the sender, because room may have come in the meantime.
    pub fn refuse(&self, bytes: usize) {
        self.refused.fetch_max(bytes, Ordering::SeqCst);
    }

    /// Whether there is enough room again after a refusal. Returns true once. For the sender, after `stop_deferring`: a
    /// later release, which this does not see, finds that the sender no longer defers, and wakes it.
    pub fn take_room_after_refusal(&self) -> bool {
        let refused = self.refused.load(Ordering::SeqCst);
        self.is_room_for(refused)
            && self.refused.compare_exchange(refused, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether there was a refusal after which room was not reported yet.
    fn is_refusing(&self) -> bool {
        self.refused.load(Ordering::SeqCst) > 0
    }

    /// Wakes the sender if there is enough room again after a refusal. A sender that is running looks by itself.
    #[cold]
    fn note_room(&self) {
        if !self.deferred.load(Ordering::SeqCst)
            && self.is_room_for(self.refused.load(Ordering::SeqCst))
            && let Some(wake) = self.on_room.get()
        {
            wake();
        }
    }

    /// Room for what was refused, and at least for an eighth of the limit, so that the application is not notified for
    /// every batch.
    fn is_room_for(&self, refused: usize) -> bool {
        refused > 0 && self.waiting.load(Ordering::SeqCst) == 0 && self.fits(refused.max(self.limit / 8))
    }

    /// The sender starts to run. It calls `stop_deferring` before it sleeps.
    pub fn defer(&self) {
        self.deferred.store(true, Ordering::SeqCst);
    }

    /// The sender is about to sleep. From here on every release serves the queue, and this call serves it for the
    /// releases before. (Other threads free reports and give back room while the sender sleeps.)
    ///
    /// Order matters: a release subtracts and then reads `deferred`, this stores `deferred` and then reads `used`. So
    /// at least one of the two serves the queue.
    pub fn stop_deferring(&self) {
        self.deferred.store(false, Ordering::SeqCst);
        self.serve();
    }

    /// Wakes the first call of the queue if there is room for it.
    fn serve(&self) {
        let queue = self.queue.lock();
        if let Some(first) = queue.waiters.front()
            && (self.fits(first.bytes) || queue.closed)
        {
            first.turn.notify_one();
        }
    }

    /// Waits in the queue until `bytes` are charged, the deadline passes, or the budget is closed.
    pub fn wait(&self, bytes: usize, deadline: Option<Instant>) -> Result<(), WaitEnded> {
        let mut queue = self.queue.lock();
        let waiting = Arc::new(Waiting { bytes, turn: Condvar::default() });
        queue.waiters.push_back(waiting.clone());
        // Published before the first look at `used`: a release after that look sees the queue and serves it.
        self.waiting.store(queue.waiters.len(), Ordering::SeqCst);
        let outcome = loop {
            if queue.closed {
                break Err(WaitEnded::Closed);
            }
            let first = queue.waiters.front().is_some_and(|first| Arc::ptr_eq(first, &waiting));
            if first && self.charge_if_it_fits(bytes).is_ok() {
                break Ok(());
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break Err(WaitEnded::TimedOut);
            }
            queue = waiting.turn.wait(queue, deadline);
        };
        queue.waiters.retain(|other| !Arc::ptr_eq(other, &waiting));
        self.waiting.store(queue.waiters.len(), Ordering::SeqCst);
        if let Some(next) = queue.waiters.front() {
            next.turn.notify_one();
        }
        drop(queue);
        if self.is_refusing() {
            self.note_room();
        }
        outcome
    }

    /// Ends every wait, also those to come.
    pub fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        for waiting in &queue.waiters {
            waiting.turn.notify_one();
        }
    }

    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.used.load(Ordering::SeqCst))
    }

    fn fits(&self, bytes: usize) -> bool {
        self.room() >= bytes
    }

    /// Uses compare-and-exchange. With an addition that is undone, another call could fail meanwhile, and nothing would
    /// wake it.
    fn charge_if_it_fits(&self, bytes: usize) -> Result<(), NoRoom> {
        let mut used = self.used.load(Ordering::SeqCst);
        loop {
            if used.checked_add(bytes).is_none_or(|sum| sum > self.limit) {
                return Err(NoRoom::Buffer(bytes));
            }
            match self.used.compare_exchange_weak(used, used + bytes, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Ok(()),
                Err(now) => used = now,
            }
        }
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_fits_is_charged_and_what_does_not_is_refused() {
        let budget = Budget::new(100);
        assert_eq!(budget.try_charge(60), Ok(()));
        assert_eq!(budget.try_charge(41), Err(NoRoom::Buffer(41)));
        assert_eq!(budget.try_charge(40), Ok(()));
        budget.release(100);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_sender_may_overdraw() {
        let budget = Budget::new(100);
        budget.charge(150);
        assert_eq!(budget.try_charge(1), Err(NoRoom::Buffer(1)));
        budget.release(150);
        assert_eq!(budget.try_charge(1), Ok(()));
    }

    #[test]
    fn a_wait_ends_with_room_and_keeps_its_turn() {
        let budget = Arc::new(Budget::new(100));
        budget.charge(100);
        let waiter = std::thread::spawn({
            let budget = budget.clone();
            move || budget.wait(50, Some(Instant::now() + Duration::from_secs(30)))
        });
        while budget.waiting() == 0 {
            std::thread::yield_now();
        }
        budget.release(60);
        assert_eq!(waiter.join().expect("no panic"), Ok(()));
        assert_eq!(budget.used(), 90);
    }

    #[test]
    fn no_charge_overtakes_the_queue() {
        let budget = Arc::new(Budget::new(100));
        budget.charge(90);
        let waiter = std::thread::spawn({
            let budget = budget.clone();
            move || budget.wait(50, None)
        });
        while budget.waiting() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(budget.try_charge(1), Err(NoRoom::Buffer(1)));
        budget.release(90);
        assert_eq!(waiter.join().expect("no panic"), Ok(()));
    }

    #[test]
    fn room_after_a_refusal_is_reported_once_and_when_it_is_worthwhile() {
        let budget = Budget::new(800);
        let woken = Arc::new(AtomicUsize::new(0));
        let wake = woken.clone();
        budget.on_room(Box::new(move || {
            wake.fetch_add(1, Ordering::SeqCst);
        }));
        let reported = || (woken.load(Ordering::SeqCst), budget.take_room_after_refusal());
        budget.charge(800);
        budget.release(100);
        assert_eq!(reported(), (0, false), "nothing was refused");
        budget.charge(100);
        budget.refuse(10);
        budget.refuse(5);
        budget.release(99);
        assert_eq!(reported(), (0, false), "less than an eighth of the limit");
        budget.release(1);
        assert_eq!(reported(), (1, true));
        assert_eq!(reported(), (1, false), "once");
        budget.refuse(300);
        budget.defer();
        budget.release(200);
        assert_eq!(reported(), (1, true), "a running sender is not woken, it looks by itself");
    }

    #[test]
    fn room_is_reported_when_the_queue_has_emptied() {
        let budget = Arc::new(Budget::new(100));
        let woken = Arc::new(AtomicUsize::new(0));
        let wake = woken.clone();
        budget.on_room(Box::new(move || {
            wake.fetch_add(1, Ordering::SeqCst);
        }));
        budget.charge(50);
        let waiter = std::thread::spawn({
            let budget = budget.clone();
            move || budget.wait(60, Some(Instant::now() + Duration::from_millis(50)))
        });
        while budget.waiting() == 0 {
            std::thread::yield_now();
        }
        budget.refuse(10);
        assert!(!budget.take_room_after_refusal(), "the queue comes first");
        assert_eq!(waiter.join().expect("no panic"), Err(WaitEnded::TimedOut));
        assert_eq!((woken.load(Ordering::SeqCst), budget.take_room_after_refusal()), (1, true));
    }

    #[test]
    fn a_wait_ends_at_its_deadline_and_at_close() {
        let budget = Arc::new(Budget::new(10));
        budget.charge(10);
        assert_eq!(budget.wait(1, Some(Instant::now() + Duration::from_millis(5))), Err(WaitEnded::TimedOut));
        assert_eq!(budget.waiting(), 0);
        budget.close();
        assert_eq!(budget.wait(1, None), Err(WaitEnded::Closed));
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn more_than_four_gigabytes_are_counted() {
        const GIB: usize = 1 << 30;
        let budget = Budget::new(6 * GIB);
        (0..6).for_each(|_| assert_eq!(budget.try_charge(GIB), Ok(())));
        assert_eq!((budget.used(), budget.try_charge(1)), (6 * GIB, Err(NoRoom::Buffer(1))));
        budget.release(6 * GIB);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_wait_that_ended_in_vain_leaves_nothing_behind() {
        let budget = Arc::new(Budget::new(100));
        budget.charge(90);
        assert_eq!(budget.wait(50, Some(Instant::now() + Duration::from_millis(5))), Err(WaitEnded::TimedOut));
        assert_eq!((budget.used(), budget.waiting()), (90, 0));
        assert_eq!(budget.try_charge(10), Ok(()), "no call is queued before it");
    }
}
