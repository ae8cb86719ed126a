//! Where chunks and batches come from and return to: free lists under one lock. Each chunk is charged to the budget.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use super::budget::{Budget, NoRoom};
use super::chunk::{CLASSES, Chunk, Space, class_for, exact_size};
use super::{Batch, Report};
use crate::allocate::{self, SMALL, WHERE_TO_LOOK};
use crate::error::{Error, ErrorKind, Result};
use crate::loan::{Ended, EndedLoans};
use crate::sync::{Arc, AtomicUsize, HandOver, Mutex, Ordering};

/// The memory of one producer.
pub struct Memory {
    budget: Budget,
    free: Mutex<Free>,
    /// Whether `Free::reserve` is allocated. Records are refused while it cannot be.
    has_reserve: AtomicBool,
    orphans: Mutex<Vec<Report>>,
    loans: Arc<EndedLoans>,
    /// Charged bytes that reports hold.
    reports: AtomicUsize,
    accepted: HandOver,
    /// Whether reports keep their records.
    retains: bool,
    /// Wakes the sender, which gives values back.
    on_loans_ended: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Free {
    chunks: [Vec<Space>; CLASSES.len()],
    batches: Vec<Box<Batch>>,
    reserve: Vec<u8>,
    /// How many bytes may be allocated before the next test whether the system has memory left.
    seen: usize,
    closed: bool,
}

impl Free {
    /// How much memory must be left after a chunk of this size. The test costs more than a chunk, so for application
    /// threads one test covers the next chunks too.
    fn must_leave(&mut self, size: usize, charge: Charge) -> usize {
        if charge == Charge::Force {
            return SMALL;
        }
        if let Some(left) = self.seen.checked_sub(size) {
            self.seen = left;
            return 0;
        }
        self.seen = SEEN;
        SMALL + SEEN
    }
}

/// Set aside while records are accepted. It is never written to, so it costs only address space.
const RESERVE: usize = 256 * 1024;

/// How many bytes of chunks one test covers.
const SEEN: usize = 48 * 1024;

/// Whether a charge may be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// By an application thread: refused when `buffer.memory` is used up.
    Ask,
    /// By the sender: never refused.
    Force,
}

/// Bytes that were charged in advance, for a call that waited for them.
#[derive(Default)]
pub struct Room {
    pub charged: usize,
}

impl Memory {
    /// With `retains`, the records of a batch stay charged until its report is dropped, and the report shows them.
    pub fn new(limit: usize, retains: bool) -> Self {
        let (free, orphans) = (Mutex::default(), Mutex::default());
        let (loans, reports) = (EndedLoans::new(), AtomicUsize::new(0));
        let (has_reserve, accepted) = (AtomicBool::new(false), HandOver::default());
        let (budget, on_loans_ended) = (Budget::new(limit), OnceLock::new());
        Memory { budget, free, has_reserve, orphans, loans, reports, accepted, retains, on_loans_ended }
    }

    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// A chunk for `bytes`, of the class `size_class` if that is larger and the budget has room for it. Charged to
    /// `room` first. A record is never refused because of the larger class.
    pub(super) fn chunk(
        &self,
        bytes: usize,
        size_class: usize,
        charge: Charge,
        room: &mut Room,
    ) -> Result<Chunk, NoRoom> {
        if charge == Charge::Ask && !self.has_reserve.load(Ordering::Relaxed) {
            self.take_reserve().map_err(|_| NoRoom::System(bytes))?;
        }
        let least = class_for(bytes);
        let wish = least.map(|class| class.max(size_class));
        match self.chunk_of(wish, bytes, charge, room) {
            // A record for which the system has no memory must not use up what was just released for the sender.
            Err(NoRoom::System(bytes)) if charge == Charge::Ask => Err(NoRoom::System(bytes)),
            Err(_) if wish != least => self.chunk_of(least, bytes, charge, room),
            taken => taken,
        }
    }

    fn chunk_of(&self, class: Option<usize>, bytes: usize, charge: Charge, room: &mut Room) -> Result<Chunk, NoRoom> {
        let size = chunk_size(class, bytes);
        self.charge(size, charge, room)?;
        let mut free = self.free.lock();
        if let Some(space) = class.and_then(|class| free.chunks[class].pop()) {
            return Ok(Chunk::reuse(space));
        }
        let leaves = free.must_leave(size, charge);
        drop(free);
        Self::chunk_leaving(leaves, size).or_else(|| self.chunk_in_need(size, charge)).ok_or_else(|| {
            self.budget.release(size);
            NoRoom::System(size)
        })
    }

    /// A chunk when the system has no memory. Frees what is kept for reuse and, for the sender, the reserve.
    #[cold]
    fn chunk_in_need(&self, size: usize, charge: Charge) -> Option<Chunk> {
        self.drop_free();
        Self::chunk_leaving(SMALL, size).or_else(|| {
            self.spend_reserve();
            if charge == Charge::Ask { None } else { Self::chunk_leaving(SMALL, size) }
        })
    }

    /// A chunk, if this much memory is left after it.
    fn chunk_leaving(leaves: usize, size: usize) -> Option<Chunk> {
        Chunk::new(size).filter(|_| leaves == 0 || allocate::is_available(leaves))
    }

    /// Makes sure that small allocations which cannot fail find memory. If the system has none, they get the reserve,
    /// and records are refused until it can be allocated again.
    pub fn expect_small_allocations(&self) {
        if !allocate::is_available(SMALL) {
            self.drop_free();
            self.spend_reserve();
        }
    }

    /// Sets memory aside for allocations that cannot fail.
    #[cold]
    fn take_reserve(&self) -> Result<()> {
        let mut reserve = Vec::new();
        if allocate::reserve(&mut reserve, RESERVE).is_err() {
            self.drop_free();
            allocate::reserve(&mut reserve, RESERVE)?;
        }
        self.free.lock().reserve = reserve;
        self.has_reserve.store(true, Ordering::Relaxed);
        Ok(())
    }

    #[cold]
    fn spend_reserve(&self) {
        self.has_reserve.store(false, Ordering::Relaxed);
        let mut free = self.free.lock();
        free.seen = 0;
        let reserve = std::mem::take(&mut free.reserve);
        drop(free);
        drop(reserve);
    }

    /// Frees all that is kept for reuse. Allocates nothing.
    #[cold]
    fn drop_free(&self) {
        let mut free = self.free.lock();
        let (chunks, batches) = (std::mem::take(&mut free.chunks), std::mem::take(&mut free.batches));
        drop(free);
        drop((chunks, batches));
    }

    /// The error for the sender, whose memory the budget does not refuse.
    #[cold]
    pub fn out_of_memory(&self, bytes: usize, to_do_what: &str) -> Error {
        let (used, limit) = (self.budget.used(), self.budget.limit());
        let message = format!(
            "no memory {to_do_what}: the system refused {bytes} bytes, while {used} of buffer.memory={limit} are in use; \
             {WHERE_TO_LOOK}, or set buffer.memory lower"
        );
        Error::new(ErrorKind::OutOfMemory, message)
    }

    pub(super) fn charge(&self, size: usize, charge: Charge, room: &mut Room) -> Result<(), NoRoom> {
        if room.charged >= size {
            room.charged -= size;
            return Ok(());
        }
        match charge {
            Charge::Ask => self.budget.try_charge(size),
            Charge::Force => {
                self.budget.charge(size);
                Ok(())
            }
        }
    }

    /// Takes chunks back and releases their charge.
    pub(super) fn release(&self, chunks: impl IntoIterator<Item = Chunk>) {
        let mut chunks = chunks.into_iter().peekable();
        if chunks.peek().is_none() {
            return;
        }
        let mut bytes = 0;
        let mut free = self.free.lock();
        for chunk in chunks {
            bytes += chunk.capacity();
            if let Some(class) = CLASSES.iter().position(|&size| size == chunk.capacity())
                && !free.closed
                && free.chunks[class].try_reserve(1).is_ok()
            {
                free.chunks[class].push(chunk.into_space());
            }
        }
        drop(free);
        self.budget.release(bytes);
    }

    /// Notes that a report holds this many charged bytes until it is dropped.
    pub(super) fn begin_report(&self, bytes: usize) {
        self.reports.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn end_report(&self, bytes: usize) {
        self.reports.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Charged bytes of all reports that are not dropped yet.
    pub fn report_bytes(&self) -> usize {
        self.reports.load(Ordering::Relaxed)
    }

    pub(super) fn retains(&self) -> bool {
        self.retains
    }

    /// How the sender is woken when loans end on another thread. Set once, before the first record.
    pub fn on_loans_ended(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = self.on_loans_ended.set(wake);
    }

    /// A report was dropped, perhaps on the application's thread, and loans may have ended with it.
    pub(super) fn note_loans_ended(&self) {
        if let Some(wake) = self.on_loans_ended.get() {
            wake();
        }
    }

    pub(super) fn reused_batch(&self) -> Option<Box<Batch>> {
        self.free.lock().batches.pop()
    }

    pub(super) fn recycle(&self, batch: Box<Batch>) {
        let mut free = self.free.lock();
        if free.closed || free.batches.try_reserve(1).is_err() {
            drop(free);
            drop(batch);
        } else {
            free.batches.push(batch);
        }
    }

    /// Returns unused memory to the system: all but `keep` bytes of each class.
    pub fn trim(&self, keep: usize) {
        let mut surplus = Vec::new();
        let mut free = self.free.lock();
        for (class, size) in CLASSES.iter().enumerate() {
            let spaces = &mut free.chunks[class];
            let kept = (keep / size).min(spaces.len());
            // If the list to move them to cannot grow, they are freed under the lock.
            match surplus.try_reserve(spaces.len() - kept) {
                Ok(()) => surplus.extend(spaces.drain(kept..)),
                Err(_) => spaces.truncate(kept),
            }
            spaces.shrink_to(kept);
        }
        let kept = (keep / CLASSES[CLASSES.len() - 1]).min(free.batches.len());
        let batches: Vec<_> = free.batches.drain(kept..).collect();
        drop(free);
        drop(surplus);
        drop(batches);
    }

    /// Bytes in the free lists.
    #[cfg(all(test, not(ottla_loom)))]
    pub(super) fn free_bytes(&self) -> usize {
        let free = self.free.lock();
        free.chunks.iter().flatten().map(|space| space.len()).sum()
    }

    /// Empties the free lists for good. Batches in them refer to this memory, so they would keep it alive.
    pub fn close(&self) {
        self.budget.close();
        let mut free = self.free.lock();
        let mut kept = std::mem::take(&mut *free);
        free.closed = true;
        drop(free);
        kept.chunks.iter_mut().for_each(Vec::clear);
        kept.batches.clear();
    }

    /// Takes a batch that was dropped without a decision, because a panic unwound through its owner. The event loop
    /// completes these, so that every accepted record is completed.
    pub(super) fn orphan(&self, report: Report) {
        self.orphans.lock().push(report);
    }

    /// Tells race detectors that application data that belongs to a record passes from `send` to the callback. `leave`
    /// is called before a record is accepted, `take` before a function of the application is called for it.
    pub fn accepted(&self) -> &HandOver {
        &self.accepted
    }

    /// The loans that have ended.
    pub fn loans(&self) -> &Arc<EndedLoans> {
        &self.loans
    }

    /// Gives back the values whose loans have ended. Thread: sender, between its steps. Locks: none.
    pub fn give_back_loans(&self) {
        self.give_back(self.loans.take());
    }

    /// `give_back_loans` for the last time, when the sender ends. A loan that ends later is given back where it ends.
    pub fn give_back_last_loans(&self) {
        self.give_back(self.loans.take_last());
    }

    fn give_back(&self, loans: Vec<Ended>) {
        if !loans.is_empty() {
            self.accepted.take();
        }
        for loan in loans {
            // First, so that the function finds room if it sends again.
            self.budget.release(loan.charged);
            loan.give_back();
        }
    }

    pub fn take_orphans(&self) -> Vec<Report> {
        std::mem::take(&mut self.orphans.lock())
    }
}

fn chunk_size(class: Option<usize>, bytes: usize) -> usize {
    class.map_or_else(|| exact_size(bytes), |class| CLASSES[class])
}
