// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Writer};

const VERSIONS: VersionRange = VersionRange::new(0, 5);
const FLEXIBLE_SINCE: i16 = 3;

/// TxnOffsetCommitRequest, versions 0 to 5, flexible from 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnOffsetCommitRequest<'a> {
    pub transactional_id: &'a str,
    pub group_id: &'a str,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub generation_id: i32,
    pub member_id: &'a str,
    pub group_instance_id: Option<&'a str>,
    pub topics: Vec<TxnOffsetCommitRequestTopic<'a>>,
}

impl Default for TxnOffsetCommitRequest<'_> {
    fn default() -> Self {
        TxnOffsetCommitRequest {
            transactional_id: "",
            group_id: "",
            producer_id: 0,
            producer_epoch: 0,
            generation_id: -1,
            member_id: "",
            group_instance_id: None,
            topics: Vec::new(),
        }
    }
}

impl TxnOffsetCommitRequest<'_> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    /// Appends the request's body. What the version does not have is left out.
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        debug_assert!(VERSIONS.contains(version));
        self.encode_into(version, &mut Writer::new(out));
    }

    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        writer.string(form, self.transactional_id);
        writer.string(form, self.group_id);
        writer.i64(self.producer_id);
        writer.i16(self.producer_epoch);
        if version >= 3 {
            writer.i32(self.generation_id);
        }
        if version >= 3 {
            writer.string(form, self.member_id);
        }
        if version >= 3 {
            writer.nullable_string(form, self.group_instance_id);
        }
        writer.array_len(form, self.topics.len());
        for element in &self.topics {
            element.encode_into(version, writer);
        }
        writer.no_tagged_fields(form);
    }
}

/// Part of [`TxnOffsetCommitRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnOffsetCommitRequestTopic<'a> {
    pub name: &'a str,
    pub partitions: Vec<TxnOffsetCommitRequestPartition<'a>>,
}

impl TxnOffsetCommitRequestTopic<'_> {
    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        writer.string(form, self.name);
        writer.array_len(form, self.partitions.len());
        for element in &self.partitions {
            element.encode_into(version, writer);
        }
        writer.no_tagged_fields(form);
    }
}

/// Part of [`TxnOffsetCommitRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnOffsetCommitRequestPartition<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub committed_metadata: Option<&'a str>,
}

impl Default for TxnOffsetCommitRequestPartition<'_> {
    fn default() -> Self {
        TxnOffsetCommitRequestPartition {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: None,
        }
    }
}

impl TxnOffsetCommitRequestPartition<'_> {
    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        writer.i32(self.partition_index);
        writer.i64(self.committed_offset);
        if version >= 2 {
            writer.i32(self.committed_leader_epoch);
        }
        writer.nullable_string(form, self.committed_metadata);
        writer.no_tagged_fields(form);
    }
}
