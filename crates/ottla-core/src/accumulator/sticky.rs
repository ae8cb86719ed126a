//! The partition to which a topic's records without a key go at present.
#![expect(unsafe_code, reason = "each record asks for the slot: the way through the topic's list costs ten times this")]

use super::{Slot, Topic};
use crate::sync::{Arc, AtomicPtr, Ordering};

/// The sticky partitioner's present choice: NULL, or a slot among those of its topic.
#[derive(Default)]
pub(super) struct Sticky(AtomicPtr<Slot>);

impl Topic {
    #[inline(always)]
    pub(super) fn sticky(&self) -> Option<&Slot> {
        // SAFETY: `stick_to` stores nothing but slots of this topic's list of partitions. `Latest` drops no list that it ever
        // had before it is dropped itself, with the topic.
        unsafe { self.sticky.0.load(Ordering::Acquire).as_ref() }
    }

    /// Chooses one of the topic's partitions.
    pub(super) fn stick_to(&self, partition: u32) {
        let slot = self.partitions().and_then(|partitions| partitions.get(partition as usize));
        let slot = slot.map_or(std::ptr::null_mut(), |slot| Arc::as_ptr(slot).cast_mut());
        self.sticky.0.store(slot, Ordering::Release);
    }
}
