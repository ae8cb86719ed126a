//! Detects whether a topic is still the same. It may have been deleted and created again with any number of partitions,
//! and some brokers may not know that yet.

use std::time::Duration;

use super::index::{PartitionIndex, TopicIndex};
use super::{Level, Output, Sender};
use crate::config::Facility;
use crate::error::{Error, ErrorCode, ErrorKind};
use crate::planted::{Fault, planted};
use crate::protocol::TopicId;
use crate::protocol::messages::MetadataResponseTopic;
use crate::text::counted;

/// How long a broker may take to learn from the controller that a topic was deleted, created or extended.
const PROPAGATION: Duration = Duration::from_millis(500);

impl Sender {
    /// Whether a response is ignored because its broker may be outdated: it has the topic's former id, or fewer
    /// partitions and no id that would show that it is another topic. It is accepted after all if no broker contradicts
    /// it for as long as one may be outdated.
    pub(super) fn is_doubtful(&mut self, index: TopicIndex, answer: &MetadataResponseTopic<'_>) -> bool {
        let now = self.now;
        let topic = &mut self.topics[index];
        let doubtful = match (topic.id, TopicId::of_field(answer.topic_id)) {
            (Some(_), Some(id)) => topic.former_id == Some(id),
            _ => answer.partitions.len() < topic.partitions.len(),
        };
        if !doubtful {
            topic.doubted_since = None;
            return false;
        }
        let since = *topic.doubted_since.get_or_insert(now);
        if now < since.after(PROPAGATION) {
            return true;
        }
        topic.doubted_since = None;
        false
    }

    /// Whether brokers describe the topic only in ways that may be outdated.
    pub(super) fn is_doubted(&self, topic: &str) -> bool {
        let index = self.topic_by_name.get(topic);
        index.is_some_and(|&index| self.topics[index].doubted_since.is_some())
    }

    /// Applies the topic's id. A topic that was deleted and created again has another id.
    pub(super) fn take_topic_id(&mut self, index: TopicIndex, id: Option<TopicId>) {
        // A broker that reports no id does not know ids.
        let Some(id) = id else { return };
        let topic = &mut self.topics[index];
        let former = topic.id.replace(id);
        if former.is_none() || former == Some(id) {
            return;
        }
        topic.former_id = former;
        let name = topic.topic.name.clone();
        self.log(Level::Warning, || format!("topic {name} was deleted and created again: it has another id"));
        let error = recreated(&name);
        for partition in self.topics[index].partitions.clone() {
            self.partition_recreated(partition, &error);
        }
    }

    /// From now on, the partition has another log. Records for the old log are not written to the new one.
    fn partition_recreated(&mut self, index: PartitionIndex, error: &Error) {
        let transactional = self.transaction.is_some();
        self.renew_transaction();
        self.fail_queued(index, error);
        let partition = self.partition(index);
        partition.leader_epoch = None;
        partition.incarnation += 1;
        // The new log does not know this producer. But if an outdated broker had described the old topic, this may be
        // the former log. A higher epoch is right in both cases.
        if partition.slot.settings.idempotence && !transactional {
            partition.sequence.mark_broken();
        }
        self.reconsider(index);
    }

    /// A topic becomes known, or has another number of partitions. `same`: it certainly is the same topic.
    pub(super) fn take_partition_count(&mut self, index: TopicIndex, count: usize, same: bool) {
        let state = &self.topics[index];
        let topic = state.topic.clone();
        // The same topic cannot lose partitions, so the broker is outdated.
        let same = same || planted(Fault::PartitionsKept);
        let unchanged = count == state.partitions.len() || (count < state.partitions.len() && same);
        // Its queue is being moved to the former partitions. The next response will report the count again.
        let being_assigned = state.known && topic.partitions().is_none();
        if unchanged || being_assigned {
            return;
        }
        self.debug(Facility::Metadata, || format!("topic {} has {}", topic.name, counted(count, "partition")));
        let slots = self.accumulator.partitions_for(&topic, count);
        let indices: Vec<PartitionIndex> = slots.iter().map(|slot| self.add_partition(slot.clone(), index)).collect();
        let state = &mut self.topics[index];
        let before = std::mem::replace(&mut state.partitions, indices);
        if std::mem::replace(&mut state.known, true) {
            self.accumulator.resize(&topic, slots);
        } else {
            self.output(Output::Assign(topic, slots));
        }
        if count < before.len() {
            self.partitions_gone(index, &before);
        }
    }

    /// A topic has fewer partitions, so it was deleted and created again. The others are no longer visible to
    /// application threads.
    fn partitions_gone(&mut self, index: TopicIndex, before: &[PartitionIndex]) {
        let topic = &self.topics[index];
        let (name, left) = (topic.topic.name.clone(), topic.partitions.clone());
        self.log(Level::Warning, || {
            let count = counted(left.len(), "partition");
            format!("topic {name} was deleted and created again: it has {count} instead of {}", before.len())
        });
        for &partition in &before[left.len()..] {
            self.partition_recreated(partition, &recreated(&name));
            self.set_leader(partition, None, None);
        }
        // Leader epochs of the new topic count from 0 again.
        for partition in left {
            self.partition(partition).leader_epoch = None;
        }
    }
}

/// The error of records that were accepted for the old topic, and are not sent to the new one of the same name.
pub fn recreated(topic: &str) -> Error {
    let message = format!("topic {topic} was deleted and created again; the record was meant for the old one");
    Error::new(ErrorKind::Broker(ErrorCode::UNKNOWN_TOPIC_ID), message)
}
