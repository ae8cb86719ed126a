//! Answers to Produce requests, and what becomes of their batches.

use std::collections::HashMap;

use super::errors;
use super::identity::recreated;
use super::index::{BrokerIndex, PartitionIndex};
use super::request::{Carried, Produced, RequestKind};
use super::sequence::{Refusal, Repair};
use super::waiting::last_error;
use super::{Core, Level, Place};
use crate::allocate;
use crate::batch::{Batch, Outcome};
use crate::compress::Codec;
use crate::config::Facility;
use crate::error::{Error, ErrorCode, ErrorKind, ProduceVerdict as Verdict, Result};
use crate::partition::rng::SplitMix64;
use crate::planted::{Fault, planted};
use crate::protocol::Reader;
use crate::protocol::produce::{self, PartitionResponse, TopicRef};
use crate::record::Fate;
use crate::sync::Time;
use crate::text::{counted, partition_name};

/// A leader that a broker named in an answer (KIP-951): partition, leader, epoch.
type Hint = (PartitionIndex, i32, i32);

impl Core {
    /// Reads the answer to a Produce request. What it does not decide is sent again.
    pub(super) fn produce_received(
        &mut self,
        broker: BrokerIndex,
        version: i16,
        mut produced: Produced,
        reader: &mut Reader<'_>,
    ) -> Result<()> {
        let mut hints: Vec<Hint> = Vec::new();
        let mut next = 0;
        let tail = produce::read_response(reader, version, &mut |answer| {
            let Some(at) = self.find_carried(&produced, next, &answer) else { return };
            next = at + 1;
            let carried = &mut produced[at];
            let index = carried.partition;
            if let (true, Some(leader)) = (answer.error_code != ErrorCode::NONE, answer.current_leader) {
                hints.push((index, leader.leader_id, leader.leader_epoch));
            }
            let mut batch = carried.batch.take();
            if let Some(batch) = &mut batch {
                batch.sealed.suspicion = None;
            }
            // A batch that expired on the way is decided already; its place in flight ends here all the same.
            carried.answered = true;
            self.partition(index).in_flight -= 1;
            match batch {
                Some(batch) => self.answered(index, broker, batch, &answer),
                None => self.reconsider(index),
            }
        });
        produced.retain(|carried| !carried.answered);
        let unanswered = match &tail {
            Ok(_) => Error::new(ErrorKind::BadResponse, "the answer to a Produce request left this partition out"),
            Err(error) => error.clone(),
        };
        let unanswered = self.of_broker(broker, &unanswered);
        self.produce_lost(produced, &unanswered, true);
        let tail = tail?;
        for endpoint in &tail.node_endpoints {
            self.learn_broker(endpoint.node_id, endpoint.host, endpoint.port);
        }
        for (index, leader, epoch) in hints {
            self.hint_leader(index, leader, epoch);
        }
        self.throttle(broker, tail.throttle_time_ms);
        Ok(())
    }

    /// Brokers answer in the order of the request, so the search ends at once.
    fn find_carried(&self, produced: &Produced, next: usize, answer: &PartitionResponse<'_>) -> Option<usize> {
        let matches = |carried: &Carried| {
            let partition = &self.partitions[carried.partition];
            let topic = &self.topics[partition.topic];
            let same_topic = match answer.topic {
                TopicRef::Name(name) => *topic.topic.name == *name,
                TopicRef::Id(id) => carried.topic_id == id,
            };
            !carried.answered && partition.slot.partition == answer.index && same_topic
        };
        let after = produced.get(next..).unwrap_or_default().iter().position(matches).map(|at| at + next);
        after.or_else(|| produced.iter().position(matches))
    }

    /// Decides a batch by its partition's answer, or sees to its next attempt.
    fn answered(
        &mut self,
        index: PartitionIndex,
        broker: BrokerIndex,
        mut batch: Box<Batch>,
        answer: &PartitionResponse<'_>,
    ) {
        let code = answer.error_code;
        let verdict = errors::verdict(code, batch.sealed.base_sequence.is_some());
        if let Verdict::Written | Verdict::WrittenBefore = verdict {
            let known = verdict == Verdict::Written;
            let now = self.now;
            let partition = self.partition(index);
            partition.failures = 0;
            partition.last_error = None;
            partition.sequence.accepted(batch.sealed.base_sequence, now);
            let outcome = Outcome {
                fate: Fate::Written,
                base_offset: if known { answer.base_offset } else { -1 },
                log_append_time: if known { append_time(&batch, answer.log_append_time_ms) } else { -1 },
                error: None,
                latency: batch.age(self.now),
            };
            self.decide(batch, outcome);
            return self.reconsider(index);
        }
        batch.sealed.outcome_unknown |= matches!(verdict, Verdict::Fail { in_doubt: true });
        let error = self.produce_error(index, broker, answer);
        self.count_refused(broker, error.kind());
        // Parts have sequence numbers of their own: the broker could not tell that it has the whole from before.
        let may_be_there = batch.sealed.outcome_unknown && batch.sealed.base_sequence.is_some();
        match verdict {
            Verdict::Retry { refresh, in_doubt } => {
                batch.sealed.outcome_unknown |= in_doubt;
                if refresh {
                    self.request_metadata_soon();
                }
                self.retry(index, batch, error);
            }
            _ if batch.sealed.incarnation != self.partition(index).incarnation => {
                let error = recreated(&batch.topic);
                self.give_up(index, batch, error);
            }
            Verdict::SequenceLost => self.sequence_lost(index, batch, code, error),
            Verdict::Split if batch.count() > 1 && !may_be_there => self.split(index, batch, &error),
            Verdict::Fail { .. } if answer.record_errors.len() > 0 && !may_be_there => {
                self.fail_named(index, batch, answer, &error);
            }
            _ => self.give_up(index, batch, error),
        }
        self.reconsider(index);
    }

    fn produce_error(&self, index: PartitionIndex, broker: BrokerIndex, answer: &PartitionResponse<'_>) -> Error {
        let kind = ErrorKind::from_broker(answer.error_code).unwrap_or(ErrorKind::Internal);
        let name = self.brokers[broker].name();
        let slot = &self.partitions[index].slot;
        let said = answer.error_message.map_or_else(String::new, |message| format!(": {message}"));
        let advice = match answer.error_code {
            ErrorCode::MESSAGE_TOO_LARGE => {
                "; the topic's max.message.bytes (the broker's message.max.bytes) bounds a batch, also of one record"
            }
            ErrorCode::KAFKA_STORAGE_ERROR => {
                "; a log directory of the broker failed: is its disk full? The broker's own log says more"
            }
            _ => "",
        };
        let partition = partition_name(&slot.topic, slot.partition);
        let error = Error::new(kind, format!("{name} answered {kind} for {partition}{said}{advice}"));
        // Without transactions a partition is made whole by what its broker answers next: nothing is fatal.
        if self.transaction.is_none() && kind.is_fatal() { error.passing() } else { error }
    }

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
            // Or a leader that is none were never disproved.
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

    fn back_off_partition(&mut self, index: PartitionIndex, error: Error) {
        let failures = self.partition(index).failures + 1;
        let wait = self.settings.retry_backoff.after(failures, &mut SplitMix64::new(self.jitter));
        let until = self.now.after(self.suspect_pause(index, wait));
        let partition = self.partition(index);
        partition.failures = failures;
        partition.backoff_until = until;
        partition.last_error = Some(error);
        if matches!(partition.place, Place::Ready | Place::Lingering | Place::Gated) {
            partition.place = Place::Idle;
        }
    }

    /// Puts a batch where it belongs in its partition's queue: in the order the batches were taken.
    pub(super) fn requeue(&mut self, index: PartitionIndex, batch: Box<Batch>) {
        self.partition(index).own_deadlines |= batch.own_timeout.is_some();
        let queue = &mut self.partition(index).queue;
        let key = order_of(&batch);
        let behind = queue.iter().position(|queued| order_of(queued) > key && !planted(Fault::RetryQueuedLast));
        queue.insert(behind.unwrap_or(queue.len()), batch);
        self.partitions.activate(index);
    }

    /// The broker misses what comes before this batch. If nothing is to come that fills the gap, the sequence begins again;
    /// in a transaction, after its abort.
    fn sequence_lost(&mut self, index: PartitionIndex, batch: Box<Batch>, code: i16, error: Error) {
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
            Repair::BeginAgain { waited } => self.break_off(index, batch, &error, proves_gap, waited),
        }
    }

    /// Nothing behind a gap is in the log: the sequence begins again once nothing is in flight.
    fn break_off(
        &mut self,
        index: PartitionIndex,
        mut batch: Box<Batch>,
        error: &Error,
        proves_gap: bool,
        waited: bool,
    ) {
        self.log(Level::Info, || error.to_string());
        if proves_gap {
            // Not what is in flight behind it: if the topic is created again by now, the new log takes that.
            let queued = self.partition(index).queue.iter_mut();
            queued.chain([&mut batch]).for_each(|batch| batch.sealed.outcome_unknown = false);
        } else {
            self.fail_unproven(index, error);
        }
        self.partition(index).sequence.break_off();
        // The first such answer that is believed is the gap itself being found: no backoff. Another is worth one.
        if batch.sealed.attempts > 2 && !waited {
            self.back_off_partition(index, error.clone());
        }
        self.requeue(index, batch);
    }

    /// Fails queued batches that may be in the log under the epoch that is being left.
    fn fail_unproven(&mut self, index: PartitionIndex, error: &Error) {
        let queue = std::mem::take(&mut self.partition(index).queue);
        let (unproven, rest): (Vec<_>, Vec<_>) = queue.into_iter().partition(|batch| batch.sealed.outcome_unknown);
        self.partition(index).queue.extend(rest);
        for batch in unproven {
            self.fail(batch, error.clone());
        }
    }

    /// MESSAGE_TOO_LARGE: sends the batch again as smaller ones, and remembers not to build such large ones.
    fn split(&mut self, index: PartitionIndex, mut batch: Box<Batch>, error: &Error) {
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
                    self.compress(index, &mut part);
                    self.requeue(index, part);
                }
            }
            Err((batch, defect)) => self.give_up(index, batch, defect),
        }
    }

    /// Batches as large as this one are not built any more.
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
            self.partition(index).sequence.break_off();
        }
        self.fail(batch, error);
    }

    /// The sequence numbers of a batch that fails, and is neither in flight nor queued, go back if they can.
    pub(super) fn return_numbers(&mut self, index: PartitionIndex, batch: &Batch) {
        let partition = self.partition(index);
        if let Some(base) = batch.sealed.base_sequence.filter(|_| !partition.has_numbered()) {
            partition.sequence.give_back(base, batch.count(), batch.sealed.outcome_unknown);
        }
    }

    /// Answers that will not come: the connection was lost, or the request was never sent (`touched` is false).
    pub(super) fn produce_lost(&mut self, mut produced: Produced, error: &Error, touched: bool) {
        for Carried { partition: index, batch, .. } in produced.drain(..) {
            self.partition(index).in_flight -= 1;
            if touched {
                self.partition(index).sequence.connection_lost();
            }
            if let Some(mut batch) = batch {
                let forgotten = planted(Fault::LostAnswerForgotten) && !touched;
                batch.sealed.outcome_unknown = (batch.sealed.outcome_unknown && !forgotten) || touched;
                let error = match error.is_retriable() {
                    true => error.clone(),
                    // Whatever ended the connection, the batch can be sent again on another.
                    false => error.with_kind(ErrorKind::Broker(ErrorCode::NETWORK_EXCEPTION)),
                };
                self.statistics.count_refused(error.kind());
                match batch.sealed.suspicion {
                    Some(suspicion) => self.suspect_lost(index, batch, suspicion, error),
                    None => self.retry(index, batch, error),
                }
            }
            if !planted(Fault::LostWakeUp) {
                self.reconsider(index);
            }
        }
        self.spare_lists.push(produced);
    }

    /// acks=0: the socket has it, and that is all that will ever be known.
    pub(super) fn produced_without_answer(&mut self, mut produced: Produced) {
        for Carried { partition: index, batch, .. } in produced.drain(..) {
            self.partition(index).in_flight -= 1;
            if let Some(batch) = batch {
                self.partition(index).failures = 0;
                self.partition(index).last_error = None;
                let latency = batch.age(self.now);
                let outcome =
                    Outcome { fate: Fate::Unknown, base_offset: -1, log_append_time: -1, error: None, latency };
                self.decide(batch, outcome);
            }
            self.reconsider(index);
        }
        self.spare_lists.push(produced);
    }

    /// Completes what a request carries with its partition's error, without another attempt.
    pub(super) fn abandon(&mut self, kind: RequestKind, errors: &HashMap<PartitionIndex, Error>, touched: bool) {
        let (RequestKind::Produce(produced) | RequestKind::ProduceUnanswered(produced)) = kind else { return };
        for Carried { partition: index, batch, .. } in produced {
            self.partition(index).in_flight -= 1;
            if let Some(mut batch) = batch {
                batch.sealed.outcome_unknown |= touched;
                self.fail(batch, errors[&index].clone());
            }
        }
    }

    pub(super) fn delivery_timed_out(&self, batch: &Batch, cause: &str) -> Error {
        let attempts = match batch.sealed.attempts {
            0 => "it was not sent".to_string(),
            1 => "it was sent once".to_string(),
            n => format!("it was sent {n} times"),
        };
        let allowed = batch.deadline.since(batch.created).as_millis();
        let (were, their) = if batch.count() == 1 { ("was", "its") } else { ("were", "their") };
        let whose = match batch.own_timeout {
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

    /// KIP-951: the broker says who leads the partition now. No backoff is needed to try there.
    fn hint_leader(&mut self, index: PartitionIndex, leader: i32, epoch: i32) {
        let Some(broker) = self.brokers.by_id(leader) else { return };
        if epoch > self.partition(index).leader_epoch {
            self.set_leader(index, Some(broker), epoch);
            self.partition(index).backoff_until = Time::ZERO;
            if self.partition(index).place == Place::BackingOff {
                self.partition(index).place = Place::Idle;
            }
            self.reconsider(index);
        }
    }
}

/// The time at which the broker appended the batch; -1 if its records keep their own.
///
/// To a batch that it has already, a broker answers with the stored batch's latest timestamp, as if that were the time
/// of the append, also where topics keep the producer's timestamps. Taken at its word, every record of the batch would
/// be reported with the timestamp of its last.
fn append_time(batch: &Batch, log_append_time: i64) -> i64 {
    let of_a_duplicate = batch.sealed.attempts > 1 && log_append_time == batch.max_timestamp;
    if of_a_duplicate && !planted(Fault::DuplicateTimeBelieved) { -1 } else { log_append_time }
}

/// The order in which batches of a partition were taken; parts of a split lie between their neighbours.
pub(super) fn order_of(batch: &Batch) -> (u64, u32) {
    (batch.sealed.serial, batch.sealed.first_record)
}
