//! The fast path into a slot: appends plain records to the middle of the open batch, where nothing has to be decided.

use super::{Accumulator, Announced, Slot, State};
use crate::batch::{Batch, PlainRecord};
use crate::sync::{MutexGuard, Ordering};

/// Limits of the fast path. It appends to the open batch while the batch stays below this many encoded bytes.
#[derive(Default)]
pub(super) struct Limits {
    /// For any plain record.
    any: usize,
    /// For a record that the sticky partitioner sent here.
    sticky: usize,
    /// `sticky` limits the bytes of the batch from any source, so bytes that did not come from the sticky partitioner
    /// do not raise it.
    fixed: bool,
    /// The batch's bytes that `State::sticky_bytes` includes. Bytes appended since are added when the sum is needed.
    counted: usize,
}

impl Slot {
    /// Appends a record. `None`: nothing has changed, and [`Slot::append`] must be called. Does not wait for the lock.
    #[inline(always)]
    pub(in super::super) fn append_fast(&self, record: &PlainRecord<'_>, sticky: bool) -> Option<()> {
        let mut state = self.state.try_lock()?;
        match state.append_fast(record, sticky) {
            Some(()) => Some(()),
            None => leave(state),
        }
    }

    /// Appends `first` and the `others`, which all go to the sticky partition. Returns how many were appended.
    #[inline(always)]
    pub(in super::super) fn append_fast_run<'r>(
        &self,
        first: &PlainRecord<'r>,
        others: impl Iterator<Item = PlainRecord<'r>>,
    ) -> usize {
        self.state.try_lock().map_or(0, |mut state| state.append_fast_run(first, others))
    }

    /// Sets the limits of the fast path after an append. It ends where the sender has to be woken, or at the batch
    /// limit if the sender knows that this slot is ready. For sticky records it also ends where the partitioner has to
    /// choose again.
    #[inline]
    pub(super) fn allow_fast_path(&self, accumulator: &Accumulator, state: &mut State) {
        let open = state.open.as_ref().filter(|open| open.custom_timeout.is_none() && state.enrolled);
        let Some(open) = open else { return state.limits = Limits::default() };
        let bytes = open.bytes();
        let limit = (self.batch_limit.load(Ordering::Relaxed) as usize).min(Batch::FAST_PATH_LIMIT - 1) + 1;
        let any = if state.announced == Announced::Ready { limit } else { limit.min(accumulator.batch_size) };
        // The sticky partitioner leaves after one batch's worth of its own bytes if the batch is full, otherwise after
        // two: see `append`.
        let until = |sticky_bytes: usize| (bytes + sticky_bytes).saturating_sub(state.sticky_bytes);
        let (enough, twice) = (until(accumulator.batch_size), until(2 * accumulator.batch_size));
        let sticky = any.min(twice).min(enough.max(accumulator.batch_size));
        state.limits = Limits { any, sticky, fixed: enough < accumulator.batch_size, counted: bytes };
    }

    /// Makes the next record take the general path.
    pub(in super::super) fn stop_fast_path(&self) {
        self.state.lock().stop_fast_path();
    }
}

/// Kept out of line: the path of a record that was appended then needs no test whether to unlock here.
#[cold]
#[inline(never)]
fn leave(state: MutexGuard<'_, State>) -> Option<()> {
    drop(state);
    None
}

impl State {
    #[inline(always)]
    fn append_fast(&mut self, record: &PlainRecord<'_>, sticky: bool) -> Option<()> {
        let State { open, limits, .. } = self;
        let open = open.as_mut()?;
        let len = open.append_fast(record, if sticky { limits.sticky } else { limits.any })?;
        if !sticky {
            open.expect_another(len);
            // These bytes did not come from the sticky partitioner.
            limits.counted += len;
            if !limits.fixed {
                limits.sticky = limits.any.min(limits.sticky + len);
            }
        }
        Some(())
    }

    /// Not inlined, so that the loop has all registers to itself.
    #[inline(never)]
    fn append_fast_run<'r>(&mut self, first: &PlainRecord<'r>, others: impl Iterator<Item = PlainRecord<'r>>) -> usize {
        let limit = self.limits.sticky;
        self.open.as_mut().map_or(0, |open| open.append_fast_run(first, others, limit))
    }

    pub(super) fn stop_fast_path(&mut self) {
        self.count_sticky();
        self.limits = Limits::default();
    }

    /// Adds what the fast path has appended to `sticky_bytes`.
    #[inline]
    pub(super) fn count_sticky(&mut self) {
        if let Some(open) = &self.open
            && self.limits.any > 0
        {
            self.sticky_bytes += open.bytes() - self.limits.counted;
            self.limits.counted = open.bytes();
        }
    }
}
