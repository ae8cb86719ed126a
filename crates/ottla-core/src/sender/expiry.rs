//! Deadlines. Every batch is decided by its deadline, wherever it is. There is one timer per partition, armed for the
//! earliest.

use std::time::Duration;

use super::backoff::SHORTEST_PAUSE;
use super::index::PartitionIndex;
use super::metadata::TopicState;
use super::{Sender, Timer};
use crate::accumulator::SlotStatus;
use crate::batch::{Batch, Outcome};
use crate::error::{Error, ErrorKind};
use crate::sync::Time;
use crate::text::{counted, partition_name};

impl Sender {
    /// Makes sure that the partition is looked at when something in its slot is due, or when its open batch should take
    /// no more records. While batches wait, another one may be opened at any time without an announcement.
    pub(super) fn arm_expiry(&mut self, index: PartitionIndex, status: &SlotStatus) {
        if status.oldest.is_some() {
            let growth = self.growth_of(index);
            let grown = match status.open {
                Some(open) => open.after(growth),
                None => self.now.after(growth.max(SHORTEST_PAUSE)),
            };
            self.timers.arm(Timer::Expiry(index), status.deadline.min(grown));
        }
    }

    /// How long an open batch takes records. All records of a batch share a deadline, so the last one loses that much
    /// of its time. While a broker cannot be reached, that is an eighth.
    fn growth_of(&mut self, index: PartitionIndex) -> Duration {
        let partition = self.partition(index);
        let settings = &partition.slot.settings;
        let timeout = if partition.is_topic_queue() { settings.topic_timeout } else { settings.delivery_timeout };
        settings.linger.max(timeout / 8)
    }

    pub(super) fn expiry_due(&mut self, index: PartitionIndex) {
        let due = self.drained;
        if self.partition(index).is_topic_queue() {
            self.expire_topic_queue(index, due);
        } else {
            self.expire_in_flight(index, due);
            self.expire_queued(index, due);
            self.expire_in_slot(index, due);
            self.reconsider(index);
        }
        let growth = self.growth_of(index);
        self.partition(index).slot.close_old(growth, due);
        let status = self.partition(index).slot.status();
        self.arm_expiry(index, &status);
        if let Some(first) = self.first_deadline(index) {
            self.timers.arm(Timer::Expiry(index), first);
        }
    }

    /// The first deadline of batches that were taken from the slot and are not decided.
    fn first_deadline(&mut self, index: PartitionIndex) -> Option<Time> {
        let partition = self.partition(index);
        let queue = partition.queue.iter().map(|batch| batch.deadline);
        let queued = if partition.custom_deadlines { queue.min() } else { queue.take(1).min() };
        if partition.in_flight == 0 {
            return queued;
        }
        let in_flight = self.carried_batches(index).filter_map(|batch| Some(batch.as_ref()?.deadline)).min();
        queued.into_iter().chain(in_flight).min()
    }

    /// Expires batches in flight. Most of their records complete as unknown.
    fn expire_in_flight(&mut self, index: PartitionIndex, due: Time) {
        if self.partition(index).in_flight == 0 || !self.carried_batches(index).flatten().any(|b| b.deadline <= due) {
            return;
        }
        // Asked first, because taking a batch may recall its request.
        let waiting = self.partition_waits_for(index);
        for batch in self.take_in_flight(index, |batch| batch.deadline <= due) {
            let error = self.delivery_timed_out(&batch, &self.why_late(waiting.clone(), &batch));
            self.expire(index, batch, error);
        }
    }

    fn expire_queued(&mut self, index: PartitionIndex, due: Time) {
        let partition = self.partition(index);
        let expired = Batch::take_expired(&mut partition.queue, partition.custom_deadlines, due);
        partition.custom_deadlines &= !partition.queue.is_empty();
        for batch in expired {
            let error = self.unsent_timed_out(index, &batch);
            self.expire(index, batch, error);
        }
    }

    /// Batches in the slot have no sequence number, and no flush waits for them.
    fn expire_in_slot(&mut self, index: PartitionIndex, due: Time) {
        let now = self.now;
        for batch in self.partition(index).slot.take_expired(due) {
            self.statistics.producer.batches_expired.add(1);
            let error = self.unsent_timed_out(index, &batch);
            let outcome = Outcome::failed(&batch, error, now);
            self.report(batch, outcome);
        }
    }

    /// The error for a batch whose time passed before it was sent. If its topic is gone, that is the error.
    fn unsent_timed_out(&self, index: PartitionIndex, batch: &Batch) -> Error {
        let error = self.delivery_timed_out(batch, &self.why_late(self.unsent_waits_for(index, batch), batch));
        match self.topic_of_leaderless(index).filter(|topic| topic.is_missing()).and_then(TopicState::error) {
            Some(missing) => missing.with_message(error.message()),
            None => error,
        }
    }

    /// The topic of a partition without a known leader, whose error may be the reason.
    fn topic_of_leaderless(&self, index: PartitionIndex) -> Option<&TopicState> {
        let partition = Some(&self.partitions[index]).filter(|partition| partition.leader.is_none())?;
        self.topics.get(partition.topic)
    }

    /// The error for a batch whose time has passed.
    pub(super) fn delivery_timed_out(&self, batch: &Batch, cause: &str) -> Error {
        let attempts = match batch.sealed.attempts {
            0 => "it was not sent".to_string(),
            1 => "it was sent once".to_string(),
            n => format!("it was sent {n} times"),
        };
        let allowed = batch.deadline.since(batch.created).as_millis();
        let (were, their) = if batch.count() == 1 { ("was", "its") } else { ("were", "their") };
        let whose = match batch.custom_timeout {
            None => format!("delivery.timeout.ms={allowed}"),
            Some(_) => format!("{their} own timeout of {allowed} ms"),
        };
        Error::new(
            ErrorKind::DeliveryTimedOut,
            format!(
                "{} for {} {were} not delivered within {whose}: {attempts}; {cause}",
                counted(batch.count(), "record"),
                partition_name(&batch.topic, batch.partition),
            ),
        )
    }

    fn expire(&mut self, index: PartitionIndex, batch: Box<Batch>, error: Error) {
        self.statistics.producer.batches_expired.add(1);
        self.give_up(index, batch, error);
    }

    /// Fails records of a topic whose partitions did not become known in time.
    fn expire_topic_queue(&mut self, index: PartitionIndex, due: Time) {
        let now = self.now;
        for batch in self.partition(index).slot.take_expired(due) {
            self.statistics.producer.batches_expired.add(1);
            let outcome = Outcome::failed(&batch, self.topic_timed_out(index, &batch), now);
            self.report(batch, outcome);
        }
        self.queue_emptied(index);
    }

    /// The error for a topic whose partitions did not become known. Its kind is that of the brokers' error for the topic, if
    /// there is one.
    fn topic_timed_out(&self, index: PartitionIndex, batch: &Batch) -> Error {
        let refused = self.topic_by_name.get(&batch.topic).and_then(|&at| self.topics[at].error());
        let kind = refused.map_or(ErrorKind::MetadataTimedOut, Error::kind);
        let cause = self.why_late(self.partition_waits_for(index), batch);
        let whose = match batch.custom_timeout {
            None => "delivery.timeout.ms, or max.block.ms if that is shorter",
            Some(_) => "the records' own timeout, or max.block.ms if that is shorter",
        };
        Error::new(
            kind,
            format!(
                "the partitions of topic {} did not become known within {} ms ({whose}): {cause}",
                batch.topic,
                batch.deadline.since(batch.created).as_millis()
            ),
        )
    }
}
