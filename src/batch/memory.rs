//! Where chunks and batches come from and return to: free lists under one lock, charged to the budget by chunk.

use super::budget::{Budget, NoRoom};
use super::chunk::{CLASSES, Chunk, Space, class_for, exact_size};
use super::{Batch, Report};
use crate::loan::{Ended, EndedLoans};
use crate::sync::{Arc, AtomicUsize, HandOver, Mutex, Ordering};

/// The memory of one producer.
pub struct Memory {
    budget: Budget,
    free: Mutex<Free>,
    orphans: Mutex<Vec<Report>>,
    loans: Arc<EndedLoans>,
    /// Charged bytes that belong to reports.
    reports: AtomicUsize,
    accepted: HandOver,
}

#[derive(Default)]
struct Free {
    chunks: [Vec<Space>; CLASSES.len()],
    batches: Vec<Box<Batch>>,
    closed: bool,
}

/// Whether a charge may be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// An application thread's: refused when `buffer.memory` is used up.
    Ask,
    /// The sender's: charged, never refused.
    Force,
}

/// Bytes charged beforehand by one who waited for them.
#[derive(Default)]
pub struct Room {
    pub charged: usize,
}

impl Memory {
    pub fn new(limit: usize) -> Self {
        let (free, orphans) = (Mutex::default(), Mutex::default());
        let (loans, reports) = (EndedLoans::new(), AtomicUsize::new(0));
        Memory { budget: Budget::new(limit), free, orphans, loans, reports, accepted: HandOver::default() }
    }

    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// A chunk with room for `bytes`, of the class `hint` if that is larger and has room in the budget. Taken from
    /// `room` first. The hint is a wish: a record is never refused for more than it needs.
    pub(super) fn chunk(&self, bytes: usize, hint: usize, charge: Charge, room: &mut Room) -> Result<Chunk, NoRoom> {
        let least = class_for(bytes);
        let wish = least.map(|class| class.max(hint));
        let class = match self.charge(chunk_size(wish, bytes), charge, room) {
            Ok(()) => wish,
            Err(refused) if wish == least => return Err(refused),
            Err(_) => {
                self.charge(chunk_size(least, bytes), charge, room)?;
                least
            }
        };
        let size = chunk_size(class, bytes);
        let reused = class.and_then(|class| self.free.lock().chunks[class].pop());
        Ok(reused.map_or_else(|| Chunk::new(size), Chunk::reuse))
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
            {
                free.chunks[class].push(chunk.into_space());
            }
        }
        drop(free);
        self.budget.release(bytes);
    }

    /// A report holds so many charged bytes until it is dropped.
    pub(super) fn begin_report(&self, bytes: usize) {
        self.reports.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn end_report(&self, bytes: usize) {
        self.reports.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Charged bytes that reports hold, which nobody has dropped yet.
    pub fn report_bytes(&self) -> usize {
        self.reports.load(Ordering::Relaxed)
    }

    pub(super) fn reused_batch(&self) -> Option<Box<Batch>> {
        self.free.lock().batches.pop()
    }

    pub(super) fn recycle(&self, batch: Box<Batch>) {
        let mut free = self.free.lock();
        if free.closed {
            drop(free);
            drop(batch);
        } else {
            free.batches.push(batch);
        }
    }

    /// Gives unused free memory back to the system: all but `keep` bytes of each class.
    pub fn trim(&self, keep: usize) {
        let mut surplus = Vec::new();
        let mut free = self.free.lock();
        for (class, size) in CLASSES.iter().enumerate() {
            let kept = (keep / size).min(free.chunks[class].len());
            surplus.extend(free.chunks[class].drain(kept..));
            free.chunks[class].shrink_to(kept);
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

    /// Lets go of the free lists for good (batches in them refer back to this memory).
    pub fn close(&self) {
        self.budget.close();
        let mut free = self.free.lock();
        let mut kept = std::mem::take(&mut *free);
        free.closed = true;
        drop(free);
        kept.chunks.iter_mut().for_each(Vec::clear);
        kept.batches.clear();
    }

    /// A batch that was dropped before its fate was decided (a panic unwound through its owner). The driver completes
    /// these, so that a record accepted is a record completed whatever happens.
    pub(super) fn orphan(&self, report: Report) {
        self.orphans.lock().push(report);
    }

    /// The application's data that belongs to its records. It is left before a record is accepted, and taken before a
    /// function of the application's is called for one. Records leave it only where a tool checks for races.
    pub fn accepted(&self) -> &HandOver {
        &self.accepted
    }

    /// Where loans end.
    pub fn loans(&self) -> &Arc<EndedLoans> {
        &self.loans
    }

    /// Gives values back whose loans have ended. Thread: sender, between steps of the core. Locks: none.
    pub fn give_back_loans(&self) {
        self.give_back(self.loans.take());
    }

    /// The same at the end of the sender. A loan that ends later is given back where it ends.
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
