//! A batch, from its first record until it is decided.

use std::collections::VecDeque;
use std::mem::offset_of;
use std::time::Duration;

use super::chunk::Chunks;
use super::entries::{Entries, USED_BY_FAST_PATH};
use super::memory::{Charge, Memory, Room};
use super::shape::Shape;
use super::splice::Splice;
use super::{Completion, NoRoom, Outcome, Payload};
use crate::error::Error;
use crate::protocol::record_batch;
use crate::record::Record;
use crate::sync::{Arc, CACHE_LINE, Time};

/// The records of one partition that travel together.
//
// The fields that each plain record uses come first. They take four cache lines instead of seven. With several threads,
// each line may have to come from another core.
#[repr(C, align(64))]
pub struct Batch {
    /// The shape of the last plain record.
    pub(super) shape: Shape,
    /// Encoded bytes of the records, uncompressed.
    pub(super) bytes: usize,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub(super) chunks: Chunks,
    pub(super) entries: Entries,
    pub topic: Arc<str>,
    pub partition: i32,
    /// When the first record was appended. Linger and timeouts count from here.
    pub created: Time,
    /// The latest time at which it is decided. This and `custom_timeout` are set by the creator of a batch whose
    /// records wait.
    pub deadline: Time,
    /// The custom timeout of its records, if they have one.
    pub custom_timeout: Option<Duration>,
    /// Lent values, which lie between the bytes of the chunks.
    pub(super) splices: Vec<Splice>,
    /// Encoded bytes that are not in the chunks.
    pub(super) lent_bytes: usize,
    pub(super) first_size_class: usize,
    /// The partitions that records of a topic's queue ask for. Empty in any other batch. Four bytes for each record are
    /// charged to the budget; -1, for none, saves the other four that an `Option` takes.
    pub(super) wanted: Vec<i32>,
    pub(super) memory: Arc<Memory>,
    /// Set once the batch is taken from its slot, like the fields below.
    pub sealed: Sealed,
    pub(super) payload: Arc<Payload>,
    /// What the payload was compressed from, if records are retained.
    pub(super) plain: Option<Arc<Payload>>,
    /// How many of its first records were moved to other batches.
    pub(super) moved: u32,
    pub(super) outcome: Option<Outcome>,
}

const _: () =
    assert!(offset_of!(Batch, entries) + USED_BY_FAST_PATH <= 4 * CACHE_LINE && align_of::<Batch>() == CACHE_LINE);

/// The sender's data about a batch that it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sealed {
    /// Numbers the batches in the order in which they were taken. A flush waits for all up to a serial. The parts of a
    /// split share one.
    pub serial: u64,
    pub attributes: i16,
    /// The sequence number of its first record. Set when it is first put into a request, if the producer is idempotent.
    pub base_sequence: Option<BaseSequence>,
    /// How many requests have carried it.
    pub attempts: u32,
    /// It is counted in the statistics as sent. That stays so if its request is recalled.
    pub counted: bool,
    /// A byte of an attempt may have reached a broker, and the response to that attempt was lost.
    pub outcome_unknown: bool,
    /// The incarnation of the topic for which it was taken.
    pub incarnation: u32,
    /// A helper thread is preparing it. Until that is done, the batch stays in its partition's queue.
    pub preparing: bool,
    /// For a part of a split: the index of its first record in the batch that was taken.
    pub first_record: u32,
    /// Set if its last request was lost with its connection, perhaps because of this batch.
    pub suspicion: Option<Suspicion>,
}

/// A producer as brokers know it (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerEpoch {
    pub id: i64,
    pub epoch: i16,
}

/// The sequence number of a batch's first record, with the producer id and epoch to which it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseSequence {
    pub producer: ProducerEpoch,
    pub number: i32,
}

impl BaseSequence {
    /// The sequence number after this many records. 2147483647 is followed by 0.
    pub fn after(self, records: u32) -> Self {
        let next = i64::from(self.number) + i64::from(records);
        BaseSequence { number: (next % (1 << 31)) as i32, ..self }
    }
}

/// What is known about the last request of a batch, which was lost with its connection.
#[derive(Clone, Copy, Debug)]
pub struct Suspicion {
    /// How many connections were lost while they carried only this batch.
    pub alone: u32,
    /// The size of that request in bytes.
    pub bytes: usize,
    /// How long that request was in flight.
    pub held: Duration,
}

impl Batch {
    /// An empty batch, from the free list if possible.
    pub fn new(memory: &Arc<Memory>, topic: &Arc<str>, partition: i32, created: Time, size_class: usize) -> Box<Batch> {
        let Some(mut batch) = memory.reused_batch() else {
            memory.expect_small_allocations();
            return Box::new(Batch {
                topic: topic.clone(),
                partition,
                created,
                deadline: Time::NEVER,
                custom_timeout: None,
                base_timestamp: 0,
                max_timestamp: 0,
                entries: Entries::default(),
                chunks: Chunks::default(),
                splices: Vec::new(),
                bytes: 0,
                lent_bytes: 0,
                first_size_class: size_class,
                shape: Shape::default(),
                wanted: Vec::new(),
                memory: memory.clone(),
                sealed: Sealed::default(),
                payload: Payload::shared(memory),
                plain: None,
                moved: 0,
                outcome: None,
            });
        };
        batch.topic = topic.clone();
        batch.partition = partition;
        batch.created = created;
        batch.deadline = Time::NEVER;
        batch.custom_timeout = None;
        batch.first_size_class = size_class;
        batch
    }

    pub fn count(&self) -> u32 {
        self.entries.len()
    }

    /// Encoded bytes of its records, uncompressed and without the batch's header.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The size class that a batch of this size should begin with.
    pub fn size_class(&self) -> usize {
        match self.bytes - self.lent_bytes {
            0..1024 => 0,
            1024..4096 => 1,
            4096..12288 => 2,
            _ => 3,
        }
    }

    /// The encoded length of `record` if it came next.
    #[inline]
    pub fn record_len(&self, record: &Record<'_>, timestamp: i64) -> usize {
        let delta = if self.count() == 0 { 0 } else { timestamp.wrapping_sub(self.base_timestamp) };
        record_batch::record_len_with_prefix(body_len(record, delta, self.count()))
    }

    /// Encodes `record` at the end. If there is no room, nothing has changed.
    #[inline]
    pub fn append(
        &mut self,
        record: &Record<'_>,
        timestamp: i64,
        completion: &Completion,
        charge: Charge,
        room: &mut Room,
    ) -> Result<(), NoRoom> {
        if let Some(lent) = record.lent {
            return self.append_lent(lent, record, timestamp, completion, charge, room);
        }
        self.append_copied(record, timestamp, completion, charge, room)
    }

    #[inline]
    pub(super) fn append_copied(
        &mut self,
        record: &Record<'_>,
        timestamp: i64,
        completion: &Completion,
        charge: Charge,
        room: &mut Room,
    ) -> Result<(), NoRoom> {
        let count = self.count();
        let delta = if count == 0 { 0 } else { timestamp.wrapping_sub(self.base_timestamp) };
        let body = body_len(record, delta, count);
        let len = record_batch::record_len_with_prefix(body);
        let out = self.reserve(len, completion, charge, room)?;
        record_batch::write_record(out, body, delta, count as i32, record.key, record.value, record.headers);
        self.finish(len, timestamp, delta, completion);
        Ok(())
    }

    /// Makes room for one record: `len` bytes and an entry for its completion. Returns the bytes to write.
    #[inline(always)]
    pub(super) fn reserve(
        &mut self,
        len: usize,
        completion: &Completion,
        charge: Charge,
        room: &mut Room,
    ) -> Result<&mut [u8], NoRoom> {
        let is_full = self.chunks.last().room() < len;
        if is_full {
            self.another_chunk(len, charge, room)?;
        }
        if let Err(refused) = self.entries.reserve(completion, &self.memory, self.first_size_class, charge, room) {
            if is_full {
                self.give_back_chunk();
            }
            return Err(refused);
        }
        Ok(self.chunks.last().grow(len))
    }

    /// Counts a record of `len` bytes that was written.
    #[inline(always)]
    pub(super) fn finish(&mut self, len: usize, timestamp: i64, delta: i64, completion: &Completion) {
        if self.count() == 0 {
            self.base_timestamp = timestamp;
            self.max_timestamp = timestamp;
        } else if timestamp > self.max_timestamp {
            self.max_timestamp = timestamp;
        }
        self.entries.push(completion, delta);
        self.bytes += len;
    }

    #[cold]
    pub(super) fn another_chunk(&mut self, len: usize, charge: Charge, room: &mut Room) -> Result<(), NoRoom> {
        self.chunks.reserve()?;
        let size_class = self.first_size_class.max(self.chunks.count()).min(3);
        self.chunks.push(self.memory.chunk(len, size_class, charge, room)?);
        Ok(())
    }

    /// Undoes `reserve` for a record that was refused after all. An empty chunk would stay charged until the batch is
    /// decided, and a larger record would add another behind it.
    #[cold]
    pub(super) fn give_back_chunk(&mut self) {
        self.memory.release(self.chunks.pop());
    }

    /// Ends the batch: it takes no more records, and its bytes become a payload that requests can share.
    pub fn seal(&mut self) {
        debug_assert_eq!(self.payload.len, 0, "a batch is sealed once");
        let len = self.bytes;
        let payload = make_exclusive(&mut self.payload, &self.memory);
        std::mem::swap(&mut payload.chunks, &mut self.chunks);
        std::mem::swap(&mut payload.splices, &mut self.splices);
        payload.len = len;
    }

    /// Replaces the payload by its compressed form. If there is no memory, nothing has changed.
    pub fn set_compressed(&mut self, compressed: &[u8], attributes: i16) -> Result<(), NoRoom> {
        let payload = Payload::of(&self.memory, compressed)?;
        self.replace_payload(payload, attributes);
        Ok(())
    }

    /// Replaces the payload by another form of it.
    pub fn replace_payload(&mut self, payload: Arc<Payload>, attributes: i16) {
        let before = std::mem::replace(&mut self.payload, payload);
        if self.memory.retains() {
            self.plain.get_or_insert(before);
        }
        self.sealed.attributes |= attributes;
    }

    /// Replaces a compressed payload by the records in it. If there is no memory, nothing has changed.
    pub fn set_plain(&mut self, records: &[u8]) -> Result<(), NoRoom> {
        match self.plain.take() {
            Some(plain) => self.payload = plain,
            None => self.payload = Payload::of(&self.memory, records)?,
        }
        self.sealed.attributes = 0;
        Ok(())
    }

    /// The error for a batch that needs more memory than there is.
    #[cold]
    pub fn out_of_memory(&self, refused: NoRoom, what: &str) -> Error {
        let to_do_what = format!("to {what} of {}-{}", self.topic, self.partition);
        self.memory.out_of_memory(refused.bytes(), &to_do_what)
    }

    /// The sealed bytes: encoded records, perhaps compressed.
    pub fn payload(&self) -> &Arc<Payload> {
        &self.payload
    }

    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Removes the batches whose deadline has passed at `now` from a queue. Without custom timeouts, deadlines are in
    /// the order of the batches, and the first batch that is not due ends the search.
    pub fn take_expired(queue: &mut VecDeque<Box<Batch>>, has_custom_deadlines: bool, now: Time) -> Vec<Box<Batch>> {
        if !has_custom_deadlines {
            let due = queue.iter().take_while(|batch| batch.deadline <= now).count();
            return queue.drain(..due).collect();
        }
        let (expired, left): (Vec<_>, Vec<_>) = queue.drain(..).partition(|batch| batch.deadline <= now);
        queue.extend(left);
        expired
    }

    pub fn age(&self, now: Time) -> Duration {
        now.since(self.created)
    }

    /// Makes room for one wanted partition.
    pub fn reserve_wanted(&mut self) -> Result<(), NoRoom> {
        self.wanted.try_reserve(1).map_err(|_| NoRoom::System(size_of::<i32>()))
    }

    /// Notes the partition that the last record of a topic's queue asks for (-1: none). Charged, but never refused.
    pub fn want(&mut self, partition: i32) {
        self.wanted.push(partition);
        self.memory.budget().charge(size_of::<i32>());
    }

    pub(super) fn forget_wanted(&mut self) {
        if !self.wanted.is_empty() {
            self.memory.budget().release(self.wanted.len() * size_of::<i32>());
            self.wanted.clear();
        }
    }

    /// Releases the payload, or leaves it to the requests that share it.
    pub(super) fn release_payload(&mut self) {
        match Arc::get_mut(&mut self.payload) {
            Some(payload) => payload.release(),
            // A request still shares the payload, and its last user releases it.
            None => self.payload = Payload::shared(&self.memory),
        }
    }

    /// Gives back what the batch holds. It is like a new batch then, except that its buffers keep their capacity.
    pub(super) fn clear(&mut self) {
        self.splices.clear();
        self.memory.release(self.chunks.drain());
        self.entries.clear(&self.memory);
        self.release_payload();
        self.plain = None;
        self.moved = 0;
        self.bytes = 0;
        self.lent_bytes = 0;
        self.forget_wanted();
        self.sealed = Sealed::default();
        self.outcome = None;
    }
}

/// The length of a record at its place in a batch, without the varint of that length.
#[inline]
pub(super) fn body_len(record: &Record<'_>, timestamp_delta: i64, index: u32) -> usize {
    let (key_len, value_len) = (record.key.map(<[u8]>::len), record.value.map(<[u8]>::len));
    record_batch::record_len(timestamp_delta, index as i32, key_len, value_len, record.headers)
}

/// Exclusive access to the payload. No request carries a batch that is being sealed or compressed.
fn make_exclusive<'a>(payload: &'a mut Arc<Payload>, memory: &Arc<Memory>) -> &'a mut Payload {
    if Arc::get_mut(payload).is_none() {
        *payload = Payload::shared(memory);
    }
    Arc::get_mut(payload).expect("made exclusive above")
}

impl Drop for Batch {
    fn drop(&mut self) {
        if self.count() > 0 {
            super::report::adopt(self);
        }
        self.memory.release(self.chunks.drain());
        self.entries.clear(&self.memory);
        self.forget_wanted();
    }
}
