//! Responses to Produce requests, and their effect on the batches: decide, retry, split or fail.

use std::collections::HashMap;

use super::errors;
use super::identity::recreated;
use super::index::{BrokerIndex, PartitionIndex};
use super::request::{Carried, Produced, RequestKind};
use super::{Place, Sender};
use crate::batch::{Batch, Outcome};
use crate::error::{Error, ErrorCode, ErrorKind, ProduceVerdict as Verdict, Result};
use crate::planted::{Fault, planted};
use crate::protocol::Reader;
use crate::protocol::produce::{self, CurrentLeader, PartitionResponse, TopicRef};
use crate::record::Fate;
use crate::text::partition_name;

impl Sender {
    /// Reads the response to a Produce request. Batches that it leaves out are sent again.
    pub(super) fn produce_received(
        &mut self,
        broker: BrokerIndex,
        version: i16,
        mut produced: Produced,
        reader: &mut Reader<'_>,
    ) -> Result<()> {
        let mut hints: Vec<(PartitionIndex, CurrentLeader)> = Vec::new();
        let mut next = 0;
        let tail = produce::read_response(reader, version, &mut |answer| {
            let Some(at) = self.find_carried(&produced, next, &answer) else { return };
            next = at + 1;
            let carried = &mut produced[at];
            let index = carried.partition;
            if let (true, Some(leader)) = (answer.error_code != ErrorCode::NONE, answer.current_leader) {
                hints.push((index, leader));
            }
            let mut batch = carried.batch.take();
            if let Some(batch) = &mut batch {
                batch.sealed.suspicion = None;
            }
            // A batch that expired in flight is decided already, but its place in the request ends here.
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
        for (index, leader) in hints {
            self.apply_leader_hint(index, leader);
        }
        self.throttle(broker, tail.throttle_time_ms);
        Ok(())
    }

    /// Brokers respond in the order of the request, so the search usually ends at once.
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

    /// Decides a batch by the response for its partition, or prepares its next attempt.
    fn answered(
        &mut self,
        index: PartitionIndex,
        broker: BrokerIndex,
        batch: Box<Batch>,
        answer: &PartitionResponse<'_>,
    ) {
        match errors::verdict(answer.error_code, batch.sealed.base_sequence.is_some()) {
            Verdict::Written => self.batch_written(index, batch, answer, true),
            Verdict::WrittenBefore => self.batch_written(index, batch, answer, false),
            verdict => self.batch_refused(index, broker, batch, answer, verdict),
        }
        self.reconsider(index);
    }

    /// Decides a batch that is in the log. `known`: the response says where.
    fn batch_written(&mut self, index: PartitionIndex, batch: Box<Batch>, answer: &PartitionResponse<'_>, known: bool) {
        let now = self.now;
        let partition = self.partition(index);
        partition.pause.succeeded();
        partition.sequence.accepted(batch.sealed.base_sequence, now);
        let outcome = Outcome {
            fate: Fate::Written,
            base_offset: if known { answer.base_offset } else { -1 },
            log_append_time: if known { append_time(&batch, answer.log_append_time_ms) } else { -1 },
            error: None,
            latency: batch.age(now),
        };
        self.decide(batch, outcome);
    }

    /// Handles an error for a batch.
    fn batch_refused(
        &mut self,
        index: PartitionIndex,
        broker: BrokerIndex,
        mut batch: Box<Batch>,
        answer: &PartitionResponse<'_>,
        verdict: Verdict,
    ) {
        batch.sealed.outcome_unknown |= matches!(verdict, Verdict::Fail { in_doubt: true });
        let error = self.produce_error(index, broker, answer);
        self.count_refused(broker, error.kind());
        // Parts of a split have other sequence numbers, so the broker could not recognise them as repetitions of the
        // whole.
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
            Verdict::SequenceLost => self.sequence_lost(index, batch, answer.error_code, error),
            Verdict::Split if batch.count() > 1 && !may_be_there => self.split(index, batch, &error),
            Verdict::Fail { .. } if answer.record_errors.len() > 0 && !may_be_there => {
                self.fail_named(index, batch, answer, &error);
            }
            _ => self.give_up(index, batch, error),
        }
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
        // Without transactions no such error is fatal: the partition's sequence recovers with its next responses.
        if self.transaction.is_none() && kind.is_fatal() { error.passing() } else { error }
    }

    /// The responses will not come: the connection was lost, or the request was never sent (`touched` is false).
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
                    // Whatever ended the connection, the batch can be sent again on another one.
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

    /// With acks=0 the request was written, and nothing more will be known.
    pub(super) fn produced_without_answer(&mut self, mut produced: Produced) {
        for Carried { partition: index, batch, .. } in produced.drain(..) {
            self.partition(index).in_flight -= 1;
            if let Some(batch) = batch {
                self.partition(index).pause.succeeded();
                let latency = batch.age(self.now);
                let outcome =
                    Outcome { fate: Fate::Unknown, base_offset: -1, log_append_time: -1, error: None, latency };
                self.decide(batch, outcome);
            }
            self.reconsider(index);
        }
        self.spare_lists.push(produced);
    }

    /// Fails the batches of a request, each with the error of its partition, without another attempt.
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

    /// Applies a leader hint (KIP-951). The new leader is tried without a backoff.
    fn apply_leader_hint(&mut self, index: PartitionIndex, hint: CurrentLeader) {
        let Some(leader) = self.brokers.by_id(hint.leader_id) else { return };
        if hint.leader_epoch > self.partition(index).leader_epoch {
            self.set_leader(index, Some(leader), hint.leader_epoch);
            let partition = self.partition(index);
            partition.pause.leader_named();
            if partition.place == Place::BackingOff {
                partition.place = Place::Idle;
            }
            self.reconsider(index);
        }
    }
}

/// The time at which the broker appended the batch; -1 if records keep their own timestamps.
///
/// To a batch that it has already, a broker responds with the stored batch's latest timestamp as if that were the
/// append time, even if the topic keeps the producer's timestamps. Then every record of the batch would be reported
/// with the timestamp of the last one.
fn append_time(batch: &Batch, log_append_time: i64) -> i64 {
    let of_a_duplicate = batch.sealed.attempts > 1 && log_append_time == batch.max_timestamp;
    if of_a_duplicate && !planted(Fault::DuplicateTimeBelieved) { -1 } else { log_append_time }
}
