//! The data for completions, one entry per record. It is kept apart from the records, so that their memory can be
//! released first.

use std::mem::offset_of;

use super::budget::NoRoom;
use super::chunk::{Chunk, Chunks};
use super::memory::{Charge, Memory, Room};
use super::report::Delivery;
use crate::error::Error;
use crate::loan::LentValue;
use crate::record::Fate;
use crate::sync::{Arc, Condvar, HandOver, Mutex};

/// Where the result of a record goes.
#[derive(Clone)]
pub enum Completion {
    /// To the producer's default callback or queue, with this tag.
    Tag(u64),
    /// To `call`, with this tag. The sink knows what the number means (in C: a function pointer).
    Call { call: u64, tag: u64 },
    /// To a thread that waits for this record.
    Waiter(Arc<Waiter>),
}

/// Entries in chunks. They are narrow (tag and timestamp delta) until the first record with its own callback, and wide
/// from then on. Waiting threads and lent values are rare, and kept apart.
#[derive(Default)]
#[repr(C)]
pub struct Entries {
    chunks: Chunks,
    count: u32,
    wide: bool,
    waiters: Vec<(u32, Arc<Waiter>)>,
    lent: Vec<(u32, LentValue)>,
    /// Empty except while the entries are widened. Kept for its capacity.
    narrow: Chunks,
}

/// One decoded entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// [`Entry::DEFAULT`] for the producer's default.
    pub call: u64,
    pub tag: u64,
    pub timestamp_delta: i64,
}

impl Entry {
    pub const DEFAULT: u64 = 0;
}

/// How many bytes at its beginning the fast path reads and writes.
pub(super) const USED_BY_FAST_PATH: usize = offset_of!(Entries, waiters);

const NARROW: usize = 16;
const WIDE: usize = 24;

impl Entries {
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Bytes of memory that are charged for the entries.
    pub(super) fn charged(&self) -> usize {
        self.chunks.iter().map(Chunk::capacity).sum()
    }

    /// Whether a thread waits for one of these records.
    pub fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Makes room for one more entry, so that the next `push` cannot fail.
    #[inline(always)]
    pub(super) fn reserve(
        &mut self,
        completion: &Completion,
        memory: &Memory,
        size_class: usize,
        charge: Charge,
        room: &mut Room,
    ) -> Result<(), NoRoom> {
        if !self.wide && matches!(completion, Completion::Call { .. }) {
            self.widen(memory)?;
        }
        let size = if self.wide { WIDE } else { NARROW };
        if self.chunks.last().room() >= size { Ok(()) } else { self.another_chunk(memory, size_class, charge, room) }
    }

    #[cold]
    fn another_chunk(
        &mut self,
        memory: &Memory,
        size_class: usize,
        charge: Charge,
        room: &mut Room,
    ) -> Result<(), NoRoom> {
        // Each chunk is one size class above the one before it, as with data.
        let size_class = size_class.max(self.chunks.count()).min(2);
        self.chunks.reserve()?;
        self.chunks.push(memory.chunk(WIDE, size_class, charge, room)?);
        Ok(())
    }

    /// Adds an entry. `reserve` must have succeeded since the last push.
    #[inline(always)]
    pub(super) fn push(&mut self, completion: &Completion, timestamp_delta: i64) {
        let (call, tag) = match completion {
            Completion::Tag(tag) => (Entry::DEFAULT, *tag),
            Completion::Call { call, tag } => (*call, *tag),
            Completion::Waiter(waiter) => {
                self.waiters.push((self.count, waiter.clone()));
                (Entry::DEFAULT, 0)
            }
        };
        let put = if self.wide {
            self.chunks.last().put(&wide(tag, timestamp_delta, call))
        } else {
            self.chunks.last().put(&narrow(tag, timestamp_delta))
        };
        put.expect("room was reserved");
        self.count += 1;
    }

    /// Whether `push_plain` would succeed.
    #[inline(always)]
    pub(super) fn have_room_for_plain(&mut self) -> bool {
        !self.wide && self.chunks.last().room() >= NARROW
    }

    /// The chunk into which the next plain entries go, encoded by `narrow`. `None` if the entries are wide.
    #[inline(always)]
    pub(super) fn plain_chunk(&mut self) -> Option<&mut Chunk> {
        if self.wide { None } else { Some(self.chunks.last()) }
    }

    /// Counts entries that were written into that chunk.
    #[inline(always)]
    pub(super) fn count_plain(&mut self, count: usize) {
        self.count += count as u32;
    }

    /// Makes room for `push_plain`. `None`, and nothing has changed, if the entries are wide or there is no memory.
    pub(super) fn reserve_plain(&mut self, memory: &Memory, size_class: usize, room: &mut Room) -> Option<()> {
        if self.wide {
            return None;
        }
        self.reserve(&Completion::Tag(0), memory, size_class, Charge::Ask, room).ok()
    }

    /// Adds an entry for the default callback. `None`, and nothing has changed, if the entries are wide or the present
    /// chunk is full.
    #[inline(always)]
    pub(super) fn push_plain(&mut self, tag: u64, timestamp_delta: i64) -> Option<()> {
        if self.wide {
            return None;
        }
        self.chunks.last().put(&narrow(tag, timestamp_delta))?;
        self.count += 1;
        Some(())
    }

    /// Rewrites narrow entries as wide ones. Happens at most once per batch, and is refused only if the system has no
    /// memory.
    #[cold]
    fn widen(&mut self, memory: &Memory) -> Result<(), NoRoom> {
        let mut narrow = std::mem::take(&mut self.narrow);
        std::mem::swap(&mut narrow, &mut self.chunks);
        let widened = self.put_wide(&narrow, memory);
        self.wide = widened.is_ok();
        if !self.wide {
            std::mem::swap(&mut narrow, &mut self.chunks);
        }
        memory.release(narrow.drain());
        self.narrow = narrow;
        widened
    }

    fn put_wide(&mut self, narrow: &Chunks, memory: &Memory) -> Result<(), NoRoom> {
        for entry in narrow.iter().flat_map(|chunk| chunk.filled().chunks_exact(NARROW)).map(read_narrow) {
            if self.chunks.last().room() < WIDE {
                self.another_chunk(memory, 0, Charge::Force, &mut Room::default())?;
            }
            let put = self.chunks.last().put(&wide(entry.tag, entry.timestamp_delta, entry.call));
            put.expect("there is room, as was seen");
        }
        Ok(())
    }

    /// Drops the first `count` entries. Allocates nothing.
    pub(super) fn drop_first(&mut self, count: u32) {
        let mut bytes = count as usize * if self.wide { WIDE } else { NARROW };
        for chunk in self.chunks.iter_mut() {
            let dropped = bytes.min(chunk.filled().len());
            chunk.drop_first(dropped);
            bytes -= dropped;
        }
        self.waiters.retain(|(index, _)| *index >= count);
        self.waiters.iter_mut().for_each(|(index, _)| *index -= count);
        self.lent.retain(|(index, _)| *index >= count);
        self.lent.iter_mut().for_each(|(index, _)| *index -= count);
        self.count -= count;
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        let size = if self.wide { WIDE } else { NARROW };
        let read = if self.wide { read_wide } else { read_narrow };
        self.chunks.iter().flat_map(move |chunk| chunk.filled().chunks_exact(size)).map(read)
    }

    /// The entries in order, in contiguous runs. `None` unless tag and timestamp delta describe all of them.
    pub fn plain_runs(&self) -> Option<impl Iterator<Item = &[PlainEntry]>> {
        if self.wide || !self.waiters.is_empty() || !self.lent.is_empty() {
            return None;
        }
        Some(self.chunks.iter().map(|chunk| chunk.filled().as_chunks().0))
    }

    /// The waiting threads, by index of the entry.
    pub fn waiters(&self) -> &[(u32, Arc<Waiter>)] {
        &self.waiters
    }

    /// The completion of an entry that is moved to another batch. `entry` comes from `iter`.
    pub(super) fn completion(&self, index: u32, entry: Entry) -> Completion {
        if let Ok(at) = self.waiters.binary_search_by_key(&index, |(index, _)| *index) {
            return Completion::Waiter(self.waiters[at].1.clone());
        }
        match entry.call {
            Entry::DEFAULT => Completion::Tag(entry.tag),
            call => Completion::Call { call, tag: entry.tag },
        }
    }

    /// Notes that the value of the last entry was lent.
    pub(super) fn note_lent(&mut self, value: LentValue) {
        self.lent.push((self.count - 1, value));
    }

    /// The lent values, by index of the entry.
    pub fn lent(&self) -> &[(u32, LentValue)] {
        &self.lent
    }

    pub(super) fn clear(&mut self, memory: &Memory) {
        memory.release(self.chunks.drain());
        self.waiters.clear();
        self.lent.clear();
        self.count = 0;
        self.wide = false;
    }
}

#[inline(always)]
pub(super) fn narrow(tag: u64, timestamp_delta: i64) -> PlainEntry {
    let mut bytes = [0; NARROW];
    bytes[0..8].copy_from_slice(&tag.to_ne_bytes());
    bytes[8..16].copy_from_slice(&timestamp_delta.to_ne_bytes());
    bytes
}

fn wide(tag: u64, timestamp_delta: i64, call: u64) -> [u8; WIDE] {
    let mut bytes = [0; WIDE];
    bytes[0..16].copy_from_slice(&narrow(tag, timestamp_delta));
    bytes[16..24].copy_from_slice(&call.to_ne_bytes());
    bytes
}

/// A narrow entry, as stored.
pub type PlainEntry = [u8; NARROW];

#[inline]
pub(super) fn read_narrow(bytes: &[u8]) -> Entry {
    Entry { call: Entry::DEFAULT, tag: number(&bytes[0..8]), timestamp_delta: number(&bytes[8..16]).cast_signed() }
}

fn read_wide(bytes: &[u8]) -> Entry {
    Entry { call: number(&bytes[16..24]), ..read_narrow(bytes) }
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().expect("eight bytes"))
}

/// Hands the result of one record to the threads that wait for it.
#[derive(Default)]
pub struct Waiter {
    result: Mutex<Option<DeliveryResult>>,
    turn: Condvar,
    hand_over: HandOver,
    /// No thread waits yet, so the record may linger.
    patient: bool,
}

/// What a waiting thread receives: a delivery that borrows nothing.
#[derive(Clone, Debug)]
pub struct DeliveryResult {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub fate: Fate,
    pub error: Option<Error>,
    pub attempts: u32,
    pub latency: std::time::Duration,
}

impl Waiter {
    /// A waiter that does not end its batch's linger.
    pub fn patient() -> Self {
        Waiter { patient: true, ..Waiter::default() }
    }

    pub fn is_patient(&self) -> bool {
        self.patient
    }

    pub fn notify(&self, delivery: &Delivery<'_>) {
        self.hand_over.leave();
        *self.result.lock() = Some(DeliveryResult {
            partition: delivery.partition,
            offset: delivery.offset,
            timestamp: delivery.timestamp,
            fate: delivery.fate,
            error: delivery.error.cloned(),
            attempts: delivery.attempts,
            latency: delivery.latency,
        });
        self.turn.notify_all();
    }

    /// Waits for the result. `None` if it has not come by the `deadline`.
    pub fn wait(&self, deadline: Option<std::time::Instant>) -> Option<DeliveryResult> {
        let mut result = self.result.lock();
        while result.is_none() {
            if deadline.is_some_and(|deadline| std::time::Instant::now() >= deadline) {
                return None;
            }
            result = self.turn.wait(result, deadline);
        }
        self.hand_over.take();
        result.clone()
    }
}
