//! The fast path into a slot: plain records into the middle of the open batch, where nothing has to be decided.

use super::{Accumulator, Announced, Slot, State};
use crate::batch::{Batch, PlainRecord};
use crate::sync::{MutexGuard, Ordering};

/// How far the open batch takes records without anything to be decided: so long as it stays below so many encoded bytes.
#[derive(Default)]
pub(super) struct Limits {
    /// For any plain record.
    any: usize,
    /// For one that the sticky partitioner has sent here.
    sticky: usize,
    /// `sticky` is for the batch's bytes, whoever sent them: others than the sticky partitioner's do not move it.
    fixed: bool,
    /// Those that `State::sticky_bytes` covers; what was appended since is counted when it is asked for.
    counted: usize,
}

impl Slot {
    /// Appends a record. `None`: nothing has changed, and [`Slot::append`] decides. Never waits, not even for the lock.
    #[inline(always)]
    pub(in super::super) fn append_fast(&self, record: &PlainRecord<'_>, sticky: bool) -> Option<()> {
        let mut state = self.state.try_lock()?;
        match state.append_fast(record, sticky) {
            Some(()) => Some(()),
            None => leave(state),
        }
    }

    /// The same for `first` and others that go as it does, which the sticky partitioner sends here; answers how many were
    /// appended.
    #[inline(always)]
    pub(in super::super) fn append_fast_run<'r>(
        &self,
        first: &PlainRecord<'r>,
        others: impl Iterator<Item = PlainRecord<'r>>,
    ) -> usize {
        self.state.try_lock().map_or(0, |mut state| state.append_fast_run(first, others))
    }

    /// Says, after an append, how far the open batch takes plain records: to where the sender has to be told, or to the
    /// limit if it has been, and to where the sticky partitioner has to choose.
    #[inline]
    pub(super) fn allow_fast_path(&self, accumulator: &Accumulator, state: &mut State) {
        let usual = state.open.as_ref().filter(|open| open.custom_timeout.is_none() && state.enrolled);
        let Some(open) = usual else { return state.usual = Limits::default() };
        let bytes = open.bytes();
        let limit = (self.batch_limit.load(Ordering::Relaxed) as usize).min(Batch::FAST_PATH_LIMIT - 1) + 1;
        let any = if state.announced == Announced::Ready { limit } else { limit.min(accumulator.batch_size) };
        // It leaves with enough of its own bytes and a full batch, or with twice enough: see `append`.
        let until = |sticky_bytes: usize| (bytes + sticky_bytes).saturating_sub(state.sticky_bytes);
        let (enough, twice) = (until(accumulator.batch_size), until(2 * accumulator.batch_size));
        let sticky = any.min(twice).min(enough.max(accumulator.batch_size));
        state.usual = Limits { any, sticky, fixed: enough < accumulator.batch_size, counted: bytes };
    }

    /// Has the next record look at everything again.
    pub(in super::super) fn stop_fast_path(&self) {
        self.state.lock().stop_fast_path();
    }
}

/// Out of the way of a record that was appended, which then need not be asked whether it was.
#[cold]
#[inline(never)]
fn leave(state: MutexGuard<'_, State>) -> Option<()> {
    drop(state);
    None
}

impl State {
    #[inline(always)]
    fn append_fast(&mut self, record: &PlainRecord<'_>, sticky: bool) -> Option<()> {
        let State { open, usual, .. } = self;
        let open = open.as_mut()?;
        let len = open.append_fast(record, if sticky { usual.sticky } else { usual.any })?;
        if !sticky {
            open.expect_another(len);
            // These bytes are not the sticky partitioner's.
            usual.counted += len;
            if !usual.fixed {
                usual.sticky = usual.any.min(usual.sticky + len);
            }
        }
        Some(())
    }

    /// Not inlined: it has the registers for itself.
    #[inline(never)]
    fn append_fast_run<'r>(&mut self, first: &PlainRecord<'r>, others: impl Iterator<Item = PlainRecord<'r>>) -> usize {
        let limit = self.usual.sticky;
        self.open.as_mut().map_or(0, |open| open.append_fast_run(first, others, limit))
    }

    pub(super) fn stop_fast_path(&mut self) {
        self.count_sticky();
        self.usual = Limits::default();
    }

    /// Brings `sticky_bytes` up to date.
    #[inline]
    pub(super) fn count_sticky(&mut self) {
        if let Some(open) = &self.open
            && self.usual.any > 0
        {
            self.sticky_bytes += open.bytes() - self.usual.counted;
            self.usual.counted = open.bytes();
        }
    }
}
