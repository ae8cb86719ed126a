// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(0, 3);
const FLEXIBLE_SINCE: i16 = 3;

/// AddPartitionsToTxnResponse, versions 0 to 3, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddPartitionsToTxnResponse<'a> {
    pub throttle_time_ms: i32,
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult<'a>>,
}

impl<'a> AddPartitionsToTxnResponse<'a> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = AddPartitionsToTxnResponse {
            throttle_time_ms: reader.i32("AddPartitionsToTxnResponse.throttle_time_ms")?,
            results_by_topic_v3_and_below: reader.array(
                form,
                3,
                "AddPartitionsToTxnResponse.results_by_topic_v3_and_below",
                |reader| AddPartitionsToTxnTopicResult::decode(reader, version),
            )?,
        };
        reader.skip_tagged_fields(form, "AddPartitionsToTxnResponse.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`AddPartitionsToTxnResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddPartitionsToTxnTopicResult<'a> {
    pub name: &'a str,
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
}

impl<'a> AddPartitionsToTxnTopicResult<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = AddPartitionsToTxnTopicResult {
            name: reader.string(form, "AddPartitionsToTxnTopicResult.name")?,
            results_by_partition: reader.array(
                form,
                6,
                "AddPartitionsToTxnTopicResult.results_by_partition",
                |reader| AddPartitionsToTxnPartitionResult::decode(reader, version),
            )?,
        };
        reader.skip_tagged_fields(form, "AddPartitionsToTxnTopicResult.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`AddPartitionsToTxnResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddPartitionsToTxnPartitionResult {
    pub partition_index: i32,
    pub partition_error_code: i16,
}

impl AddPartitionsToTxnPartitionResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = AddPartitionsToTxnPartitionResult {
            partition_index: reader.i32("AddPartitionsToTxnPartitionResult.partition_index")?,
            partition_error_code: reader.i16("AddPartitionsToTxnPartitionResult.partition_error_code")?,
        };
        reader.skip_tagged_fields(form, "AddPartitionsToTxnPartitionResult.tagged_fields")?;
        Ok(message)
    }
}
