//! The partition that a topic's records without a key go to at present.
#![expect(unsafe_code, reason = "each record asks for the slot: the way through the topic's list costs ten times this")]

use super::{Slot, Topic};
use crate::sync::{Arc, AtomicPtr, Ordering};

/// The sticky partitioner's present choice: NULL, or one of the topic's slots.
#[derive(Default)]
pub(super) struct Sticky(AtomicPtr<Slot>);

impl Topic {
    #[inline(always)]
    pub(super) fn sticky(&self) -> Option<&Slot> {
        // SAFETY: `stick_to` stores only slots of this topic's list of partitions. `Latest` keeps all lists that it
        // ever had until it is dropped, and it is dropped with the topic.
        unsafe { self.sticky.0.load(Ordering::Acquire).as_ref() }
    }

    /// Makes this partition the sticky one.
    pub(super) fn stick_to(&self, partition: u32) {
        let slot = self.partitions().and_then(|partitions| partitions.get(partition as usize));
        let slot = slot.map_or(std::ptr::null_mut(), |slot| Arc::as_ptr(slot).cast_mut());
        self.sticky.0.store(slot, Ordering::Release);
    }
}
