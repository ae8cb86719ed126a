//! Produce: the framing of requests and the reader of responses, versions 3 to 13.
//!
//! A request is written from front to back: [`begin_request`]; for each topic [`begin_topic`], then for each of its
//! partitions [`begin_partition`], the batch and [`end_partition`], then [`end_topic`]; finally [`end_request`].
//! Batches need not be in the same buffer. Bytes that are sent from elsewhere are only counted.

use super::api::ApiKey;
use super::header::{self, FrameStart};
use super::leader::LeaderEpoch;
use super::topic_id::TopicId;
use super::wire::{Form, Reader, Writer};
use crate::Result;

/// From this version on, topics are identified by id instead of name (KIP-516).
pub const TOPIC_IDS_SINCE: i16 = 13;
/// zstd needs this version (KIP-110).
pub const ZSTD_SINCE: i16 = 7;
/// From this version on a transactional request adds its partitions to the transaction (KIP-890).
pub const IMPLICIT_ADD_SINCE: i16 = 12;

fn form(version: i16) -> Form {
    ApiKey::Produce.form(version)
}

/// Begins a request: frame, header, and the fields before the topics.
#[expect(clippy::too_many_arguments, reason = "they are the fields of the request, in order")]
pub fn begin_request(
    out: &mut Vec<u8>,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    transactional_id: Option<&str>,
    acks: i16,
    timeout_ms: i32,
    topic_count: usize,
) -> FrameStart {
    let start = header::begin_frame(out, ApiKey::Produce, version, correlation_id, client_id);
    let mut writer = Writer::new(out);
    writer.nullable_string(form(version), transactional_id);
    writer.i16(acks);
    writer.i32(timeout_ms);
    writer.array_len(form(version), topic_count);
    start
}

/// Begins a topic, by name or by id, depending on the version.
pub fn begin_topic(out: &mut Vec<u8>, version: i16, name: &str, id: Option<TopicId>, partition_count: usize) {
    let mut writer = Writer::new(out);
    if version >= TOPIC_IDS_SINCE {
        writer.uuid(&TopicId::to_field(id));
    } else {
        writer.string(form(version), name);
    }
    writer.array_len(form(version), partition_count);
}

/// Begins a partition. One whole batch of `records_len` bytes follows, in `out` or elsewhere.
pub fn begin_partition(out: &mut Vec<u8>, version: i16, index: i32, records_len: usize) {
    let mut writer = Writer::new(out);
    writer.i32(index);
    // The length of records is encoded like the count of an array.
    writer.array_len(form(version), records_len);
}

pub fn end_partition(out: &mut Vec<u8>, version: i16) {
    Writer::new(out).no_tagged_fields(form(version));
}

pub fn end_topic(out: &mut Vec<u8>, version: i16) {
    Writer::new(out).no_tagged_fields(form(version));
}

/// Ends the request. `extra_bytes` is the total size of the batches that are not in `out`.
pub fn end_request(out: &mut Vec<u8>, version: i16, start: FrameStart, extra_bytes: usize) -> Result<()> {
    Writer::new(out).no_tagged_fields(form(version));
    header::end_frame(out, start, extra_bytes)
}

/// A topic as the response identifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicRef<'a> {
    Name(&'a str),
    Id(Option<TopicId>),
}

/// The new leader of a partition (KIP-951).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentLeader {
    pub leader_id: i32,
    pub leader_epoch: Option<LeaderEpoch>,
}

/// The result for one partition's batch. Fields that the version does not have are -1, empty or `None`.
#[derive(Clone, Debug)]
pub struct PartitionResponse<'a> {
    pub topic: TopicRef<'a>,
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    pub log_append_time_ms: i64,
    pub log_start_offset: i64,
    pub record_errors: RecordErrors<'a>,
    pub error_message: Option<&'a str>,
    pub current_leader: Option<CurrentLeader>,
}

/// A record because of which the broker refused a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordError<'a> {
    /// The record's index in its batch.
    pub batch_index: i32,
    pub message: Option<&'a str>,
}

/// Iterates over the records because of which the broker refused a batch.
#[derive(Clone, Debug)]
pub struct RecordErrors<'a> {
    reader: Reader<'a>,
    form: Form,
    left: usize,
}

impl<'a> RecordErrors<'a> {
    /// Checks the whole array, so that iterating over it cannot fail.
    fn read(reader: &mut Reader<'a>, form: Form) -> Result<Self> {
        // In both forms: an index, a null message and, in flexible versions, the tagged fields.
        let min_len = 6;
        let left = reader.array_len(form, min_len, "PartitionResponse.record_errors")?;
        let errors = RecordErrors { reader: reader.clone(), form, left };
        for _ in 0..left {
            read_record_error(reader, form)?;
        }
        Ok(errors)
    }
}

impl<'a> Iterator for RecordErrors<'a> {
    type Item = RecordError<'a>;

    fn next(&mut self) -> Option<RecordError<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(read_record_error(&mut self.reader, self.form).expect("it was read through with its partition"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for RecordErrors<'_> {}

fn read_record_error<'a>(reader: &mut Reader<'a>, form: Form) -> Result<RecordError<'a>> {
    let error = RecordError {
        batch_index: reader.i32("RecordError.batch_index")?,
        message: reader.nullable_string(form, "RecordError.message")?,
    };
    reader.skip_tagged_fields(form, "RecordError.tagged_fields")?;
    Ok(error)
}

/// A broker's address, which a response contains along with new leaders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEndpoint<'a> {
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub rack: Option<&'a str>,
}

/// The fields of a response other than its partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseTail<'a> {
    pub throttle_time_ms: i32,
    /// The addresses of new leaders; empty if no leader has changed.
    pub node_endpoints: Vec<NodeEndpoint<'a>>,
}

/// Reads the body of a response and passes each partition to `on_partition`, in the response's order. Allocates only
/// for node endpoints.
///
/// After an error, the partitions passed so far were well-formed. About the others nothing is known.
pub fn read_response<'a>(
    reader: &mut Reader<'a>,
    version: i16,
    on_partition: &mut dyn FnMut(PartitionResponse<'a>),
) -> Result<ResponseTail<'a>> {
    let form = form(version);
    let min_topic_len = if form.is_flexible() { 3 } else { 6 };
    for _ in 0..reader.array_len(form, min_topic_len, "ProduceResponse.responses")? {
        let topic = match version {
            TOPIC_IDS_SINCE.. => TopicRef::Id(TopicId::of_field(reader.uuid("TopicResponse.topic_id")?)),
            _ => TopicRef::Name(reader.string(form, "TopicResponse.name")?),
        };
        let min_partition_len = 22;
        for _ in 0..reader.array_len(form, min_partition_len, "TopicResponse.partition_responses")? {
            on_partition(read_partition(reader, version, topic)?);
        }
        reader.skip_tagged_fields(form, "TopicResponse.tagged_fields")?;
    }
    let mut tail =
        ResponseTail { throttle_time_ms: reader.i32("ProduceResponse.throttle_time_ms")?, node_endpoints: Vec::new() };
    if form.is_flexible() {
        reader.tagged_fields("ProduceResponse.tagged_fields", |tag, field| {
            if tag == 0 {
                let min_endpoint_len = 11;
                tail.node_endpoints =
                    field.array(form, min_endpoint_len, "ProduceResponse.node_endpoints", read_node_endpoint)?;
            }
            Ok(())
        })?;
    }
    Ok(tail)
}

fn read_partition<'a>(reader: &mut Reader<'a>, version: i16, topic: TopicRef<'a>) -> Result<PartitionResponse<'a>> {
    let form = form(version);
    let index = reader.i32("PartitionResponse.index")?;
    let error_code = reader.i16("PartitionResponse.error_code")?;
    let base_offset = reader.i64("PartitionResponse.base_offset")?;
    let log_append_time_ms = reader.i64("PartitionResponse.log_append_time_ms")?;
    let log_start_offset = if version >= 5 { reader.i64("PartitionResponse.log_start_offset")? } else { -1 };
    let (record_errors, error_message) = if version >= 8 {
        (RecordErrors::read(reader, form)?, reader.nullable_string(form, "PartitionResponse.error_message")?)
    } else {
        (RecordErrors { reader: Reader::new(&[]), form, left: 0 }, None)
    };
    let mut current_leader = None;
    if form.is_flexible() {
        reader.tagged_fields("PartitionResponse.tagged_fields", |tag, field| {
            if tag == 0 {
                current_leader = Some(read_current_leader(field)?);
            }
            Ok(())
        })?;
    }
    Ok(PartitionResponse {
        topic,
        index,
        error_code,
        base_offset,
        log_append_time_ms,
        log_start_offset,
        record_errors,
        error_message,
        current_leader,
    })
}

fn read_current_leader(reader: &mut Reader<'_>) -> Result<CurrentLeader> {
    let leader = CurrentLeader {
        leader_id: reader.i32("CurrentLeader.leader_id")?,
        leader_epoch: LeaderEpoch::of_field(reader.i32("CurrentLeader.leader_epoch")?),
    };
    reader.skip_tagged_fields(Form::Compact, "CurrentLeader.tagged_fields")?;
    Ok(leader)
}

fn read_node_endpoint<'a>(reader: &mut Reader<'a>) -> Result<NodeEndpoint<'a>> {
    let endpoint = NodeEndpoint {
        node_id: reader.i32("NodeEndpoint.node_id")?,
        host: reader.string(Form::Compact, "NodeEndpoint.host")?,
        port: reader.i32("NodeEndpoint.port")?,
        rack: reader.nullable_string(Form::Compact, "NodeEndpoint.rack")?,
    };
    reader.skip_tagged_fields(Form::Compact, "NodeEndpoint.tagged_fields")?;
    Ok(endpoint)
}
