//! A batch from its first record until it is decided.

use std::collections::VecDeque;
use std::mem::offset_of;
use std::time::Duration;

use super::chunk::Chunks;
use super::entries::{Entries, USED_BY_USUAL};
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
// What each plain record looks at comes first, on four cache lines instead of seven: with several threads, a line may be
// on another core.
#[repr(C, align(64))]
pub struct Batch {
    /// How its last plain record was encoded.
    pub(super) shape: Shape,
    /// Encoded bytes of the records, uncompressed.
    pub(super) bytes: usize,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub(super) chunks: Chunks,
    pub(super) entries: Entries,
    pub topic: Arc<str>,
    pub partition: i32,
    /// When its first record was appended: linger and timeouts count from here.
    pub created: Time,
    /// When it is decided at the latest. Who makes a batch for records that wait sets this, and the next.
    pub deadline: Time,
    /// The timeout that its records brought along, if they did.
    pub custom_timeout: Option<Duration>,
    /// Values between the chunks' bytes.
    pub(super) splices: Vec<Splice>,
    /// How many of the encoded bytes are not in the chunks.
    pub(super) lent_bytes: usize,
    pub(super) hint: usize,
    /// The partitions that records of a topic's queue ask for (-1: none); empty in any other batch.
    pub(super) wanted: Vec<i32>,
    pub(super) memory: Arc<Memory>,
    /// What follows is set once the batch is taken from its slot.
    pub sealed: Sealed,
    pub(super) payload: Arc<Payload>,
    pub(super) outcome: Option<Outcome>,
}

const _: () =
    assert!(offset_of!(Batch, entries) + USED_BY_USUAL <= 4 * CACHE_LINE && align_of::<Batch>() == CACHE_LINE);

/// What the sender knows of a batch that it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sealed {
    /// The order in which batches were taken; a flush waits for a prefix of it. The halves of a split share one.
    pub serial: u64,
    pub attributes: i16,
    /// The sequence number of its first record. Set when it is first put on a request, if the producer is idempotent.
    pub base_sequence: Option<BaseSequence>,
    /// How many requests carried it.
    pub attempts: u32,
    /// It is counted among those sent; also if its request was taken back.
    pub counted: bool,
    /// Some byte of an attempt may have reached a broker whose answer was never learned.
    pub outcome_unknown: bool,
    /// Which topic of the name it was taken for.
    pub incarnation: u32,
    /// Where in the batch that was taken this part of a split begins.
    pub first_record: u32,
    /// Its last request was lost with its connection, perhaps because of this batch.
    pub suspicion: Option<Suspicion>,
}

/// A producer as brokers know it (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerEpoch {
    pub id: i64,
    pub epoch: i16,
}

/// The sequence number of a batch's first record, and under which producer id and epoch it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseSequence {
    pub producer: ProducerEpoch,
    pub number: i32,
}

impl BaseSequence {
    /// The sequence number after so many records. 2147483647 is followed by 0.
    pub fn after(self, records: u32) -> Self {
        let next = i64::from(self.number) + i64::from(records);
        BaseSequence { number: (next % (1 << 31)) as i32, ..self }
    }
}

/// What is known of the last request of a batch, which was lost with its connection.
#[derive(Clone, Copy, Debug)]
pub struct Suspicion {
    /// How often a connection was lost on which nothing but this batch was.
    pub alone: u32,
    /// The size of the request.
    pub bytes: usize,
    /// How long the request was under way.
    pub held: Duration,
}

impl Batch {
    /// An empty batch, from the free list if there is one.
    pub fn new(memory: &Arc<Memory>, topic: &Arc<str>, partition: i32, created: Time, hint: usize) -> Box<Batch> {
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
                hint,
                shape: Shape::default(),
                wanted: Vec::new(),
                memory: memory.clone(),
                sealed: Sealed::default(),
                payload: Payload::shared(memory),
                outcome: None,
            });
        };
        batch.topic = topic.clone();
        batch.partition = partition;
        batch.created = created;
        batch.deadline = Time::NEVER;
        batch.custom_timeout = None;
        batch.hint = hint;
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

    /// The size class that a batch like this one should begin with.
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

    /// Encodes `record` at the end. Nothing has changed if there is no room.
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

    /// Room for one record: `len` bytes to write, and a place for its completion.
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
        if let Err(refused) = self.entries.reserve(completion, &self.memory, self.hint, charge, room) {
            if is_full {
                self.give_back_chunk();
            }
            return Err(refused);
        }
        Ok(self.chunks.last().grow(len))
    }

    /// Takes note of a record of `len` bytes that was written.
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
        let hint = self.hint.max(self.chunks.count()).min(3);
        self.chunks.push(self.memory.chunk(len, hint, charge, room)?);
        Ok(())
    }

    /// Undoes `reserve` when the record was refused after all: an empty chunk left behind would be charged until the
    /// batch is decided, and a larger record would add another behind it.
    #[cold]
    pub(super) fn give_back_chunk(&mut self) {
        self.memory.release(self.chunks.pop());
    }

    /// Closes the batch for appends: its bytes become a payload that requests can share.
    pub fn seal(&mut self) {
        debug_assert_eq!(self.payload.len, 0, "a batch is sealed once");
        let len = self.bytes;
        let payload = own(&mut self.payload, &self.memory);
        std::mem::swap(&mut payload.chunks, &mut self.chunks);
        std::mem::swap(&mut payload.splices, &mut self.splices);
        payload.len = len;
    }

    /// Replaces the payload by its compressed form. Nothing has changed if there is no memory.
    pub fn set_compressed(&mut self, compressed: &[u8], attributes: i16) -> Result<(), NoRoom> {
        let mut chunk = self.memory.chunk(compressed.len(), 0, Charge::Force, &mut Room::default())?;
        chunk.put(compressed).expect("it is as large");
        let payload = own(&mut self.payload, &self.memory);
        payload.release();
        payload.chunks.push(chunk);
        payload.len = compressed.len();
        self.sealed.attributes |= attributes;
        Ok(())
    }

    /// Replaces a compressed payload by the records it holds. Nothing has changed if there is no memory.
    pub fn set_plain(&mut self, records: &[u8]) -> Result<(), NoRoom> {
        self.set_compressed(records, 0)?;
        self.sealed.attributes = 0;
        Ok(())
    }

    /// An error for a batch that needs more memory than there is.
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

    /// Takes those out of a queue whose deadline has come by `now`. Deadlines follow the order of the batches, so that
    /// the first that is not due ends the search, unless some are the records' `own`.
    pub fn take_expired(queue: &mut VecDeque<Box<Batch>>, own: bool, now: Time) -> Vec<Box<Batch>> {
        if !own {
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

    /// Makes room for a partition to keep.
    pub fn reserve_wanted(&mut self) -> Result<(), NoRoom> {
        self.wanted.try_reserve(1).map_err(|_| NoRoom::System(size_of::<i32>()))
    }

    /// Keeps the partition that the last record asks for, in a topic's queue (-1: none). Charged, but never refused.
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

    /// Gives back what it holds; the batch is then as new, but for its buffers' capacity.
    pub(super) fn clear(&mut self) {
        self.splices.clear();
        self.memory.release(self.chunks.drain());
        self.entries.clear(&self.memory);
        match Arc::get_mut(&mut self.payload) {
            Some(payload) => payload.release(),
            // Still pinned by a request: whoever drops that releases it.
            None => self.payload = Payload::shared(&self.memory),
        }
        self.bytes = 0;
        self.lent_bytes = 0;
        self.forget_wanted();
        self.sealed = Sealed::default();
        self.outcome = None;
    }
}

/// The length of a record at its place in a batch, without the varint that says it.
#[inline]
pub(super) fn body_len(record: &Record<'_>, timestamp_delta: i64, index: u32) -> usize {
    let (key_len, value_len) = (record.key.map(<[u8]>::len), record.value.map(<[u8]>::len));
    record_batch::record_len(timestamp_delta, index as i32, key_len, value_len, record.headers)
}

/// The payload, exclusively: a batch that is being sealed or compressed is in no request.
fn own<'a>(payload: &'a mut Arc<Payload>, memory: &Arc<Memory>) -> &'a mut Payload {
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
