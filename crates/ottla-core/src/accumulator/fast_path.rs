//! The fast path to a slot. Most records have neither a key nor a partition. They have a function of their own, in
//! which the compiler knows that there is no key. They go to the sticky partition, which is set only if the partitioner
//! sends null keys there.

use super::{Accumulator, Partitioner, Slot, Topic};
use crate::batch::PlainRecord;

impl Accumulator {
    /// Accepts a record that goes into the middle of a batch, if its partition is chosen already or follows from its
    /// key. `None`: nothing has changed, and [`Accumulator::accept`] must be called. Never waits and never wakes the
    /// sender.
    #[inline(always)]
    pub fn accept_fast(&self, topic: &Topic, record: &PlainRecord<'_>) -> Option<()> {
        if record.is_free() {
            return topic.sticky()?.append_fast(record, true);
        }
        self.accept_fast_keyed(topic, *record)
    }

    #[inline(never)]
    fn accept_fast_keyed(&self, topic: &Topic, record: PlainRecord<'_>) -> Option<()> {
        let (slot, sticky) = topic.slot_of(&record)?;
        slot.append_fast(&record, sticky)
    }

    /// `accept_fast` for callers on which it should not be inlined.
    #[inline(never)]
    pub(super) fn accept_fast_outlined(&self, topic: &Topic, record: &PlainRecord<'_>) -> Option<()> {
        self.accept_fast(topic, record)
    }

    /// Accepts records in order, as long as they go to the sticky partition. Returns how many were accepted.
    #[inline(always)]
    pub fn accept_fast_run<'r>(&self, topic: &Topic, mut records: impl Iterator<Item = PlainRecord<'r>>) -> usize {
        let Some(first) = records.next() else { return 0 };
        if !first.is_free() {
            return usize::from(self.accept_fast_keyed(topic, first).is_some());
        }
        let Some(slot) = topic.sticky() else { return 0 };
        slot.append_fast_run(&first, records.take_while(PlainRecord::is_free))
    }
}

impl Topic {
    /// The slot that the record names or its key leads to, and whether it is the sticky one.
    #[inline(always)]
    fn slot_of(&self, record: &PlainRecord<'_>) -> Option<(&Slot, bool)> {
        let partitions = self.partitions()?;
        let index = if record.partition == -1 {
            let Partitioner::Hashed { hash, keyless, .. } = &self.settings.partitioner else { return None };
            match keyless.key_of(record.key()) {
                Some(key) => hash.partition(key, partitions.len() as u32) as usize,
                None => return Some((self.sticky()?, true)),
            }
        } else {
            usize::try_from(record.partition).ok()?
        };
        Some((partitions.get(index)?, false))
    }
}
