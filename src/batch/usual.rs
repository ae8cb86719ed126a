//! The usual record's way into a batch: a record without headers, loan, timeout and callback of its own. [`Batch::append`]
//! takes every record and writes the same bytes; this takes most, in a fifth of the instructions, because one look at the
//! room stands for all the checks, and the [`Shape`] of the record before is mostly this one's too.
#![expect(unsafe_code, reason = "the room is checked once for a whole record, and not for each of its fields")]

use super::shape::{Shape, Varint, len_of};
use super::{Batch, Charge, Completion, Room};
use crate::record::Record;
use crate::sync::Clock;

/// What most records are made of.
#[derive(Clone, Copy, Debug)]
pub struct Usual<'a> {
    /// -1: the partitioner chooses.
    pub partition: i32,
    pub timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    pub tag: u64,
}

impl<'a> Usual<'a> {
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
        (fits(key) && fits(value)).then_some(Usual { partition, timestamp, key, value, tag })
    }

    /// A record that may be one of all kinds.
    #[inline]
    pub fn of(record: &Record<'a>, completion: &Completion, clock: &impl Clock) -> Option<Self> {
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
    /// Up to so many encoded bytes a batch takes usual records: it has no more of them than three bytes count.
    pub const USUAL_UNTIL: usize = 7 << 20;

    /// Encodes a record behind at least one other, if the batch then has less than `below` bytes, and returns the length
    /// that it took. `None`: nothing has changed, and `append` takes it. `below` is at most [`Batch::USUAL_UNTIL`].
    #[inline(always)]
    pub fn append_usual(&mut self, record: &Usual<'_>, below: usize) -> Option<usize> {
        let count = self.count();
        debug_assert!(count > 0 && below <= Self::USUAL_UNTIL);
        let delta = record.timestamp.wrapping_sub(self.base_timestamp).cast_unsigned();
        let (key_len, value_len) = (len_of(record.key), len_of(record.value));
        let nth = match self.shape.nth(delta, count, key_len, value_len) {
            Some(nth) => nth,
            None => self.shape.become_of(delta, count, key_len, value_len)?,
        };
        let whole = self.shape.whole;
        if self.bytes + whole >= below {
            return None;
        }
        let chunk = self.chunks.last();
        if chunk.room() < whole + SLACK || !self.entries.have_room_for_usual() {
            return self.append_usual_in_new_chunk(*record, below);
        }
        let out = chunk.end();
        self.entries.push_usual(record.tag, delta.cast_signed())?;
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

    #[cold]
    #[inline(never)]
    fn append_usual_in_new_chunk(&mut self, record: Usual<'_>, below: usize) -> Option<usize> {
        self.make_usual_room(self.shape.whole)?;
        self.append_usual(&record, below)
    }

    /// Gets the chunks that `reserve` would get for a record of `len` bytes, if that is certain to be enough.
    fn make_usual_room(&mut self, len: usize) -> Option<()> {
        let none = &mut Room::default();
        let is_full = self.chunks.last().room() < len;
        if is_full {
            self.another_chunk(len, Charge::Ask, none).ok()?;
        }
        let fits = self.chunks.last().room() >= len + SLACK;
        if fits && self.entries.reserve_usual(&self.memory, self.hint, none).is_some() {
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
unsafe fn write(out: *mut u8, shape: &Shape, nth: u32, record: &Usual<'_>) {
    // SAFETY: the varints, the key, the value and one byte more are the record's length; what a word has beyond its
    // varints is within SLACK, or overwritten by what follows. What the application lends is no part of a chunk.
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
