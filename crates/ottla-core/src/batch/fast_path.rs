//! The fast path into a batch, for plain records: those without headers, loan, timeout and callback of their own.
//!
//! [`Batch::append`] takes every record and writes the same bytes. The fast path takes most records, with a fifth of
//! the instructions. One comparison of the room replaces all checks, and the [`Shape`] of the previous record can
//! usually be reused.
#![expect(unsafe_code, reason = "the room is checked once for a whole record, and not for each of its fields")]

use super::chunk::Chunk;
use super::entries::{PlainEntry, narrow};
use super::shape::{ALIKE, Shape, Varint, len_of};
use super::{Batch, Charge, Completion, Room};
use crate::record::Record;
use crate::sync::{CACHE_LINE, Clock, fetch_to_write};

/// What most records consist of.
#[derive(Clone, Copy, Debug)]
pub struct PlainRecord<'a> {
    /// -1: the partitioner chooses. An `Option` would be one more value to pass and to test for each record.
    pub partition: i32,
    pub timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    pub tag: u64,
}

impl<'a> PlainRecord<'a> {
    /// The longest key, and the longest value. With both, the record's length still takes two bytes as a varint.
    pub const LONGEST: usize = 4080;

    /// `None` if the key or the value is too long.
    #[inline(always)]
    pub fn new(
        partition: i32,
        timestamp: i64,
        key: Option<&'a [u8]>,
        value: Option<&'a [u8]>,
        tag: u64,
    ) -> Option<Self> {
        let fits = |bytes: Option<&[u8]>| bytes.is_none_or(|bytes| bytes.len() <= Self::LONGEST);
        (fits(key) && fits(value)).then_some(PlainRecord { partition, timestamp, key, value, tag })
    }

    /// The record as a plain record; `None` if it is not one.
    #[inline]
    pub fn from_record(record: &Record<'a>, completion: &Completion, clock: &impl Clock) -> Option<Self> {
        let Completion::Tag(tag) = *completion else { return None };
        if !record.headers.is_empty() || record.timeout.is_some() || record.lent.is_some() {
            return None;
        }
        let partition = record.partition.unwrap_or(-1);
        let timestamp = record.timestamp.unwrap_or_else(|| clock.wall_ms());
        Self::new(partition, timestamp, record.key, record.value, tag)
    }

    /// The record names no partition and has no key.
    #[inline(always)]
    pub fn is_free(&self) -> bool {
        self.partition == -1 && self.key.is_none()
    }

    #[inline(always)]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key
    }
}

/// Varints are stored as whole 8-byte words, so up to 8 bytes past the record are scratch. What follows overwrites
/// them.
const SLACK: usize = 8;

impl Batch {
    /// Up to this many encoded bytes a batch takes plain records. Up to there, the offset of a record takes at most
    /// three bytes as a varint.
    pub const FAST_PATH_LIMIT: usize = 7 << 20;

    /// Encodes a record after at least one other, if the batch then has less than `below` bytes. Returns the record's
    /// encoded length. `None`: nothing has changed, and `append` must be called. `below` is at most
    /// [`Batch::FAST_PATH_LIMIT`].
    #[inline(always)]
    pub fn append_fast(&mut self, record: &PlainRecord<'_>, below: usize) -> Option<usize> {
        let count = self.count();
        debug_assert!(count > 0 && below <= Self::FAST_PATH_LIMIT);
        let delta = record.timestamp.wrapping_sub(self.base_timestamp).cast_unsigned();
        let Some(nth) = self.shape.nth(delta, count) else {
            return self.append_fast_outlined(*record, below);
        };
        self.shape.set_lengths(len_of(record.key), len_of(record.value));
        let whole = self.shape.whole;
        if self.bytes + whole >= below {
            return None;
        }
        let chunk = self.chunks.last();
        if chunk.room() < whole + SLACK || !self.entries.have_room_for_plain() {
            return self.append_fast_in_new_chunk(*record, below);
        }
        let out = chunk.end();
        self.entries.push_plain(record.tag, delta.cast_signed())?;
        // Everything is counted before the bytes are copied, so that few registers have to survive the copy.
        if record.timestamp > self.max_timestamp {
            self.max_timestamp = record.timestamp;
        }
        self.bytes += whole;
        // SAFETY: the chunk has room for the record and SLACK, as tested above, and the shape is the record's.
        unsafe {
            chunk.fill(whole);
            write(out, &self.shape, nth, record);
        }
        Some(whole)
    }

    /// Prefetches the memory that the next record will be written to, if it is as long as the last one. With many
    /// partitions in turn, that memory is in the cache of the sender's core. Waiting for it took a third of the time of
    /// a send.
    #[inline(always)]
    pub fn expect_another(&mut self, len: usize) {
        let end = self.chunks.last().end();
        let entry = self.entries.plain_chunk().map_or(end, Chunk::end);
        for at in [end.wrapping_add(CACHE_LINE), end.wrapping_add(len), entry] {
            fetch_to_write(at);
        }
    }

    /// Appends `first` and then `others`, as long as these differ from it only in their lengths and fit into the same
    /// chunks. Returns how many were appended. The counters are updated once for the whole run.
    #[inline(always)]
    pub fn append_fast_run<'r>(
        &mut self,
        first: &PlainRecord<'r>,
        others: impl Iterator<Item = PlainRecord<'r>>,
        below: usize,
    ) -> usize {
        if self.append_fast(first, below).is_none() {
            return 0;
        }
        let (delta, nth) = self.shape.next(self.count());
        let Some(entries) = self.entries.plain_chunk() else { return 1 };
        let chunk = self.chunks.last();
        let room = chunk.room().saturating_sub(SLACK).min(below.saturating_sub(self.bytes + 1));
        let most = (ALIKE - nth).min(entries.room() / size_of::<PlainEntry>());
        let (out, entry) = (chunk.end(), entries.end().cast::<PlainEntry>());
        let (mut count, mut len) = (0, 0);
        for record in others {
            if count == most || record.timestamp != first.timestamp {
                break;
            }
            self.shape.set_lengths(len_of(record.key), len_of(record.value));
            let whole = self.shape.whole;
            if len + whole > room {
                break;
            }
            // SAFETY: there is room for `most` entries, and for the record and SLACK. The shape is the record's.
            unsafe {
                entry.add(count).write(narrow(record.tag, delta));
                write(out.add(len), &self.shape, (nth + count) as u32, &record);
            }
            count += 1;
            len += whole;
        }
        // SAFETY: this many entries and bytes were written.
        unsafe {
            entries.fill(count * size_of::<PlainEntry>());
            chunk.fill(len);
        }
        self.entries.count_plain(count);
        self.bytes += len;
        1 + count
    }

    #[cold]
    #[inline(never)]
    fn append_fast_outlined(&mut self, record: PlainRecord<'_>, below: usize) -> Option<usize> {
        let delta = record.timestamp.wrapping_sub(self.base_timestamp).cast_unsigned();
        self.shape.move_to(delta, self.count())?;
        self.append_fast(&record, below)
    }

    #[cold]
    #[inline(never)]
    fn append_fast_in_new_chunk(&mut self, record: PlainRecord<'_>, below: usize) -> Option<usize> {
        self.make_room_for_plain(self.shape.whole)?;
        self.append_fast(&record, below)
    }

    /// Gets the chunks that `reserve` would get for a record of `len` bytes, unless they might be too small for the
    /// fast path.
    fn make_room_for_plain(&mut self, len: usize) -> Option<()> {
        let none = &mut Room::default();
        let is_full = self.chunks.last().room() < len;
        if is_full {
            self.another_chunk(len, Charge::Ask, none).ok()?;
        }
        let fits = self.chunks.last().room() >= len + SLACK;
        if fits && self.entries.reserve_plain(&self.memory, self.first_size_class, none).is_some() {
            return Some(());
        }
        if is_full {
            self.give_back_chunk();
        }
        None
    }
}

/// # Safety
/// `shape` is that of `record`, which is its `nth`. `out` has room for the record and [`SLACK`].
#[inline(always)]
unsafe fn write(out: *mut u8, shape: &Shape, nth: u32, record: &PlainRecord<'_>) {
    // SAFETY: the varints, the key, the value and one more byte make up the record's length. The bytes of a word beyond
    // its varints are within SLACK, or are overwritten by what follows. Key and value do not overlap `out`, wherever
    // they lie, because the bytes past a chunk's end were never handed out. (They can lie in a chunk: a partitioner
    // sees the key of a record that waited for its topic, and may send that key again.)
    unsafe {
        let mut at = put(out, shape.head(nth));
        if let Some(key) = record.key {
            at = put(at, shape.before_key);
            at.copy_from_nonoverlapping(key.as_ptr(), key.len());
            at = at.add(key.len());
        }
        at = put(at, shape.before_value);
        // The number of headers.
        out.add(shape.whole - 1).write(0);
        if let Some(value) = record.value {
            at.copy_from_nonoverlapping(value.as_ptr(), value.len());
        }
    }
}

/// # Safety
/// Eight bytes at `out` can be written.
#[inline(always)]
unsafe fn put(out: *mut u8, varints: Varint) -> *mut u8 {
    // SAFETY: by this function's contract.
    unsafe {
        out.cast::<[u8; 8]>().write(varints.word.to_le_bytes());
        out.add(varints.len)
    }
}
