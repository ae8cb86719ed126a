//! One partition as the sender sees it, and where it waits. DESIGN.md has the diagram of its places.

use std::collections::VecDeque;

use super::index::{BrokerIndex, PartitionIndex, TopicIndex};
use super::lanes::Terms;
use super::pause::Pause;
use super::sequence::Sequence;
use super::{Sender, Timer};
use crate::accumulator::Slot;
use crate::batch::Batch;
use crate::config::Facility;
use crate::protocol::LeaderEpoch;
use crate::sync::{Arc, Time};

/// A partition, or the queue of a topic whose partitions are not known.
pub struct Partition {
    pub slot: Arc<Slot>,
    pub topic: TopicIndex,
    /// Counts how often the topic was deleted and created again.
    pub incarnation: u32,
    /// The broker that leads it.
    pub leader: Option<BrokerIndex>,
    /// `None` if brokers report none (before Kafka 2.1), and if the next one counts whatever it is.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Batches that were taken from the slot and are not in flight. Those with a sequence number come first, in its
    /// order, and are sent before anything else.
    pub queue: VecDeque<Box<Batch>>,
    /// Some of them have custom deadlines, which may be earlier than those of batches in front.
    pub custom_deadlines: bool,
    pub in_flight: u32,
    /// The broker to which what is in flight was sent.
    pub in_flight_broker: Option<BrokerIndex>,
    pub place: Place,
    pub pause: Pause,
    pub sequence: Sequence,
    /// The number of the transaction that it belongs to.
    pub joined: u64,
    /// Its position in the list of active partitions, if it is in it.
    pub active_at: Option<usize>,
}

/// Where a partition waits for its turn. It is in one place at a time; lists may hold stale entries, which are
/// skipped when its place says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing to send.
    Idle,
    /// On its broker's lingering list.
    Lingering,
    /// On the ready list of its lane.
    Ready,
    /// Its topic or its leader is not known.
    Leaderless,
    /// Until its backoff timer fires.
    BackingOff,
    /// Until a response for what is in flight arrives, or the partition has been added to its transaction.
    Gated,
}

impl Partition {
    pub fn new(slot: Arc<Slot>, topic: TopicIndex) -> Self {
        Partition {
            slot,
            topic,
            incarnation: 0,
            leader: None,
            leader_epoch: None,
            queue: VecDeque::new(),
            custom_deadlines: false,
            in_flight: 0,
            in_flight_broker: None,
            place: Place::Idle,
            pause: Pause::new(),
            sequence: Sequence::new(),
            joined: 0,
            active_at: None,
        }
    }

    /// The terms of the request that can carry it.
    pub fn terms(&self) -> Terms {
        let suspect = self.queue.front().is_some_and(|batch| batch.sealed.suspicion.is_some());
        Terms { suspect, ..Terms::of(&self.slot.settings) }
    }

    /// Whether a queued batch has sequence numbers. Then those of a batch that fails now are not given back, even if they are
    /// the last ones: a gap is left.
    pub fn has_numbered(&self) -> bool {
        self.queue.iter().any(|queued| queued.sealed.base_sequence.is_some())
    }

    /// Whether it is the queue of a topic whose partitions are not known.
    pub fn is_topic_queue(&self) -> bool {
        self.slot.is_topic_queue()
    }
}

impl Sender {
    /// Takes a slot from the inbox: something in it is new.
    pub(super) fn arrived(&mut self, slot: Arc<Slot>) {
        let index = PartitionIndex::of_slot(slot.index);
        if self.partitions.get(index).is_none() {
            // Partitions are added with their topic, so this is the queue of a new topic.
            let topic = self.track_topic(&slot.topic);
            self.debug(Facility::Queue, || format!("records wait for topic {} to become known", slot.topic));
            self.add_partition(slot, topic);
        }
        let status = self.partition(index).slot.status();
        let Some(oldest) = status.oldest else { return };
        self.partitions.activate(index);
        self.touch_topic(index);
        self.arm_expiry(index, &status);
        let ready = status.ready || self.partition(index).slot.settings.linger.is_zero() || self.skips_linger();
        let partition = self.partition(index);
        match partition.place {
            Place::Idle if partition.is_topic_queue() => partition.place = Place::Leaderless,
            Place::Idle | Place::Lingering if ready => self.make_ready(index),
            Place::Idle => self.linger(index, oldest),
            _ => {}
        }
    }

    /// Whether batches must not linger now, because a call waits for memory or for a flush, or the producer is closing.
    fn skips_linger(&self) -> bool {
        self.closing.is_some() || !self.flushes.is_empty() || self.accumulator.memory.budget().waiting() > 0
    }

    pub(super) fn add_partition(&mut self, slot: Arc<Slot>, topic: TopicIndex) -> PartitionIndex {
        let index = PartitionIndex::of_slot(slot.index);
        self.partitions.add(index, || Partition::new(slot, topic));
        index
    }

    /// Lets the open batch wait for more records until its linger has passed.
    pub(super) fn linger(&mut self, index: PartitionIndex, oldest: Time) {
        let partition = self.partition(index);
        let Some(leader) = partition.leader else { return self.make_ready(index) };
        partition.place = Place::Lingering;
        let (terms, linger) = (partition.terms(), partition.slot.settings.linger);
        self.broker(leader).lanes.push_lingering(terms, linger, index);
        self.timers.arm(Timer::Linger(leader), oldest.after(linger));
    }

    /// The partition has something to send. Puts it where it waits for its turn.
    pub(super) fn make_ready(&mut self, index: PartitionIndex) {
        let now = self.now;
        let partition = self.partition(index);
        if partition.place == Place::Ready {
            return;
        }
        if let Some(until) = partition.pause.end(now) {
            partition.place = Place::BackingOff;
            return self.timers.arm(Timer::Backoff(index), until);
        }
        let Some(leader) = partition.leader else {
            partition.place = Place::Leaderless;
            return self.request_metadata_soon();
        };
        partition.place = Place::Ready;
        let terms = partition.terms();
        self.broker(leader).lanes.push_ready(terms, index);
        self.broker_has_work(leader);
    }

    pub(super) fn backoff_passed(&mut self, index: PartitionIndex) {
        let now = self.now;
        let partition = self.partition(index);
        if partition.place != Place::BackingOff {
            return;
        }
        if let Some(until) = partition.pause.end(now) {
            return self.timers.arm(Timer::Backoff(index), until);
        }
        partition.place = Place::Idle;
        self.make_ready(index);
    }

    /// Looks at a partition again, because a response arrived or its leader changed.
    pub(super) fn reconsider(&mut self, index: PartitionIndex) {
        let partition = self.partition(index);
        let has_some = !partition.queue.is_empty() || partition.slot.status().oldest.is_some();
        match partition.place {
            _ if !has_some => {
                partition.place = Place::Idle;
                self.partitions.deactivate_if_idle(index);
            }
            Place::Gated | Place::Leaderless | Place::Idle => {
                partition.place = Place::Idle;
                self.make_ready(index);
            }
            Place::Lingering | Place::Ready | Place::BackingOff => {}
        }
    }
}
