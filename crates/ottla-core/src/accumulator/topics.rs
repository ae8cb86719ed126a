//! Topics: unknown at first, then known for good, with a number of partitions that may change.

use std::collections::HashMap;

use super::slot::TOPIC_QUEUE;
use super::sticky::Sticky;
use super::{Slot, TopicSettings};
use crate::sync::{Arc, AtomicU32, AtomicU64, Latest, Mutex, Ordering};

/// A topic as application threads see it.
pub struct Topic {
    pub name: Arc<str>,
    /// Holds records while the partitions are not known.
    pub queue: Arc<Slot>,
    pub settings: Arc<TopicSettings>,
    partitions: Latest<Vec<Arc<Slot>>>,
    /// The slots of all partitions that the topic ever had, in order. Kept because the sender's sequence numbers belong
    /// to them.
    slots: Mutex<Vec<Arc<Slot>>>,
    pub(super) sticky: Sticky,
    /// Counts choices. The random partitioners and round robin draw from it.
    pub(super) turn: AtomicU64,
    batch_limit: Arc<AtomicU32>,
}

/// All topics of a producer, by name.
pub struct Topics {
    by_name: Mutex<HashMap<Arc<str>, Arc<Topic>>>,
    /// By index. Includes slots of an assignment that is not finished.
    slots: Mutex<Vec<Arc<Slot>>>,
    batch_limit: u32,
    defaults: Arc<TopicSettings>,
}

impl Topic {
    /// The topic's partitions, in order; `None` while they are not known.
    #[inline]
    pub fn partitions(&self) -> Option<&[Arc<Slot>]> {
        self.partitions.get().map(Vec::as_slice)
    }

    /// Shows application threads a new list of partitions. Lists of equal length are equal.
    pub(super) fn publish(&self, partitions: Vec<Arc<Slot>>) {
        self.partitions.set(partitions, |one, other| one.len() == other.len());
    }

    /// Notes that the broker refused a batch of this size.
    pub fn lower_batch_limit(&self, to: usize) {
        self.batch_limit.fetch_min(u32::try_from(to).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.partitions().into_iter().flatten().for_each(|slot| slot.stop_fast_path());
    }
}

impl Topics {
    pub fn new(batch_limit: usize, defaults: TopicSettings) -> Self {
        Topics {
            by_name: Mutex::default(),
            slots: Mutex::default(),
            batch_limit: u32::try_from(batch_limit).unwrap_or(u32::MAX),
            defaults: Arc::new(defaults),
        }
    }

    /// Settings of topics without overrides.
    pub fn defaults(&self) -> &TopicSettings {
        &self.defaults
    }

    /// The topic of this name. Created with the default settings at its first use.
    pub fn get(&self, name: &str) -> Arc<Topic> {
        self.get_or_make(name, &self.defaults)
    }

    /// The topic of this name. Created with `settings` at its first use; later, its settings stay as they are.
    pub fn get_with(&self, name: &str, settings: TopicSettings) -> Arc<Topic> {
        self.get_or_make(name, &Arc::new(settings))
    }

    /// The topic of this name, if it was used before.
    pub fn find(&self, name: &str) -> Option<Arc<Topic>> {
        self.by_name.lock().get(name).cloned()
    }

    fn get_or_make(&self, name: &str, settings: &Arc<TopicSettings>) -> Arc<Topic> {
        let mut by_name = self.by_name.lock();
        if let Some(topic) = by_name.get(name) {
            return topic.clone();
        }
        let name: Arc<str> = name.into();
        let batch_limit = Arc::new(AtomicU32::new(self.batch_limit));
        let topic = Arc::new(Topic {
            name: name.clone(),
            queue: self.slot(&name, TOPIC_QUEUE, settings, &batch_limit),
            settings: settings.clone(),
            partitions: Latest::new(),
            slots: Mutex::default(),
            sticky: Sticky::default(),
            turn: AtomicU64::new(0),
            batch_limit,
        });
        by_name.insert(name, topic.clone());
        topic
    }

    /// All topics, in no particular order.
    pub fn all(&self) -> Vec<Arc<Topic>> {
        self.by_name.lock().values().cloned().collect()
    }

    /// The topic's first `count` partitions. Creates those that it never had.
    pub(super) fn partitions(&self, topic: &Topic, count: usize) -> Vec<Arc<Slot>> {
        let mut slots = topic.slots.lock();
        for partition in slots.len()..count {
            slots.push(self.slot(&topic.name, partition as i32, &topic.settings, &topic.batch_limit));
        }
        slots[..count].to_vec()
    }

    fn slot(
        &self,
        name: &Arc<str>,
        partition: i32,
        settings: &Arc<TopicSettings>,
        batch_limit: &Arc<AtomicU32>,
    ) -> Arc<Slot> {
        let mut slots = self.slots.lock();
        let index = u32::try_from(slots.len()).expect("fewer slots than 2^32");
        let slot = Slot::new(name.clone(), partition, index, settings.clone(), batch_limit.clone());
        slots.push(slot.clone());
        slot
    }

    /// All slots of all topics, in the order of their creation.
    pub fn slots(&self) -> Vec<Arc<Slot>> {
        self.slots.lock().clone()
    }
}
