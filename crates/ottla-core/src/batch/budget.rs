//! `buffer.memory`: how many bytes are held, and the queue of calls that wait for room (`BufferPool` in Kafka).

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Instant;

use crate::sync::{Arc, AtomicBool, AtomicUsize, Condvar, Mutex, Ordering};

/// Counts bytes against a limit. Charging and releasing are one atomic operation each; only who waits takes a lock.
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// The length of `queue`, readable without its lock.
    waiting: AtomicUsize,
    /// The sender is at work and will serve the line before it sleeps: small releases need not.
    deferred: AtomicBool,
    /// What an attempt that would not wait was refused, at most; 0 once somebody was told that there is room.
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

/// There is no room for this many bytes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// In `buffer.memory`.
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

    /// Charges `bytes` if they fit and nobody waits in line.
    pub fn try_charge(&self, bytes: usize) -> Result<(), NoRoom> {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            return Err(NoRoom::Buffer(bytes));
        }
        self.charge_if_it_fits(bytes)
    }

    /// Charges `bytes` whatever the limit: what the sender needs is never refused, a bounded overdraft.
    pub fn charge(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Gives `bytes` back and wakes the first in line if there is room for it. While the sender is at work it is woken
    /// only for worthwhile room, an eighth of the limit, so that a busy producer does not wake for every batch.
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

    /// How the sender is woken to tell of room. Set once, before the first record.
    pub fn on_room(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = self.on_room.set(wake);
    }

    /// Somebody who would not wait was refused this many bytes and wants to be told when there is room. The sender is to
    /// be woken afterwards, since the room may have come meanwhile.
    pub fn refuse(&self, bytes: usize) {
        self.refused.fetch_max(bytes, Ordering::SeqCst);
    }

    /// Whether there is room, worthwhile room, since somebody was refused; true once. For the sender, after
    /// `stop_deferring`: a release that it does not see here sees that it no longer defers, and wakes it.
    pub fn take_room_after_refusal(&self) -> bool {
        let refused = self.refused.load(Ordering::SeqCst);
        self.is_room_for(refused)
            && self.refused.compare_exchange(refused, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether somebody was refused and not yet told of room.
    fn is_refusing(&self) -> bool {
        self.refused.load(Ordering::SeqCst) > 0
    }

    /// Room was made, and somebody was refused before. A sender at work sees it by itself.
    #[cold]
    fn note_room(&self) {
        if !self.deferred.load(Ordering::SeqCst)
            && self.is_room_for(self.refused.load(Ordering::SeqCst))
            && let Some(wake) = self.on_room.get()
        {
            wake();
        }
    }

    /// Room for what was refused and for an eighth of the limit, so that an event loop does not come for every batch.
    fn is_room_for(&self, refused: usize) -> bool {
        refused > 0 && self.waiting.load(Ordering::SeqCst) == 0 && self.fits(refused.max(self.limit / 8))
    }

    /// The sender begins to work; `stop_deferring` follows before it sleeps.
    pub fn defer(&self) {
        self.deferred.store(true, Ordering::SeqCst);
    }

    /// The sender may sleep now: every release, whose ever, serves the line from here on, and those before are made
    /// up for. (Reports are freed, and room is given back, by other threads while the sender sleeps.)
    ///
    /// The order matters: a release subtracts and then looks at the word, this stores the word and then looks at what
    /// is used, so one of the two serves.
    pub fn stop_deferring(&self) {
        self.deferred.store(false, Ordering::SeqCst);
        self.serve();
    }

    /// Wakes the first in line if there is room for it.
    fn serve(&self) {
        let queue = self.queue.lock();
        if let Some(first) = queue.waiters.front()
            && (self.fits(first.bytes) || queue.closed)
        {
            first.turn.notify_one();
        }
    }

    /// Waits in line until `bytes` are charged, or the deadline, or the close.
    pub fn wait(&self, bytes: usize, deadline: Option<Instant>) -> Result<(), WaitEnded> {
        let mut queue = self.queue.lock();
        let own = Arc::new(Waiting { bytes, turn: Condvar::default() });
        queue.waiters.push_back(own.clone());
        // Announced before the first look at `used`: a release after that look sees the line and serves it.
        self.waiting.store(queue.waiters.len(), Ordering::SeqCst);
        let outcome = loop {
            if queue.closed {
                break Err(WaitEnded::Closed);
            }
            let first = queue.waiters.front().is_some_and(|first| Arc::ptr_eq(first, &own));
            if first && self.charge_if_it_fits(bytes).is_ok() {
                break Ok(());
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break Err(WaitEnded::TimedOut);
            }
            queue = own.turn.wait(queue, deadline);
        };
        queue.waiters.retain(|waiting| !Arc::ptr_eq(waiting, &own));
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

    /// Ends every wait, now and later.
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

    /// By compare-and-exchange, not add-then-undo: an undone addition could make another's attempt fail with nobody
    /// left to wake it.
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
    fn nobody_overtakes_the_line() {
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
    fn room_after_a_refusal_is_told_once_and_when_it_is_worthwhile() {
        let budget = Budget::new(800);
        let woken = Arc::new(AtomicUsize::new(0));
        let wake = woken.clone();
        budget.on_room(Box::new(move || {
            wake.fetch_add(1, Ordering::SeqCst);
        }));
        let reported = || (woken.load(Ordering::SeqCst), budget.take_room_after_refusal());
        budget.charge(800);
        budget.release(100);
        assert_eq!(reported(), (0, false), "nobody was refused");
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
        assert_eq!(reported(), (1, true), "a sender at work is not woken, it looks by itself");
    }

    #[test]
    fn a_line_that_ends_makes_room_for_who_was_refused() {
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
        assert!(!budget.take_room_after_refusal(), "the line comes first");
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
        assert_eq!(budget.try_charge(10), Ok(()), "nobody is before it in the line");
    }
}
