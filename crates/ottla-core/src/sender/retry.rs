//! Sends batches again after failed attempts, whole or in parts, or fails them. `attempt.rs` decides which. The sequence
//! number of a batch stays: see `drain.rs`.

use super::attempt::{FailedAttempt, Next, Reason};
use super::identity::recreated;
use super::index::PartitionIndex;
use super::pause::PauseLength;
use super::sequence::Refusal;
use super::transaction::aborted;
use super::waiting::last_error;
use super::{Level, Place, Sender};
use crate::allocate;
use crate::batch::Batch;
use crate::compress::Codec;
use crate::config::Facility;
use crate::error::{Error, ErrorCode, Result};
use crate::planted::{Fault, planted};
use crate::text::counted;

impl Sender {
    /// Sends a batch again after a backoff, unless its attempts or its time are used up.
    pub(super) fn retry(&mut self, index: PartitionIndex, batch: Box<Batch>, error: Error) {
        let next = self.failed_attempt(index, &batch).next();
        self.carry_out(next, index, batch, error);
    }

    /// The broker misses earlier batches of the sequence.
    pub(super) fn sequence_lost(&mut self, index: PartitionIndex, batch: Box<Batch>, code: i16, error: Error) {
        let attempt = self.failed_attempt(index, &batch);
        let transactional = self.transaction.is_some();
        let proves_gap = code != ErrorCode::INVALID_PRODUCER_EPOCH;
        let key = order_of(&batch);
        let partition = self.partition(index);
        let is_earlier = |queued: &Batch| queued.sealed.base_sequence.is_some() && order_of(queued) < key;
        let earlier_to_come = partition.queue.front().is_some_and(|queued| is_earlier(queued));
        let refusal = Refusal { earlier_to_come, transactional, proves_gap };
        let next = attempt.next_after_gap(refusal, &mut partition.sequence);
        self.carry_out(next, index, batch, error);
    }

    fn failed_attempt(&self, index: PartitionIndex, batch: &Batch) -> FailedAttempt {
        FailedAttempt {
            attempts: batch.sealed.attempts,
            retries: self.settings.retries,
            deadline: batch.deadline,
            now: self.now,
            recreated: batch.sealed.incarnation != self.partitions[index].incarnation,
            aborted: self.is_aborting(),
            in_doubt: batch.sealed.outcome_unknown,
        }
    }

    /// Carries out what was decided for a batch after the error of its last attempt.
    fn carry_out(&mut self, next: Next, index: PartitionIndex, mut batch: Box<Batch>, error: Error) {
        match next {
            Next::Retry => {
                let attempts = batch.sealed.attempts;
                self.debug(Facility::Batch, || format!("{error}; attempt {attempts} of the batch, trying again"));
                self.requeue(index, batch);
                self.touch_topic(index);
                self.back_off_partition(index, error);
            }
            Next::RetryBehindEarlier => self.requeue(index, batch),
            Next::RetryBy(until) => {
                self.back_off_partition(index, error);
                self.partition(index).pause.end_by(until);
                self.requeue(index, batch);
            }
            Next::BeginSequenceAgain { proven, pause } => {
                self.give_up_sequence(index, &mut batch, &error, proven);
                if pause {
                    self.back_off_partition(index, error);
                }
                self.requeue(index, batch);
            }
            Next::Fail(reason) => {
                let error = self.error_of(reason, &batch, error);
                if reason == Reason::RetriesUsedUp {
                    // Otherwise a stale leader would never be detected.
                    self.partition(index).pause.failed_without_pause();
                }
                self.give_up(index, batch, error);
            }
        }
    }

    /// The error of a batch that is not sent again after `error`.
    fn error_of(&self, reason: Reason, batch: &Batch, error: Error) -> Error {
        match reason {
            Reason::Recreated => recreated(&batch.topic),
            Reason::Aborted => aborted(),
            Reason::RetriesUsedUp => error.note(format_args!("no retry is left (retries={})", self.settings.retries)),
            Reason::DeadlinePassed => self.delivery_timed_out(batch, &last_error(&error)),
            Reason::Refused => error,
        }
    }

    /// Lets the partition pause before its next attempt.
    fn back_off_partition(&mut self, index: PartitionIndex, error: Error) {
        let bounds = self.pause_bounds(index);
        let length = PauseLength { backoff: self.settings.retry_backoff, jitter: self.jitter, bounds };
        let now = self.now;
        let partition = self.partition(index);
        partition.pause.failed(error, now, &length);
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

    /// Nothing more is sent in this epoch, and it is raised once nothing is in flight. `proven`: neither this batch nor
    /// what is queued is in the log. Without that proof, queued batches that may be in the log fail.
    fn give_up_sequence(&mut self, index: PartitionIndex, batch: &mut Batch, error: &Error, proven: bool) {
        self.log(Level::Info, || error.to_string());
        if proven {
            // This does not cover batches in flight: if the topic was created again, the new log may take them.
            batch.sealed.outcome_unknown = false;
            for queued in &mut self.partition(index).queue {
                queued.sealed.outcome_unknown = false;
            }
        } else {
            self.fail_unproven(index, error);
        }
        self.partition(index).sequence.mark_broken();
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
