//! The partition that a record goes to.

use super::{Append, Front, NotAccepted, Slot, Topic};
use crate::partition::rng::SplitMix64;
use crate::partition::{murmur2, round_robin, sticky};
use crate::sync::{Arc, Clock, Ordering};

/// How partitions are chosen for records that name none.
#[derive(Clone, Copy, Debug)]
pub struct Partitioner {
    pub round_robin: bool,
    pub ignore_keys: bool,
    pub adaptive: bool,
}

impl Front {
    /// The partition that a record goes to (KIP-794; `BuiltInPartitioner` in Kafka).
    #[inline]
    pub(super) fn partition_of<C: Clock>(
        &self,
        partitioner: &Partitioner,
        topic: &Topic,
        partitions: &[Arc<Slot>],
        append: &mut Append<'_, C>,
    ) -> Result<usize, NotAccepted> {
        let count = partitions.len();
        if let Some(partition) = append.record.partition {
            let index = usize::try_from(partition).ok().filter(|&index| index < count);
            return index.ok_or(NotAccepted::UnknownPartition { count });
        }
        if partitioner.round_robin {
            let cursor = (topic.turn.load(Ordering::Relaxed) % count as u64) as u32;
            let next = round_robin::next(cursor, count as u32, |i| partitions[i as usize].is_available());
            topic.turn.store(u64::from(next) + 1, Ordering::Relaxed);
            return Ok(next as usize);
        }
        match append.record.key {
            Some(key) if !partitioner.ignore_keys => Ok(murmur2::partition_for_key(key, count as u32) as usize),
            _ => {
                append.sticky = true;
                let present = topic.sticky.load(Ordering::Relaxed);
                let index = if (present as usize) < count {
                    present
                } else {
                    self.choose_sticky(partitioner, topic, partitions, None)
                };
                Ok(index as usize)
            }
        }
    }

    /// Chooses the next sticky partition. When several threads do so at once the last one wins, which is as good as
    /// any other.
    #[cold]
    pub(super) fn choose_sticky(
        &self,
        partitioner: &Partitioner,
        topic: &Topic,
        partitions: &[Arc<Slot>],
        previous: Option<u32>,
    ) -> u32 {
        let turn = topic.turn.fetch_add(1, Ordering::Relaxed);
        let random = SplitMix64::new(self.seed.wrapping_add(turn)).draw();
        let next = sticky::next(
            random,
            partitions.len() as u32,
            |i| partitions[i as usize].is_available(),
            |i| partitions[i as usize].load(),
            previous,
            partitioner.adaptive,
        );
        topic.sticky.store(next, Ordering::Relaxed);
        next
    }
}
