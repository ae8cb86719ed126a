//! The log of a partition: which batches it accepts, and its contents.

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::batch::RawRecord;
use super::producer_state::advance;
use super::{Batch, Producers, TopicOptions, UnknownProducer, Verdict};

/// A batch in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    pub base_offset: i64,
    pub leader_epoch: i32,
    /// The batch as it was sent.
    pub batch: Batch,
    pub append_time: Option<i64>,
    pub records: Vec<StoredRecord>,
    /// For a transactional batch whose transaction has ended: whether it was committed.
    pub committed: Option<bool>,
}

/// A record in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    /// In their order, including repeated names.
    pub headers: Vec<(String, Option<Bytes>)>,
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
}

impl StoredBatch {
    /// Whether it belongs to a transaction that has not ended.
    pub fn is_open(&self) -> bool {
        self.batch.is_transactional() && self.committed.is_none()
    }
}

/// The partition's answer for a batch that it appended or already had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appended {
    pub base_offset: i64,
    pub append_time: i64,
    pub log_start_offset: i64,
}

/// Why a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub error: ResponseError,
    /// The records to blame, if the error is about records.
    pub records: Vec<i32>,
    pub log_start_offset: i64,
}

/// The circumstances of an append.
pub(super) struct Append<'a> {
    pub options: &'a TopicOptions,
    pub unknown_producer: UnknownProducer,
    pub leader_epoch: i32,
    pub now_ms: i64,
}

/// One partition's log and the producers known from it.
#[derive(Clone, Debug, Default)]
pub struct Log {
    batches: Vec<StoredBatch>,
    start_offset: i64,
    end_offset: i64,
    pub producers: Producers,
}

impl Log {
    pub fn batches(&self) -> &[StoredBatch] {
        &self.batches
    }

    pub fn start_offset(&self) -> i64 {
        self.start_offset
    }

    pub fn end_offset(&self) -> i64 {
        self.end_offset
    }

    pub fn records(&self) -> impl Iterator<Item = &StoredRecord> {
        self.batches.iter().flat_map(|batch| &batch.records).filter(|record| record.offset >= self.start_offset)
    }

    /// The records up to the first batch of an open transaction (the last stable offset), without aborted ones.
    pub fn committed(&self) -> impl Iterator<Item = &StoredRecord> {
        let stable = self.batches.iter().take_while(|batch| !batch.is_open());
        let seen = stable.filter(|batch| batch.committed != Some(false)).flat_map(|batch| &batch.records);
        seen.filter(|record| record.offset >= self.start_offset)
    }

    fn has_open(&self, producer_id: i64) -> bool {
        self.batches.iter().any(|stored| stored.batch.producer_id == producer_id && stored.is_open())
    }

    /// Remembers a transactional batch that is being verified with the coordinator, if it is the first of its
    /// transaction here.
    pub(super) fn verifying(&mut self, batch: &Batch, own_epoch: bool) -> Result<(), ResponseError> {
        if self.has_open(batch.producer_id) { Ok(()) } else { self.producers.verifying(batch, own_epoch) }
    }

    /// Appends a transaction's marker, which ends the producer's transaction here. The marker takes up an offset.
    pub(super) fn mark(&mut self, producer_id: i64, epoch: i16, commit: bool) {
        for stored in &mut self.batches {
            if stored.batch.producer_id == producer_id && stored.is_open() {
                stored.committed = Some(commit);
            }
        }
        self.end_offset += 1;
        self.producers.marked(producer_id, epoch);
    }

    /// Checks a batch in the order in which brokers do, and appends it unless it is a duplicate.
    pub(super) fn append(&mut self, batch: Batch, append: &Append<'_>) -> Result<Appended, Refusal> {
        let refuse = |error| Refusal { error, records: Vec::new(), log_start_offset: self.refused_start(error) };
        check_header(&batch, append.options).map_err(refuse)?;
        let records = batch.records().map_err(refuse)?;
        check_records(&records, append).map_err(|(error, records)| Refusal { records, ..refuse(error) })?;
        if batch.has_producer_id() {
            let verdict = self.producers.check(&batch, append.unknown_producer).map_err(refuse)?;
            if let Verdict::Duplicate(known) = verdict {
                return Ok(Appended {
                    base_offset: known.first_offset,
                    append_time: known.timestamp,
                    log_start_offset: self.start_offset,
                });
            }
        }
        if !batch.is_transactional() && batch.has_producer_id() && self.has_open(batch.producer_id) {
            return Err(refuse(ResponseError::InvalidTxnState));
        }
        let append_time = append.options.log_append_time.then_some(append.now_ms);
        Ok(self.store(batch, records, append_time, append.leader_epoch))
    }

    fn store(
        &mut self,
        batch: Batch,
        records: Vec<RawRecord>,
        append_time: Option<i64>,
        leader_epoch: i32,
    ) -> Appended {
        let base_offset = self.end_offset;
        let records = records
            .into_iter()
            .map(|record| StoredRecord {
                offset: base_offset + i64::from(record.offset_delta),
                timestamp: append_time.unwrap_or(record.timestamp),
                key: record.key,
                value: record.value,
                headers: record.headers,
                producer_id: batch.producer_id,
                epoch: batch.producer_epoch,
                sequence: if batch.has_producer_id() { advance(batch.base_sequence, record.offset_delta) } else { -1 },
            })
            .collect();
        if batch.has_producer_id() {
            self.producers.appended(&batch, base_offset, append_time.unwrap_or(batch.max_timestamp));
        }
        self.end_offset += i64::from(batch.last_offset_delta) + 1;
        self.batches.push(StoredBatch { base_offset, leader_epoch, batch, append_time, records, committed: None });
        Appended { base_offset, append_time: append_time.unwrap_or(-1), log_start_offset: self.start_offset }
    }

    /// Brokers report the log's start offset with some errors only.
    fn refused_start(&self, error: ResponseError) -> i64 {
        match error {
            ResponseError::MessageTooLarge | ResponseError::CorruptMessage => -1,
            _ => self.start_offset,
        }
    }

    /// Moves the log's start as retention and DeleteRecords do. Producers are not forgotten.
    pub fn delete_before(&mut self, offset: i64) {
        self.start_offset = offset.clamp(self.start_offset, self.end_offset);
        self.batches.retain(|batch| batch.base_offset + i64::from(batch.batch.last_offset_delta) >= offset);
    }

    /// Removes the log from this offset on, as an unclean election does. Producers are known only by their remaining
    /// batches.
    pub fn truncate(&mut self, offset: i64) {
        self.batches.retain(|batch| batch.base_offset + i64::from(batch.batch.last_offset_delta) < offset);
        self.end_offset = self
            .batches
            .last()
            .map_or(self.start_offset, |last| last.base_offset + i64::from(last.batch.last_offset_delta) + 1);
        self.producers.forget_all();
        for stored in &self.batches {
            if stored.batch.has_producer_id() {
                let timestamp = stored.append_time.unwrap_or(stored.batch.max_timestamp);
                self.producers.appended(&stored.batch, stored.base_offset, timestamp);
            }
        }
    }
}

fn check_header(batch: &Batch, options: &TopicOptions) -> Result<(), ResponseError> {
    if batch.base_offset != 0 {
        return Err(ResponseError::InvalidRecord);
    }
    if batch.bytes.len() > options.max_message_bytes {
        return Err(ResponseError::MessageTooLarge);
    }
    if !batch.crc_holds() {
        return Err(ResponseError::CorruptMessage);
    }
    let count_by_offsets = i64::from(batch.last_offset_delta) + 1;
    if batch.count <= 0 || count_by_offsets != i64::from(batch.count) {
        return Err(ResponseError::InvalidRecord);
    }
    if batch.is_control() || batch.has_producer_id() && batch.base_sequence < 0 {
        return Err(ResponseError::InvalidRecord);
    }
    Ok(())
}

/// Returns an error for the batch and the records to blame, if any.
fn check_records(records: &[RawRecord], append: &Append<'_>) -> Result<(), (ResponseError, Vec<i32>)> {
    let indexes = |bad: &dyn Fn(usize, &RawRecord) -> bool| -> Vec<i32> {
        records
            .iter()
            .enumerate()
            .filter(|(index, record)| bad(*index, record))
            .map(|(index, _)| index as i32)
            .collect()
    };
    let options = append.options;
    let late = |record: &RawRecord| {
        let early_by = append.now_ms.saturating_sub(record.timestamp);
        options.timestamp_before_max_ms.is_some_and(|max| early_by > max)
            || options.timestamp_after_max_ms.is_some_and(|max| early_by.saturating_neg() > max)
    };
    let wrong_time = if options.log_append_time { Vec::new() } else { indexes(&|_, record| late(record)) };
    if !wrong_time.is_empty() {
        return Err((ResponseError::InvalidTimestamp, wrong_time));
    }
    let poisoned = |record: &RawRecord| {
        let value = record.value.as_deref().unwrap_or_default();
        options.poison.is_some_and(|poison| value.contains(&poison))
    };
    let invalid = indexes(&|index, record| {
        record.offset_delta != index as i32 || options.compacted && record.key.is_none() || poisoned(record)
    });
    if invalid.is_empty() { Ok(()) } else { Err((ResponseError::InvalidRecord, invalid)) }
}
