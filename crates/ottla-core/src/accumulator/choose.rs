//! Chooses the partition of a record.

use super::{Accumulator, Append, NotAccepted, Slot, Topic};
use crate::partition::custom::{self, Choice, CustomPartitioner, Partitions};
use crate::partition::hash::Hash;
use crate::partition::rng::SplitMix64;
use crate::partition::{round_robin, sticky};
use crate::record::Record;
use crate::serialize::Objects;
use crate::sync::{Arc, Clock, Ordering};

/// How the partition is chosen for a record that names none.
#[derive(Clone)]
pub enum Partitioner {
    /// Keys are hashed. Records without a key fill one partition after the other (KIP-794).
    Hashed {
        hash: Hash,
        keyless: Keyless,
        /// Prefers partitions with less backlog.
        adaptive: bool,
    },
    /// One partition after the other, with or without a key.
    RoundRobin,
    /// A random available partition for each record, with or without a key.
    Random,
    /// The application's partitioner.
    Custom(Arc<dyn CustomPartitioner>),
}

impl Partitioner {
    /// Whether both choose alike. Custom partitioners must be the same object.
    pub fn is_same(&self, other: &Partitioner) -> bool {
        match (self, other) {
            (
                Partitioner::Hashed { hash, keyless, adaptive },
                Partitioner::Hashed { hash: its_hash, keyless: its_keyless, adaptive: its_adaptive },
            ) => (hash, keyless, adaptive) == (its_hash, its_keyless, its_adaptive),
            (Partitioner::RoundRobin, Partitioner::RoundRobin) | (Partitioner::Random, Partitioner::Random) => true,
            (Partitioner::Custom(custom), Partitioner::Custom(its_custom)) => Arc::ptr_eq(custom, its_custom),
            _ => false,
        }
    }
}

impl Default for Partitioner {
    /// Kafka's default.
    fn default() -> Self {
        Partitioner::Hashed { hash: Hash::Murmur2, keyless: Keyless::Null, adaptive: true }
    }
}

/// Which records count as records without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyless {
    /// Records whose key is null.
    Null,
    /// Records whose key is null or empty.
    NullOrEmpty,
    /// None: a null key is hashed like an empty one.
    Never,
    /// All: keys are ignored.
    Always,
}

impl Keyless {
    #[inline]
    pub(super) fn key_of(self, key: Option<&[u8]>) -> Option<&[u8]> {
        match self {
            Keyless::Null => key,
            Keyless::NullOrEmpty => key.filter(|key| !key.is_empty()),
            Keyless::Never => Some(key.unwrap_or_default()),
            Keyless::Always => None,
        }
    }
}

impl Accumulator {
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
        let index = match partitioner {
            Partitioner::Hashed { hash, keyless, adaptive } => match keyless.key_of(append.record.key) {
                Some(key) => hash.partition(key, count as u32),
                None => {
                    append.sticky = true;
                    let sticky = topic.sticky().map(|slot| slot.partition.cast_unsigned());
                    match sticky.filter(|&sticky| (sticky as usize) < count) {
                        Some(sticky) => sticky,
                        None => self.choose_sticky(*adaptive, topic, partitions, None),
                    }
                }
            },
            other => self.partition_by(other, topic, partitions, append.record)?,
        };
        Ok(index as usize)
    }

    /// `partition_of` for partitioners that choose for each record. Out of line, to keep the common case small.
    #[inline(never)]
    fn partition_by(
        &self,
        partitioner: &Partitioner,
        topic: &Topic,
        partitions: &[Arc<Slot>],
        record: &Record<'_>,
    ) -> Result<u32, NotAccepted> {
        match partitioner {
            Partitioner::RoundRobin => Ok(next_in_turn(topic, partitions)),
            Partitioner::Custom(custom) => ask_custom(&**custom, topic, partitions, record, Objects::default()),
            Partitioner::Random | Partitioner::Hashed { .. } => Ok(self.draw(topic, partitions, false, None)),
        }
    }

    /// Whether a record of objects must wait for the topic's partitions before it can be accepted.
    pub fn needs_partitions(&self, topic: &Topic) -> bool {
        let needs = matches!(&topic.settings.partitioner, Partitioner::Custom(custom) if custom.needs_objects());
        needs && topic.partitions().is_none()
    }

    /// The partition that the application's partitioner chooses for a record whose objects it may see. `None` without
    /// such a partitioner, or if the topic's partitions are not known.
    pub fn choose_for_objects(
        &self,
        topic: &Topic,
        record: &Record<'_>,
        objects: Objects,
    ) -> Result<Option<i32>, NotAccepted> {
        let (Partitioner::Custom(custom), Some(partitions)) = (&topic.settings.partitioner, topic.partitions()) else {
            return Ok(None);
        };
        let chosen = ask_custom(&**custom, topic, partitions, record, objects)?;
        Ok(Some(chosen.cast_signed()))
    }

    /// The record's partition, if it is certain before the record is accepted.
    pub fn foreseen_partition(&self, topic: &Topic, record: &Record<'_>) -> Option<i32> {
        let of_key = || match &topic.settings.partitioner {
            Partitioner::Hashed { hash, keyless, .. } => {
                let count = topic.partitions()?.len();
                Some(hash.partition(keyless.key_of(record.key)?, count as u32).cast_signed())
            }
            _ => None,
        };
        record.partition.or_else(of_key)
    }

    /// Chooses another sticky partition after enough went to the `previous` one. If several threads do this at once,
    /// the last one wins, which is as good a choice as any.
    #[cold]
    pub(super) fn leave_sticky(
        &self,
        partitioner: &Partitioner,
        topic: &Topic,
        partitions: &[Arc<Slot>],
        previous: usize,
    ) {
        if let Partitioner::Hashed { adaptive, .. } = partitioner {
            self.choose_sticky(*adaptive, topic, partitions, Some(previous as u32));
        }
    }

    #[cold]
    fn choose_sticky(&self, adaptive: bool, topic: &Topic, partitions: &[Arc<Slot>], previous: Option<u32>) -> u32 {
        let next = self.draw(topic, partitions, adaptive, previous);
        topic.stick_to(next);
        next
    }

    /// A random partition. All available partitions are equally likely, unless `adaptive` prefers those with less
    /// backlog.
    fn draw(&self, topic: &Topic, partitions: &[Arc<Slot>], adaptive: bool, previous: Option<u32>) -> u32 {
        let turn = topic.turn.fetch_add(1, Ordering::Relaxed);
        let random = SplitMix64::new(self.seed.wrapping_add(turn)).draw();
        sticky::next(
            random,
            partitions.len() as u32,
            |i| partitions[i as usize].is_available(),
            |i| partitions[i as usize].load(),
            previous,
            adaptive,
        )
    }
}

fn ask_custom(
    partitioner: &dyn CustomPartitioner,
    topic: &Topic,
    partitions: &[Arc<Slot>],
    record: &Record<'_>,
    objects: Objects,
) -> Result<u32, NotAccepted> {
    let choice = Choice { topic: &topic.name, key: record.key, value: record.value, objects, partitions: &partitions };
    custom::ask(partitioner, &choice).map_err(NotAccepted::NotChosen)
}

impl Partitions for &[Arc<Slot>] {
    fn count(&self) -> u32 {
        self.len() as u32
    }

    fn leader(&self, partition: u32) -> Option<i32> {
        self.get(partition as usize)?.leader()
    }

    fn is_available(&self, partition: u32) -> bool {
        self.get(partition as usize).is_some_and(|slot| slot.is_available())
    }

    fn queued_bytes(&self, partition: u32) -> usize {
        self.get(partition as usize).map_or(0, |slot| slot.waiting().1)
    }
}

fn next_in_turn(topic: &Topic, partitions: &[Arc<Slot>]) -> u32 {
    let count = partitions.len() as u64;
    let cursor = (topic.turn.load(Ordering::Relaxed) % count) as u32;
    let next = round_robin::next(cursor, count as u32, |i| partitions[i as usize].is_available());
    topic.turn.store(u64::from(next) + 1, Ordering::Relaxed);
    next
}
