//! The fast path into a batch, for plain records: those without headers, loan, timeout and callback of their own.
//!
//! [`Batch::append`] takes every record and writes the same bytes. The fast path takes most records, in a fifth of the
//! instructions: one comparison of the room replaces all checks, and the [`Shape`] of the record before can usually be
//! used again.
#![expect(unsafe_code, reason = "the room is checked once for a whole record, and not for each of its fields")]

use super::chunk::Chunk;
use super::entries::{PlainEntry, narrow};
use super::shape::{ALIKE, Shape, Varint, len_of};
use super::{Batch, Charge, Completion, Room};
use crate::record::Record;
use crate::sync::{CACHE_LINE, Clock, fetch_to_write};

/// What most records are made of.
#[derive(Clone, Copy, Debug)]
pub struct PlainRecord<'a> {
    /// -1: the partitioner chooses.
    pub partition: i32,
    pub timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    pub tag: u64,
}

impl<'a> PlainRecord<'a> {
    /// The longest key, and the longest value: with both, the length of a record still has two bytes.
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

    /// A record that may be one of all kinds.
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

    /// It names no partition and has no key.
    #[inline(always)]
    pub fn is_free(&self) -> bool {
        self.partition == -1 && self.key.is_none()
    }

    #[inline(always)]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key
    }
}

/// A key or value is written behind whole words with varints in them: that much behind a record is overwritten, and is
/// the next record's.
const SLACK: usize = 8;

impl Batch {
    /// Up to so many encoded bytes a batch takes plain records: it has no more of them than three bytes count.
    pub const FAST_PATH_LIMIT: usize = 7 << 20;

    /// Encodes a record behind at least one other, if the batch then has less than `below` bytes, and returns the length
    /// that it took. `None`: nothing has changed, and `append` takes it. `below` is at most [`Batch::FAST_PATH_LIMIT`].
    #[inline(always)]
    pub fn append_fast(&mut self, record: &PlainRecord<'_>, below: usize) -> Option<usize> {
        let count = self.count();
        debug_assert!(count > 0 && below <= Self::FAST_PATH_LIMIT);
        let delta = record.timestamp.wrapping_sub(self.base_timestamp).cast_unsigned();
        let Some(nth) = self.shape.nth(delta, count) else {
            return self.append_fast_outlined(*record, below);
        };
        self.shape.become_of(len_of(record.key), len_of(record.value));
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
        // All that is counted is counted before the bytes are copied, so that little has to be kept in mind meanwhile.
        if record.timestamp > self.max_timestamp {
            self.max_timestamp = record.timestamp;
        }
        self.bytes += whole;
        // SAFETY: the chunk has room for the record and SLACK, as was seen, and the shape is the record's.
        unsafe {
            chunk.fill(whole);
            write(out, &self.shape, nth, record);
        }
        Some(whole)
    }

    /// Has the processor fetch what the next record, if it is as long as the last, is written to. Where many partitions
    /// take turns, that was the sender's before: waiting for it cost a third of the time that sending takes.
    #[inline(always)]
    pub fn expect_another(&mut self, len: usize) {
        let end = self.chunks.last().end();
        let entry = self.entries.plain_chunk().map_or(end, Chunk::end);
        for at in [end.wrapping_add(CACHE_LINE), end.wrapping_add(len), entry] {
            fetch_to_write(at);
        }
    }

    /// The same for `first` and those others in turn that differ from it in their lengths at most, while there is room for
    /// them where it is; answers how many were appended. What they take is counted once for all.
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
            self.shape.become_of(len_of(record.key), len_of(record.value));
            let whole = self.shape.whole;
            if len + whole > room {
                break;
            }
            // SAFETY: there is room for `most` entries, and for the record and SLACK; the shape is the record's.
            unsafe {
                entry.add(count).write(narrow(record.tag, delta));
                write(out.add(len), &self.shape, (nth + count) as u32, &record);
            }
            count += 1;
            len += whole;
        }
        // SAFETY: so many were written.
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
        self.shape.go_to(delta, self.count())?;
        self.append_fast(&record, below)
    }

    #[cold]
    #[inline(never)]
    fn append_fast_in_new_chunk(&mut self, record: PlainRecord<'_>, below: usize) -> Option<usize> {
        self.make_room_for_plain(self.shape.whole)?;
        self.append_fast(&record, below)
    }

    /// Gets the chunks that `reserve` would get for a record of `len` bytes, if that is certain to be enough.
    fn make_room_for_plain(&mut self, len: usize) -> Option<()> {
        let none = &mut Room::default();
        let is_full = self.chunks.last().room() < len;
        if is_full {
            self.another_chunk(len, Charge::Ask, none).ok()?;
        }
        let fits = self.chunks.last().room() >= len + SLACK;
        if fits && self.entries.reserve_plain(&self.memory, self.hint, none).is_some() {
            return Some(());
        }
        if is_full {
            self.give_back_chunk();
        }
        None
    }
}

/// # Safety
/// `shape` is that of `record`, the `nth` of it; `out` has room for it and [`SLACK`].
#[inline(always)]
unsafe fn write(out: *mut u8, shape: &Shape, nth: u32, record: &PlainRecord<'_>) {
    // SAFETY: the varints, the key, the value and one byte more are the record's length; what a word has beyond its
    // varints is within SLACK, or overwritten by what follows. Key and value do not overlap `out`, wherever they lie: what
    // is behind a chunk's end was never handed out. (They can lie in a chunk: a partitioner sees the key of a record that
    // waited for its topic, and may send that key again.)
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
/// Eight bytes can be written.
#[inline(always)]
unsafe fn put(out: *mut u8, varints: Varint) -> *mut u8 {
    // SAFETY: by this function's contract.
    unsafe {
        out.cast::<[u8; 8]>().write(varints.word.to_le_bytes());
        out.add(varints.len)
    }
}
