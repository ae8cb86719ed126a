// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(0, 5);
const FLEXIBLE_SINCE: i16 = 3;

/// TxnOffsetCommitResponse, versions 0 to 5, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnOffsetCommitResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<TxnOffsetCommitResponseTopic<'a>>,
}

impl<'a> TxnOffsetCommitResponse<'a> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = TxnOffsetCommitResponse {
            throttle_time_ms: reader.i32("TxnOffsetCommitResponse.throttle_time_ms")?,
            topics: reader.array(form, 3, "TxnOffsetCommitResponse.topics", |reader| {
                TxnOffsetCommitResponseTopic::decode(reader, version)
            })?,
        };
        reader.skip_tagged_fields(form, "TxnOffsetCommitResponse.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`TxnOffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnOffsetCommitResponseTopic<'a> {
    pub name: &'a str,
    pub partitions: Vec<TxnOffsetCommitResponsePartition>,
}

impl<'a> TxnOffsetCommitResponseTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = TxnOffsetCommitResponseTopic {
            name: reader.string(form, "TxnOffsetCommitResponseTopic.name")?,
            partitions: reader.array(form, 6, "TxnOffsetCommitResponseTopic.partitions", |reader| {
                TxnOffsetCommitResponsePartition::decode(reader, version)
            })?,
        };
        reader.skip_tagged_fields(form, "TxnOffsetCommitResponseTopic.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`TxnOffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnOffsetCommitResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl TxnOffsetCommitResponsePartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = TxnOffsetCommitResponsePartition {
            partition_index: reader.i32("TxnOffsetCommitResponsePartition.partition_index")?,
            error_code: reader.i16("TxnOffsetCommitResponsePartition.error_code")?,
        };
        reader.skip_tagged_fields(form, "TxnOffsetCommitResponsePartition.tagged_fields")?;
        Ok(message)
    }
}
