//! Produce, versions 3 to 13: the request is written around record bytes that lie elsewhere, and the response is read
//! in place.

use super::{ApiKey, Reader, Writer};
use crate::error::Result;

/// A topic in a response: by name up to version 12, by id from 13 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicRef<'a> {
    Name(&'a str),
    Id([u8; 16]),
}

/// What a broker says of one partition.
#[derive(Clone, Copy, Debug)]
pub struct PartitionResponse<'a> {
    pub topic: TopicRef<'a>,
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    /// -1 unless the topic's timestamps are the broker's.
    pub log_append_time: i64,
    pub error_message: Option<&'a str>,
    /// Leader id and epoch, if the broker knows better (KIP-951).
    pub current_leader: Option<(i32, i32)>,
}

/// What comes after the partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseTail {
    pub throttle_time_ms: i32,
    /// Where the leaders named above are.
    pub node_endpoints: Vec<NodeEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
}

fn flexible(version: i16) -> bool {
    ApiKey::Produce.is_flexible(version)
}

/// Begins the body. Each topic and partition is begun and ended in turn, as many as were announced.
pub fn begin(
    out: &mut Vec<u8>,
    version: i16,
    transactional_id: Option<&str>,
    acks: i16,
    timeout_ms: i32,
    topics: usize,
) {
    let mut writer = Writer(out);
    writer.nullable_string(flexible(version), transactional_id);
    writer.i16(acks);
    writer.i32(timeout_ms);
    writer.array_len(flexible(version), Some(topics));
}

pub fn begin_topic(out: &mut Vec<u8>, version: i16, name: &str, id: &[u8; 16], partitions: usize) {
    let mut writer = Writer(out);
    if version >= 13 {
        writer.uuid(id);
    } else {
        writer.string(flexible(version), name);
    }
    writer.array_len(flexible(version), Some(partitions));
}

/// `len` bytes follow: the batch's header and its records.
pub fn begin_partition(out: &mut Vec<u8>, version: i16, index: i32, len: usize) {
    let mut writer = Writer(out);
    writer.i32(index);
    writer.array_len(flexible(version), Some(len));
}

pub fn end_partition(out: &mut Vec<u8>, version: i16) {
    if flexible(version) {
        Writer(out).no_tagged_fields();
    }
}

pub fn end_topic(out: &mut Vec<u8>, version: i16) {
    end_partition(out, version);
}

pub fn end(out: &mut Vec<u8>, version: i16) {
    end_partition(out, version);
}

/// Reads a response, calling `each` with every partition. Allocates nothing unless brokers moved.
pub fn read_response<'a>(
    reader: &mut Reader<'a>,
    version: i16,
    each: &mut dyn FnMut(PartitionResponse<'a>),
) -> Result<ResponseTail> {
    let compact = flexible(version);
    let topics = reader.array_len(compact, "responses")?.unwrap_or(0);
    for _ in 0..topics {
        let topic = if version >= 13 {
            TopicRef::Id(reader.uuid("topic_id")?)
        } else {
            TopicRef::Name(reader.string(compact, "name")?)
        };
        let partitions = reader.array_len(compact, "partition_responses")?.unwrap_or(0);
        for _ in 0..partitions {
            each(read_partition(reader, version, topic)?);
        }
        if compact {
            reader.skip_tagged_fields()?;
        }
    }
    let mut tail = ResponseTail { throttle_time_ms: reader.i32("throttle_time_ms")?, node_endpoints: Vec::new() };
    if compact {
        reader.tagged_fields(|tag, field| {
            if tag == 0 && version >= 10 {
                tail.node_endpoints = read_endpoints(field)?;
            }
            Ok(())
        })?;
    }
    Ok(tail)
}

fn read_partition<'a>(reader: &mut Reader<'a>, version: i16, topic: TopicRef<'a>) -> Result<PartitionResponse<'a>> {
    let compact = flexible(version);
    let mut answer = PartitionResponse {
        topic,
        index: reader.i32("index")?,
        error_code: reader.i16("error_code")?,
        base_offset: reader.i64("base_offset")?,
        log_append_time: reader.i64("log_append_time_ms")?,
        error_message: None,
        current_leader: None,
    };
    if version >= 5 {
        reader.i64("log_start_offset")?;
    }
    if version >= 8 {
        for _ in 0..reader.array_len(compact, "record_errors")?.unwrap_or(0) {
            reader.i32("batch_index")?;
            reader.nullable_string(compact, "batch_index_error_message")?;
            if compact {
                reader.skip_tagged_fields()?;
            }
        }
        answer.error_message = reader.nullable_string(compact, "error_message")?;
    }
    if compact {
        reader.tagged_fields(|tag, field| {
            if tag == 0 && version >= 10 {
                let leader = (field.i32("leader_id")?, field.i32("leader_epoch")?);
                answer.current_leader = (leader.0 >= 0).then_some(leader);
            }
            Ok(())
        })?;
    }
    Ok(answer)
}

fn read_endpoints(reader: &mut Reader<'_>) -> Result<Vec<NodeEndpoint>> {
    let count = reader.array_len(true, "node_endpoints")?.unwrap_or(0);
    let mut endpoints = Vec::new();
    for _ in 0..count {
        endpoints.push(NodeEndpoint {
            node_id: reader.i32("node_id")?,
            host: reader.string(true, "host")?.to_string(),
            port: reader.i32("port")?,
        });
        reader.nullable_string(true, "rack")?;
        reader.skip_tagged_fields()?;
    }
    Ok(endpoints)
}
