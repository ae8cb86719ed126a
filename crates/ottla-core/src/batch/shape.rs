//! The encoded fields of a record other than key and value. Most records have the lengths and the timestamp of the
//! record before them. Then only the offset differs, so the other fields are encoded once for many records.

/// The encoded lengths, timestamp and offset of a group of records that differ only in the offset.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// As `len_of` has them.
    key_len: usize,
    value_len: usize,
    position: Position,
    /// The bit in `head` from which the offsets of the group count.
    shift: u32,
    /// The record's length, and its encoded position.
    head: Varint,
    /// The key's length.
    pub before_key: Varint,
    /// The value's length. If the key is null, the key's length precedes it.
    pub before_value: Varint,
    /// The length of the whole record.
    pub whole: usize,
}

/// What follows from a record's position in its batch: the attributes, which are 0, the timestamp and the offset.
#[derive(Clone, Copy)]
struct Position {
    /// Milliseconds after the first record of the batch.
    delta: u64,
    /// The first of the `ALIKE` offsets of this group, which differ in one byte.
    first: u32,
    /// The bit from which the offset counts: zigzag moves it up by one.
    shift: u32,
    encoded: Varint,
}

/// So many consecutive offsets have varints that differ only in the first byte.
pub(super) const ALIKE: usize = 64;

/// In place of a length: null.
const NULL: usize = usize::MAX;

#[inline(always)]
pub(super) fn len_of(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(NULL, <[u8]>::len)
}

impl Default for Shape {
    /// A shape that fits no record.
    fn default() -> Self {
        let (head, before_key, before_value) = (Varint::NONE, Varint::NONE, Varint::NONE);
        // No batch has so many records.
        let position = Position { delta: 0, first: 1 << 31, shift: 0, encoded: Varint::NONE };
        Shape { key_len: 0, value_len: 0, position, shift: 0, head, before_key, before_value, whole: 0 }
    }
}

impl Shape {
    /// The record's index within this group of offsets, if it belongs to it.
    #[inline(always)]
    pub(super) fn nth(&self, delta: u64, offset: u32) -> Option<u32> {
        self.position.nth(delta, offset)
    }

    /// The timestamp of the group's records, relative to the first of the batch, and the index of `offset` within the
    /// group.
    #[inline(always)]
    pub(super) fn next(&self, offset: u32) -> (i64, usize) {
        (self.position.delta.cast_signed(), offset.wrapping_sub(self.position.first) as usize)
    }

    /// Moves to the group of a record with this timestamp and offset. The offset is below 2^20. `None`, and nothing has
    /// changed, if the timestamp is before that of the first record or too far from it.
    pub(super) fn move_to(&mut self, delta: u64, offset: u32) -> Option<()> {
        self.position = Position::new(delta, offset)?;
        self.encode(self.key_len, self.value_len);
        Some(())
    }

    /// Sets the lengths of key and value. Each is at most `PlainRecord::LONGEST`, or null.
    #[inline(always)]
    pub(super) fn set_lengths(&mut self, key_len: usize, value_len: usize) {
        if self.value_len != value_len || self.key_len != key_len {
            self.encode(key_len, value_len);
        }
    }

    #[inline(always)]
    fn encode(&mut self, key_len: usize, value_len: usize) {
        let (key, value) = (Varint::from_len(key_len), Varint::from_len(value_len));
        let bytes = |len: usize| if len == NULL { 0 } else { len };
        let body = self.position.encoded.len + key.len + bytes(key_len) + value.len + bytes(value_len) + 1;
        let len = Varint::new((body as u64) << 1);
        (self.key_len, self.value_len) = (key_len, value_len);
        self.shift = 8 * len.len as u32 + self.position.shift;
        self.head = len.then(self.position.encoded);
        self.before_key = key;
        self.before_value = if key_len == NULL { key.then(value) } else { value };
        self.whole = len.len + body;
    }

    /// The head of the `nth` record of the group.
    #[inline(always)]
    pub(super) fn head(&self, nth: u32) -> Varint {
        Varint { word: self.head.word + (u64::from(nth) << self.shift), len: self.head.len }
    }
}

impl Position {
    #[inline(always)]
    fn nth(&self, delta: u64, offset: u32) -> Option<u32> {
        if self.delta != delta {
            return None;
        }
        let nth = offset.wrapping_sub(self.first);
        if nth < ALIKE as u32 { Some(nth) } else { None }
    }

    #[cold]
    fn new(delta: u64, offset: u32) -> Option<Position> {
        // Zigzag doubles what is not negative, and two bytes must suffice.
        if delta >= TWO_BYTES / 2 {
            return None;
        }
        let first = offset & !(ALIKE as u32 - 1);
        let time = Varint { word: 0, len: 1 }.then(Varint::new(delta << 1));
        Some(Position { delta, first, shift: 8 * time.len as u32 + 1, encoded: time.then(Varint::from_count(first)) })
    }
}

/// Varints in a word, the first byte lowest.
#[derive(Clone, Copy)]
pub(super) struct Varint {
    pub word: u64,
    pub len: usize,
}

/// Varints of smaller numbers have at most two bytes.
const TWO_BYTES: u64 = 1 << 14;

impl Varint {
    const NONE: Varint = Varint { word: 0, len: 0 };

    /// A number below [`TWO_BYTES`].
    #[inline(always)]
    fn new(value: u64) -> Varint {
        if value < 0x80 {
            return Varint { word: value, len: 1 };
        }
        // The upper seven bits move up by one. Adding them to themselves does that.
        Varint { word: value + (value & !0x7f) + 0x80, len: 2 }
    }

    /// A count below 2^20, zigzag-encoded.
    fn from_count(count: u32) -> Varint {
        let value = u64::from(count) << 1;
        if value < TWO_BYTES {
            return Self::new(value);
        }
        let low = value & 0x3fff | (value & !0x3fff) << 1;
        Varint { word: low + (low & 0xff_ff80) + 0x8080, len: 3 }
    }

    /// A length, zigzag-encoded; null is -1.
    #[inline(always)]
    fn from_len(len: usize) -> Varint {
        if len == NULL { Varint { word: 1, len: 1 } } else { Varint::new((len as u64) << 1) }
    }

    #[inline(always)]
    fn then(self, next: Varint) -> Varint {
        Varint { word: self.word | next.word << (8 * self.len), len: self.len + next.len }
    }
}
