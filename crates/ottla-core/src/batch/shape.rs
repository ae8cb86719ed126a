//! The fields of an encoded record other than key and value. Most records have the length and the timestamp of the
//! record before them. Then only the offset differs, so the other fields are computed once for many records.

/// The lengths, timestamp and offset of records of one kind, encoded.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// As `len_of` has them.
    key_len: usize,
    value_len: usize,
    place: Position,
    /// Where the byte is in the head that the offsets of a place differ in.
    shift: u32,
    /// The length of all that follows it, and the place.
    head: Varint,
    /// The key's length.
    pub before_key: Varint,
    /// The value's length; behind that of the key, if that is null.
    pub before_value: Varint,
    /// The length of the record.
    pub whole: usize,
}

/// What a record's place in its batch makes of it: the attributes, which are 0, the timestamp and the offset.
#[derive(Clone, Copy)]
struct Position {
    /// Milliseconds after the first record.
    delta: u64,
    /// It is of this offset and the `ALIKE` - 1 after it, which differ in one byte.
    first: u32,
    /// Bits before that byte, and one.
    shift: u32,
    encoded: Varint,
}

/// Offsets whose varints differ in the first byte only.
pub(super) const ALIKE: usize = 64;

/// In place of a length: there is nothing.
const NULL: usize = usize::MAX;

#[inline(always)]
pub(super) fn len_of(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(NULL, <[u8]>::len)
}

impl Default for Shape {
    /// That of no record.
    fn default() -> Self {
        let (head, before_key, before_value) = (Varint::NONE, Varint::NONE, Varint::NONE);
        // No batch has so many records.
        let place = Position { delta: 0, first: 1 << 31, shift: 0, encoded: Varint::NONE };
        Shape { key_len: 0, value_len: 0, place, shift: 0, head, before_key, before_value, whole: 0 }
    }
}

impl Shape {
    /// The how manieth record of this place it is, if it is one.
    #[inline(always)]
    pub(super) fn nth(&self, delta: u64, offset: u32) -> Option<u32> {
        self.place.nth(delta, offset)
    }

    /// The timestamp of its records, after the first of the batch, and the how manieth of this place has this offset.
    #[inline(always)]
    pub(super) fn next(&self, offset: u32) -> (i64, usize) {
        (self.place.delta.cast_signed(), offset.wrapping_sub(self.place.first) as usize)
    }

    /// Goes to the place of a record of this timestamp and offset, which is below 2^20; `None`, and nothing has changed,
    /// if the timestamp is too far from that of the first record, or before it.
    pub(super) fn go_to(&mut self, delta: u64, offset: u32) -> Option<()> {
        self.place = Position::of(delta, offset)?;
        self.encode(self.key_len, self.value_len);
        Some(())
    }

    /// Becomes that of records with such a key and value, of which each is at most `PlainRecord::LONGEST` long.
    #[inline(always)]
    pub(super) fn become_of(&mut self, key_len: usize, value_len: usize) {
        if self.value_len != value_len || self.key_len != key_len {
            self.encode(key_len, value_len);
        }
    }

    #[inline(always)]
    fn encode(&mut self, key_len: usize, value_len: usize) {
        let (key, value) = (Varint::of_len(key_len), Varint::of_len(value_len));
        let bytes = |len: usize| if len == NULL { 0 } else { len };
        let body = self.place.encoded.len + key.len + bytes(key_len) + value.len + bytes(value_len) + 1;
        let len = Varint::of((body as u64) << 1);
        (self.key_len, self.value_len) = (key_len, value_len);
        self.shift = 8 * len.len as u32 + self.place.shift;
        self.head = len.then(self.place.encoded);
        self.before_key = key;
        self.before_value = if key_len == NULL { key.then(value) } else { value };
        self.whole = len.len + body;
    }

    /// That of the `nth`.
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
    fn of(delta: u64, offset: u32) -> Option<Position> {
        // Zigzag is a shift for what is not negative.
        if delta >= TWO_BYTES / 2 {
            return None;
        }
        let first = offset & !(ALIKE as u32 - 1);
        let time = Varint { word: 0, len: 1 }.then(Varint::of(delta << 1));
        Some(Position { delta, first, shift: 8 * time.len as u32 + 1, encoded: time.then(Varint::of_count(first)) })
    }
}

/// Varints in a word, the first byte lowest.
#[derive(Clone, Copy)]
pub(super) struct Varint {
    pub word: u64,
    pub len: usize,
}

/// Below this a varint has at most two bytes.
const TWO_BYTES: u64 = 1 << 14;

impl Varint {
    const NONE: Varint = Varint { word: 0, len: 0 };

    /// Of a number below [`TWO_BYTES`].
    #[inline(always)]
    fn of(value: u64) -> Varint {
        if value < 0x80 {
            return Varint { word: value, len: 1 };
        }
        // The upper seven bits move up by one: adding them to where they are doubles them.
        Varint { word: value + (value & !0x7f) + 0x80, len: 2 }
    }

    /// Of a count below 2^20, as zigzag has it.
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
    fn of_len(len: usize) -> Varint {
        if len == NULL { Varint { word: 1, len: 1 } } else { Varint::of((len as u64) << 1) }
    }

    #[inline(always)]
    fn then(self, next: Varint) -> Varint {
        Varint { word: self.word | next.word << (8 * self.len), len: self.len + next.len }
    }
}
