//! `delivery.timeout.ms`: every batch is decided by then, wherever it is. One timer a partition, armed for its oldest.

use super::{Core, Timer};
use crate::batch::{Batch, Outcome};
use crate::error::{Error, ErrorKind};
use crate::sync::Time;

impl Core {
    /// Sees to it that a partition whose oldest batch is of `oldest` is looked at in time.
    pub(super) fn arm_expiry(&mut self, index: u32, oldest: Time) {
        let timeout = self.timeout_of(index);
        self.timers.arm(Timer::Expiry(index), oldest.after(timeout));
    }

    fn timeout_of(&mut self, index: u32) -> std::time::Duration {
        let queue = self.partition(index).is_topic_queue();
        if queue { self.settings.topic_timeout } else { self.settings.delivery_timeout }
    }

    pub(super) fn expiry_due(&mut self, index: u32) {
        let timeout = self.timeout_of(index);
        let Some(limit) = self.drained.0.checked_sub(timeout.as_nanos() as u64).map(|limit| Time(limit + 1)) else {
            return;
        };
        if self.partition(index).is_topic_queue() {
            self.expire_topic_queue(index, limit);
        } else {
            self.expire_in_flight(index, limit);
            self.expire_queued(index, limit);
            self.reconsider(index);
        }
        if let Some(oldest) = self.oldest_of(index) {
            self.arm_expiry(index, oldest);
        }
    }

    /// When the oldest undecided batch of a partition was created.
    fn oldest_of(&mut self, index: u32) -> Option<Time> {
        let partition = self.partition(index);
        let waiting = partition.queue.front().map(|batch| batch.created);
        let open = partition.slot.glance().oldest;
        let queued = waiting.into_iter().chain(open).min();
        if partition.in_flight == 0 {
            return queued;
        }
        let in_flight = self.carried_batches(index).filter_map(|batch| Some(batch.as_ref()?.created)).min();
        queued.into_iter().chain(in_flight).min()
    }

    /// Batches on their way. Mostly their records are completed as unknown.
    fn expire_in_flight(&mut self, index: u32, limit: Time) {
        for batch in self.take_in_flight(index, |batch| batch.created < limit) {
            let message = "an answer is still awaited, or the connection does not take the request";
            let cause = self.partition(index).last_error.clone().unwrap_or_else(|| Error::new(ErrorKind::Io, message));
            self.expire(index, batch, Some(&cause));
        }
    }

    fn expire_queued(&mut self, index: u32, limit: Time) {
        while self.partition(index).queue.front().is_some_and(|batch| batch.created < limit) {
            let batch = self.partition(index).queue.pop_front().expect("looked at above");
            let cause = self.why_unsent(index);
            self.expire(index, batch, cause.as_ref());
        }
        if !self.partition(index).queue.is_empty() {
            return;
        }
        while let Some(batch) = self.partition(index).slot.take_if_created_before(limit) {
            self.stage(index, batch);
            let batch = self.partition(index).queue.pop_back().expect("staged above");
            let cause = self.why_unsent(index);
            self.expire(index, batch, cause.as_ref());
        }
    }

    /// What kept a partition's batches from being sent, as far as is known.
    fn why_unsent(&mut self, index: u32) -> Option<Error> {
        let partition = self.partition(index);
        if partition.last_error.is_none() && partition.leader.is_none() && self.metadata.last_error.is_none() {
            let message = "no broker leads the partition: those that hold it are down, or their disks failed";
            return Some(Error::new(ErrorKind::Broker(LEADER_NOT_AVAILABLE), message));
        }
        let of_partition = self.partition(index).last_error.clone();
        of_partition.or_else(|| self.metadata.last_error.clone()).or_else(|| self.producer_id.last_error.clone())
    }

    fn expire(&mut self, index: u32, batch: Box<Batch>, cause: Option<&Error>) {
        self.statistics.producer.batches_expired.add(1);
        let error = self.delivery_timed_out(&batch, cause);
        self.give_up(index, batch, error);
    }

    /// A topic whose partitions did not become known in time.
    fn expire_topic_queue(&mut self, index: u32, limit: Time) {
        let now = self.now;
        let mut error = None;
        while let Some(batch) = self.partition(index).slot.take_if_created_before(limit) {
            let error = error.get_or_insert_with(|| self.topic_timed_out(index)).clone();
            self.statistics.producer.batches_expired.add(1);
            let outcome = Outcome::failed(&batch, error, now);
            self.report(batch, outcome);
        }
        self.queue_emptied(index);
    }

    /// Why a topic's partitions are not known: what a broker answered about it, if one did, with its code.
    fn topic_timed_out(&mut self, index: u32) -> Error {
        let at = self.partition(index).topic as usize;
        let topic = &self.topics[at];
        let (kind, cause) = match (&topic.error, &self.metadata.last_error) {
            (Some(answer), _) => (answer.kind(), answer.message().to_string()),
            (None, Some(error)) => (ErrorKind::MetadataTimedOut, error.to_string()),
            (None, None) => (ErrorKind::MetadataTimedOut, "no broker answered".to_string()),
        };
        Error::new(
            kind,
            format!(
                "the partitions of topic {} did not become known within {} ms (delivery.timeout.ms, or max.block.ms \
                 if that is shorter): {cause}",
                topic.topic.name,
                self.settings.topic_timeout.as_millis()
            ),
        )
    }
}

const LEADER_NOT_AVAILABLE: i16 = 5;
