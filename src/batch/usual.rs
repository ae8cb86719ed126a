//! The usual record's way into a batch: a record without headers, loan, timeout and callback of its own, for which the
//! chunks that are there have room. [`Batch::append`] takes every record and writes the same bytes; this takes most, in
//! a third of the instructions, because one look at the room stands for all the checks.
#![expect(unsafe_code, reason = "the room is checked once for a whole record, and not for each of its fields")]

use super::{Batch, Completion};
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

    #[inline(always)]
    fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }

    /// Never less than its encoded length and [`SLACK`].
    #[inline(always)]
    pub fn upper_bound(&self) -> usize {
        OVERHEAD + SLACK + self.bytes()
    }
}

/// What a record takes beside its key and value: its own length, the attributes, the timestamp, the offset, two lengths
/// and the number of headers.
const OVERHEAD: usize = 2 + 1 + 2 + 3 + 2 * 2 + 1;
/// Varints are written as whole words: that much behind a record is overwritten, and is the next record's.
const SLACK: usize = 8;

impl Batch {
    /// Up to so many encoded bytes a batch takes usual records: it has no more of them than three bytes count.
    pub const USUAL_UNTIL: usize = 7 << 20;

    /// Encodes a record behind at least one other and returns the length that it took. `None`: nothing has changed, and
    /// `append` takes it. The batch has at most [`Batch::USUAL_UNTIL`] bytes.
    #[inline(always)]
    pub fn append_usual(&mut self, record: &Usual<'_>) -> Option<usize> {
        let count = self.count();
        debug_assert!(count > 0 && self.bytes <= Self::USUAL_UNTIL);
        // Later than the first record, as most are: then zigzag is a shift.
        let delta = record.timestamp.wrapping_sub(self.base_timestamp).cast_unsigned();
        let chunk = self.chunks.last();
        let room = chunk.spare();
        if delta >= TWO_BYTES / 2 || room.len() < record.upper_bound() {
            return None;
        }
        let out = room.as_mut_ptr();
        self.entries.push_usual(record.tag, delta.cast_signed())?;
        let sizes = Sizes::of(delta << 1, count, record);
        // All that is counted is counted before the bytes are copied, so that little has to be kept in mind meanwhile.
        if record.timestamp > self.max_timestamp {
            self.max_timestamp = record.timestamp;
        }
        self.bytes += sizes.whole;
        // SAFETY: the chunk has room for the record's upper bound.
        unsafe {
            chunk.fill(sizes.whole);
            sizes.write(out, record);
        }
        Some(sizes.whole)
    }
}

/// What a record's encoding is made of beside its key and value.
struct Sizes {
    /// The length of all that follows this varint.
    len: Varint,
    /// The attributes, which are 0, the timestamp and the offset.
    head: Varint,
    key_len: Varint,
    value_len: Varint,
    /// The length of the record.
    whole: usize,
}

impl Sizes {
    /// `delta` is below [`TWO_BYTES`], `count` below 2^20.
    #[inline(always)]
    fn of(delta: u64, count: u32, record: &Usual<'_>) -> Sizes {
        let head = Varint { word: 0, len: 1 }.then(Varint::of(delta)).then(Varint::of_count(count));
        let (key_len, value_len) = (Varint::of_len(record.key), Varint::of_len(record.value));
        // The number of headers, which is 0, is the last byte.
        let body = head.len + key_len.len + value_len.len + record.bytes() + 1;
        let len = Varint::of((body as u64) << 1);
        Sizes { len, head, key_len, value_len, whole: len.len + body }
    }

    /// # Safety
    /// `record` is that of `of`, and `out` has room for its upper bound.
    #[inline(always)]
    unsafe fn write(&self, out: *mut u8, record: &Usual<'_>) {
        // SAFETY: at most two bytes of each varint, six of the head, the key, the value and one byte more are within
        // the upper bound; what a word has beyond its varint is within SLACK, or overwritten by what follows. What the
        // application lends is no part of a chunk.
        unsafe {
            let mut at = self.len.put(out);
            at = self.head.put(at);
            at = self.key_len.put(at);
            if let Some(key) = record.key {
                at.copy_from_nonoverlapping(key.as_ptr(), key.len());
                at = at.add(key.len());
            }
            at = self.value_len.put(at);
            out.add(self.whole - 1).write(0);
            if let Some(value) = record.value {
                at.copy_from_nonoverlapping(value.as_ptr(), value.len());
            }
        }
    }
}

/// Varints in a word, the first byte lowest.
#[derive(Clone, Copy)]
struct Varint {
    word: u64,
    len: usize,
}

/// Below this a varint has at most two bytes.
const TWO_BYTES: u64 = 1 << 14;

impl Varint {
    /// Of a number below [`TWO_BYTES`].
    #[inline(always)]
    fn of(value: u64) -> Varint {
        if value < 0x80 { Varint { word: value, len: 1 } } else { Self::of_two(value) }
    }

    #[inline(always)]
    fn of_two(value: u64) -> Varint {
        // The upper seven bits move up by one: adding them to where they are doubles them.
        Varint { word: value + (value & !0x7f) + 0x80, len: 2 }
    }

    /// Of a count below 2^20, as zigzag has it.
    #[inline(always)]
    fn of_count(count: u32) -> Varint {
        let value = u64::from(count) << 1;
        if value < TWO_BYTES {
            return Self::of(value);
        }
        let low = value & 0x3fff | (value & !0x3fff) << 1;
        Varint { word: low + (low & 0xff_ff80) + 0x8080, len: 3 }
    }

    /// Of a length, -1 for null, as zigzag has it.
    #[inline(always)]
    fn of_len(bytes: Option<&[u8]>) -> Varint {
        bytes.map_or(Varint { word: 1, len: 1 }, |bytes| Varint::of((bytes.len() as u64) << 1))
    }

    #[inline(always)]
    fn then(self, next: Varint) -> Varint {
        Varint { word: self.word | next.word << (8 * self.len), len: self.len + next.len }
    }

    /// # Safety
    /// Eight bytes can be written.
    #[inline(always)]
    unsafe fn put(self, out: *mut u8) -> *mut u8 {
        // SAFETY: by this function's contract.
        unsafe {
            out.cast::<[u8; 8]>().write(self.word.to_le_bytes());
            out.add(self.len)
        }
    }
}
