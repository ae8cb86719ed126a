//! Produce requests. The response is written while the request is read, because its topics and partitions are in the
//! same order.

use crc_fast::{CrcAlgorithm, checksum};

use super::topics::Topics;
use super::wire::{Malformed, Reader, Result, Writer};
use super::{Shared, SinkCounters};
use ottla_mock::codes::{
    CORRUPT_MESSAGE, NONE, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, UNSUPPORTED_FOR_MESSAGE_FORMAT,
};

/// The length of a record batch's header.
const BATCH_HEADER: usize = 61;

/// Reads the body of a Produce request and appends the body of the response to `out`. Returns false if the client
/// expects no response (acks 0).
pub(super) fn answer(
    mut request: Reader<'_>,
    version: i16,
    shared: &Shared,
    seen: &mut SinkCounters,
    out: &mut Vec<u8>,
) -> Result<bool> {
    let flexible = version >= 9;
    seen.produce_requests += 1;
    request.string(flexible)?; // transactional id
    let acks = request.i16()?;
    request.i32()?; // timeout
    let topic_count = request.length(flexible)?.ok_or(Malformed)?;
    out.length(topic_count, flexible);
    let mut topics = shared.topics();
    for _ in 0..topic_count {
        let topic = read_topic(&mut request, version, &mut topics, out)?;
        let partition_count = request.length(flexible)?.ok_or(Malformed)?;
        out.length(partition_count, flexible);
        for _ in 0..partition_count {
            let partition = request.i32()?;
            let records = request.bytes(flexible)?.ok_or(Malformed)?;
            request.skip_tags(flexible)?;
            let outcome = append(&mut topics, topic, partition, records, shared.options.verify, seen);
            write_partition(partition, outcome, version, out);
            seen.errors += u64::from(outcome.is_err());
        }
        request.skip_tags(flexible)?;
        out.no_tags(flexible);
    }
    out.i32(shared.options.throttle_ms);
    out.no_tags(flexible);
    Ok(acks != 0)
}

/// Reads a topic's name or id and copies it to the response.
fn read_topic(request: &mut Reader<'_>, version: i16, topics: &mut Topics, out: &mut Vec<u8>) -> Result<Option<usize>> {
    if version >= 13 {
        let id = request.array::<16>()?;
        out.put(&id);
        return Ok(topics.with_id(&id));
    }
    let name = request.string(version >= 9)?.ok_or(Malformed)?;
    out.string(name, version >= 9);
    Ok(Some(topics.named(name)))
}

/// Counts the data of a partition and assigns offsets.
fn append(
    topics: &mut Topics,
    topic: Option<usize>,
    partition: i32,
    records: &[u8],
    verify: bool,
    seen: &mut SinkCounters,
) -> std::result::Result<i64, i16> {
    let topic = topics.get(topic.ok_or(UNKNOWN_TOPIC_ID)?);
    let next_offset = usize::try_from(partition)
        .ok()
        .and_then(|partition| topic.next_offsets.get_mut(partition))
        .ok_or(UNKNOWN_TOPIC_OR_PARTITION)?;
    let (batches, count) = count(records, verify)?;
    let base_offset = *next_offset;
    *next_offset += count as i64;
    seen.batches += batches;
    seen.records += count;
    seen.record_bytes += records.len() as u64;
    Ok(base_offset)
}

/// The numbers of batches and records in a partition's data.
fn count(mut data: &[u8], verify: bool) -> std::result::Result<(u64, u64), i16> {
    let (mut batches, mut records) = (0, 0);
    while !data.is_empty() {
        let header = data.first_chunk::<BATCH_HEADER>().ok_or(CORRUPT_MESSAGE)?;
        if header[16] != 2 {
            return Err(UNSUPPORTED_FOR_MESSAGE_FORMAT);
        }
        let length = i32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        let length = usize::try_from(length).map_err(|_| CORRUPT_MESSAGE)? + 12;
        if length < BATCH_HEADER || length > data.len() {
            return Err(CORRUPT_MESSAGE);
        }
        let crc = u32::from_be_bytes([header[17], header[18], header[19], header[20]]);
        if verify && checksum(CrcAlgorithm::Crc32Iscsi, &data[21..length]) != u64::from(crc) {
            return Err(CORRUPT_MESSAGE);
        }
        let count = i32::from_be_bytes([header[57], header[58], header[59], header[60]]);
        records += u64::try_from(count).map_err(|_| CORRUPT_MESSAGE)?;
        batches += 1;
        data = &data[length..];
    }
    Ok((batches, records))
}

fn write_partition(partition: i32, outcome: std::result::Result<i64, i16>, version: i16, out: &mut Vec<u8>) {
    let flexible = version >= 9;
    let (error, base_offset, log_start) = match outcome {
        Ok(base_offset) => (NONE, base_offset, 0),
        Err(error) => (error, -1, -1),
    };
    out.i32(partition);
    out.i16(error);
    out.i64(base_offset);
    out.i64(-1); // append time: topics keep the client's timestamps
    if version >= 5 {
        out.i64(log_start);
    }
    if version >= 8 {
        out.length(0, flexible); // errors of single records
        out.null_string(flexible);
    }
    out.no_tags(flexible);
}
