//! When, and in how many parts, a batch is sent again, or that it fails. Its sequence number stays: see `drain.rs`.

use super::identity::recreated;
use super::index::PartitionIndex;
use super::sequence::{Refusal, Repair};
use super::waiting::last_error;
use super::{Level, Place, Sender};
use crate::allocate;
use crate::batch::Batch;
use crate::compress::Codec;
use crate::config::Facility;
use crate::error::{Error, ErrorCode, Result};
use crate::partition::rng::SplitMix64;
use crate::planted::{Fault, planted};
use crate::sync::Time;
use crate::text::counted;

impl Sender {
    /// Puts a batch back to be sent again after a backoff, unless its attempts or its time are used up.
    pub(super) fn retry(&mut self, index: PartitionIndex, batch: Box<Batch>, error: Error) {
        let attempts = batch.sealed.attempts;
        if batch.sealed.incarnation != self.partition(index).incarnation {
            let error = recreated(&batch.topic);
            return self.give_up(index, batch, error);
        }
        if let Some(aborted) = self.cancelled_by_abort() {
            return self.give_up(index, batch, aborted);
        }
        if attempts > self.settings.retries {
            // Otherwise a stale leader would never be detected.
            self.partition(index).failures += 1;
            let error = error.note(format_args!("no retry is left (retries={})", self.settings.retries));
            return self.give_up(index, batch, error);
        }
        if batch.deadline <= self.now {
            let late = self.delivery_timed_out(&batch, &last_error(&error));
            return self.give_up(index, batch, late);
        }
        self.debug(Facility::Batch, || format!("{error}; attempt {attempts} of the batch, trying again"));
        self.requeue(index, batch);
        self.touch_topic(index);
        self.back_off_partition(index, error);
    }

    /// Lets the partition pause before its next attempt. Batches that were in flight together fail together: only the first
    /// of them counts, and a new leader that its response named (KIP-951) is still tried without a pause.
    fn back_off_partition(&mut self, index: PartitionIndex, error: Error) {
        let partition = self.partition(index);
        let is_first = std::mem::take(&mut partition.sent_since_failure);
        let leader_was_named = !is_first && partition.backoff_until == Time::ZERO;
        partition.failures += u32::from(is_first);
        let failures = partition.failures;
        let wait = self.settings.retry_backoff.after(failures, &mut SplitMix64::new(self.jitter));
        let until = self.now.after(self.suspect_pause(index, wait));
        let partition = self.partition(index);
        if !leader_was_named {
            partition.backoff_until = until;
        }
        partition.last_error = Some(error);
        if matches!(partition.place, Place::Ready | Place::Lingering | Place::Gated) {
            partition.place = Place::Idle;
        }
    }

    /// Puts a batch into its partition's queue, in the order in which the batches were taken.
    pub(super) fn requeue(&mut self, index: PartitionIndex, batch: Box<Batch>) {
        self.partition(index).custom_deadlines |= batch.custom_timeout.is_some();
        let queue = &mut self.partition(index).queue;
        let key = order_of(&batch);
        let queued_last = planted(Fault::RetryQueuedLast);
        let behind = queue.iter().position(|queued| order_of(queued) > key).filter(|_| !queued_last);
        queue.insert(behind.unwrap_or(queue.len()), batch);
        self.partitions.activate(index);
    }

    /// The broker misses earlier batches of the sequence. If nothing will fill the gap, the sequence begins again. In a
    /// transaction, that happens after the abort.
    pub(super) fn sequence_lost(&mut self, index: PartitionIndex, batch: Box<Batch>, code: i16, error: Error) {
        let transactional = self.transaction.is_some();
        let proves_gap = code != ErrorCode::INVALID_PRODUCER_EPOCH;
        if !proves_gap && (batch.sealed.outcome_unknown || transactional) {
            return self.give_up(index, batch, error);
        }
        if let Some(aborted) = self.cancelled_by_abort() {
            return self.give_up(index, batch, aborted);
        }
        let now = self.now;
        let key = order_of(&batch);
        let partition = self.partition(index);
        let is_earlier = |queued: &Batch| queued.sealed.base_sequence.is_some() && order_of(queued) < key;
        let earlier_to_come = partition.queue.front().is_some_and(|queued| is_earlier(queued));
        let repair = partition.sequence.refused(Refusal { earlier_to_come, transactional, proves_gap }, now);
        let no_retry_left = batch.sealed.attempts > self.settings.retries && !repair.spent_on_late_requests();
        if no_retry_left || batch.deadline <= now {
            return self.give_up(index, batch, error);
        }
        match repair {
            Repair::WaitForEarlier => self.requeue(index, batch),
            Repair::Fail => self.give_up(index, batch, error),
            Repair::WaitForLate(until) => {
                self.back_off_partition(index, error);
                let partition = self.partition(index);
                partition.backoff_until = partition.backoff_until.min(until);
                self.requeue(index, batch);
            }
            Repair::RaiseEpoch { waited } => self.give_up_sequence(index, batch, &error, proves_gap, waited),
        }
    }

    /// Nothing more is sent in this epoch, and it is raised once nothing is in flight. `proves_gap`: neither this batch nor
    /// what is queued is in the log. Without that proof, queued batches that may be in the log fail.
    fn give_up_sequence(
        &mut self,
        index: PartitionIndex,
        mut batch: Box<Batch>,
        error: &Error,
        proves_gap: bool,
        waited: bool,
    ) {
        self.log(Level::Info, || error.to_string());
        if proves_gap {
            // This does not cover batches in flight: if the topic was created again, the new log may take them.
            let queued = self.partition(index).queue.iter_mut();
            queued.chain([&mut batch]).for_each(|batch| batch.sealed.outcome_unknown = false);
        } else {
            self.fail_unproven(index, error);
        }
        self.partition(index).sequence.mark_broken();
        // The first such response has found the gap, so no backoff is needed. A further one causes a backoff.
        if batch.sealed.attempts > 2 && !waited {
            self.back_off_partition(index, error.clone());
        }
        self.requeue(index, batch);
    }

    /// Fails queued batches that may be in the log under the epoch that ends.
    fn fail_unproven(&mut self, index: PartitionIndex, error: &Error) {
        let queue = std::mem::take(&mut self.partition(index).queue);
        let (unproven, rest): (Vec<_>, Vec<_>) = queue.into_iter().partition(|batch| batch.sealed.outcome_unknown);
        self.partition(index).queue.extend(rest);
        for batch in unproven {
            self.fail(batch, error.clone());
        }
    }

    /// MESSAGE_TOO_LARGE: sends the batch again in smaller parts, and lowers the topic's batch limit.
    pub(super) fn split(&mut self, index: PartitionIndex, mut batch: Box<Batch>, error: &Error) {
        let target = (batch.bytes() / 2).max(1);
        let topic = self.partition(index).topic;
        self.lower_batch_limit(index, &batch);
        if let Err(defect) = Self::restore_plain(&mut batch) {
            return self.give_up(index, batch, defect);
        }
        let serial = batch.sealed.serial;
        let (count, bytes) = (batch.count(), batch.bytes());
        match batch.split(target) {
            Ok(parts) => {
                self.statistics.producer.batches_split.add(1);
                self.topics[topic].statistics.cells.batches_split.add(1);
                let records = counted(count, "record");
                self.log(Level::Info, || format!("{error}; {records} of {bytes} bytes sent again in parts"));
                self.outstanding.split(serial, parts.len() as u32);
                for mut part in parts {
                    self.prepare(index, &mut part);
                    self.requeue(index, part);
                }
            }
            Err((batch, defect)) => self.give_up(index, batch, defect),
        }
    }

    /// Makes the topic's future batches smaller than this one.
    pub(super) fn lower_batch_limit(&mut self, index: PartitionIndex, batch: &Batch) {
        let topic = self.partition(index).topic;
        let limit = (batch.bytes() / 2).max(self.settings.smallest_batch_limit());
        self.topics[topic].topic.lower_batch_limit(limit);
    }

    pub(super) fn restore_plain(batch: &mut Batch) -> Result<()> {
        let codec = Codec::of_attributes(batch.sealed.attributes);
        if codec == Codec::None {
            return Ok(());
        }
        let mut compressed = Vec::new();
        batch.payload().slices().try_for_each(|slice| allocate::append(&mut compressed, slice))?;
        let plain = crate::compress::decompress(codec, &compressed, batch.bytes())?;
        batch.set_plain(&plain).map_err(|refused| batch.out_of_memory(refused, "unpack a batch"))
    }

    /// Fails a batch for good.
    pub(super) fn give_up(&mut self, index: PartitionIndex, batch: Box<Batch>, error: Error) {
        self.return_numbers(index, &batch);
        let bump_without_proof = planted(Fault::BumpWithoutProof);
        if bump_without_proof && batch.sealed.base_sequence.is_some() {
            self.partition(index).sequence.mark_broken();
        }
        self.fail(batch, error);
    }

    /// Gives the sequence numbers of a failing batch back, if possible. The batch is neither in flight nor queued.
    pub(super) fn return_numbers(&mut self, index: PartitionIndex, batch: &Batch) {
        let partition = self.partition(index);
        if let Some(base) = batch.sealed.base_sequence.filter(|_| !partition.has_numbered()) {
            partition.sequence.give_back(base, batch.count(), batch.sealed.outcome_unknown);
        }
    }
}

/// The order in which batches of a partition were taken. Parts of a split have the place of the whole.
pub(super) fn order_of(batch: &Batch) -> (u64, u32) {
    (batch.sealed.serial, batch.sealed.first_record)
}
