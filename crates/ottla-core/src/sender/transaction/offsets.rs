//! Offsets of a consumer group that are committed in a transaction.

use super::super::Sender;
use super::super::index::BrokerIndex;
use super::super::request::{Asked, RequestKind, Role};
use crate::accumulator::{Offset, OffsetCommit};
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic, TxnOffsetCommitResponse,
};
use crate::protocol::{ApiKey, Reader};
use crate::text::partition_name;

/// A call that is in progress.
pub struct Pending {
    commit: OffsetCommit,
    /// The transaction's coordinator knows the group, or need not know it (KIP-890).
    added: bool,
}

impl Pending {
    pub fn new(mut commit: OffsetCommit) -> Self {
        commit.offsets.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Pending { commit, added: false }
    }

    pub fn is_added(&self) -> bool {
        self.added
    }

    fn is_of_a_member(&self) -> bool {
        let group = &self.commit.group;
        group.generation_id.is_some() || !group.member_id.is_empty() || group.group_instance_id.is_some()
    }

    pub fn group_id(&self) -> &str {
        &self.commit.group.group_id
    }
}

/// From this version on, the request names the member of the group (KIP-447).
const NAMES_MEMBERS_SINCE: i16 = 3;
/// The last version without KIP-890.
const LAST_EXPLICIT: i16 = 4;

impl Sender {
    pub(super) fn add_offsets(&mut self) {
        let Some((broker, version)) = self.coordinator_for(Role::Transaction, ApiKey::AddOffsetsToTxn) else { return };
        let Some(transaction) = &mut self.transaction else { return };
        let (Some(pending), Some(producer)) = (&transaction.offsets, transaction.producer) else {
            return;
        };
        transaction.reported = true;
        transaction.asked = true;
        let (id, group) = (transaction.id.clone(), pending.group_id().to_owned());
        let request = AddOffsetsToTxnRequest {
            transactional_id: &id,
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            group_id: &group,
        };
        self.send(broker, version, RequestKind::Transaction(Asked::AddOffsets), |out| request.encode(version, out));
    }

    pub(super) fn offsets_added(&mut self, broker: BrokerIndex, reader: &mut Reader<'_>, version: i16) -> Result<()> {
        let response = AddOffsetsToTxnResponse::decode(reader, version)?;
        self.throttle(broker, response.throttle_time_ms);
        if let Some(error) = self.transaction_error(broker, Asked::AddOffsets, response.error_code) {
            self.take_verdict(&error, Asked::AddOffsets.verdict(response.error_code));
        } else if let Some(transaction) = &mut self.transaction {
            transaction.begun = true;
            if let Some(pending) = &mut transaction.offsets {
                pending.added = true;
            }
        }
        Ok(())
    }

    pub(super) fn commit_offsets(&mut self) {
        let Some((broker, version)) = self.coordinator_for(Role::Group, ApiKey::TxnOffsetCommit) else { return };
        let Some(transaction) = &mut self.transaction else { return };
        let version = if transaction.implicit { version } else { version.min(LAST_EXPLICIT) };
        if version < NAMES_MEMBERS_SINCE && transaction.offsets.as_ref().is_some_and(Pending::is_of_a_member) {
            let message = format!(
                "{} takes TxnOffsetCommit version {version}, which names no member of the group: it could \
                 not refuse a consumer that lost its partitions",
                self.brokers[broker].name()
            );
            return self.transaction_failed(&Error::new(ErrorKind::UnsupportedBroker, message));
        }
        let (Some(pending), Some(producer)) = (&transaction.offsets, transaction.producer) else {
            return;
        };
        let commit = pending.commit.clone();
        let id = transaction.id.clone();
        transaction.reported = true;
        transaction.asked = true;
        let topics = commit.offsets.chunk_by(|a, b| a.topic == b.topic).map(|offsets| TxnOffsetCommitRequestTopic {
            name: &offsets[0].topic,
            partitions: offsets.iter().map(partition_of).collect(),
        });
        let blank = TxnOffsetCommitRequest::default();
        let request = TxnOffsetCommitRequest {
            transactional_id: &id,
            group_id: &commit.group.group_id,
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            generation_id: commit.group.generation_id.unwrap_or(blank.generation_id),
            member_id: &commit.group.member_id,
            group_instance_id: commit.group.group_instance_id.as_deref(),
            topics: topics.collect(),
        };
        self.send(broker, version, RequestKind::Transaction(Asked::CommitOffsets), |out| request.encode(version, out));
    }

    /// Partitions without an error are done, retriable ones are sent again, and any other error is the transaction's.
    pub(super) fn offsets_committed(
        &mut self,
        broker: BrokerIndex,
        reader: &mut Reader<'_>,
        version: i16,
    ) -> Result<()> {
        let response = TxnOffsetCommitResponse::decode(reader, version)?;
        self.throttle(broker, response.throttle_time_ms);
        let mut answers = Vec::new();
        for topic in &response.topics {
            answers.extend(topic.partitions.iter().map(|p| (topic.name.to_owned(), p.partition_index, p.error_code)));
        }
        let Some(pending) = self.transaction.as_mut().and_then(|transaction| transaction.offsets.as_mut()) else {
            return Ok(());
        };
        let answer_of = |offset: &Offset| {
            answers.iter().find(|(topic, index, _)| *topic == offset.topic && *index == offset.partition)
        };
        pending.commit.offsets.retain(|offset| answer_of(offset).is_none_or(|(.., code)| *code != ErrorCode::NONE));
        let Some(left) = pending.commit.offsets.first() else {
            if let Some(transaction) = &mut self.transaction {
                transaction.offsets = None;
                transaction.failures = 0;
                transaction.last_error = None;
            }
            self.answer_call(Ok(()));
            return Ok(());
        };
        let Some((topic, index, code)) = answer_of(left).cloned() else {
            let left_out = partition_name(&left.topic, left.partition);
            let message = format!("the answer to TxnOffsetCommit leaves out {left_out}");
            return Err(Error::new(ErrorKind::BadResponse, message));
        };
        if let Some(error) = self.transaction_error(broker, Asked::CommitOffsets, code) {
            let partition = partition_name(&topic, index);
            let error = error.with_message(format!("{} for the offset of {partition}", error.message()));
            self.take_verdict(&error, Asked::CommitOffsets.verdict(code));
        }
        Ok(())
    }
}

fn partition_of(offset: &Offset) -> TxnOffsetCommitRequestPartition<'_> {
    let blank = TxnOffsetCommitRequestPartition::default();
    TxnOffsetCommitRequestPartition {
        partition_index: offset.partition,
        committed_offset: offset.offset,
        committed_leader_epoch: offset.leader_epoch.unwrap_or(blank.committed_leader_epoch),
        committed_metadata: offset.metadata.as_deref(),
    }
}
