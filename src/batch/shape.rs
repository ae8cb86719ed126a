//! What a usual record is made of beside its key and value. Most records are as long as the one before and have its
//! timestamp: then nothing differs but the offset, so it is computed once for many.

/// The lengths, timestamp and offset of records of one kind, encoded.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Milliseconds after the first record.
    delta: u64,
    /// As `len_of` has them.
    key_len: usize,
    value_len: usize,
    /// It is of this offset and the [`ALIKE`] - 1 after it, which differ in one byte.
    first: u32,
    /// Where that byte is in the head.
    shift: u32,
    /// The length of all that follows it, the attributes, which are 0, the timestamp and the first offset.
    head: Varint,
    /// The key's length.
    pub before_key: Varint,
    /// The value's length; behind that of the key, if that is null.
    pub before_value: Varint,
    /// The length of the record.
    pub whole: usize,
}

/// Offsets whose varints differ in the first byte only.
const ALIKE: u32 = 64;

/// In place of a length: there is nothing.
const NULL: usize = usize::MAX;

#[inline(always)]
pub(super) fn len_of(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(NULL, <[u8]>::len)
}

impl Default for Shape {
    /// That of no record.
    fn default() -> Self {
        let none = Varint { word: 0, len: 0 };
        let (head, before_key, before_value) = (none, none, none);
        Shape {
            delta: u64::MAX,
            key_len: 0,
            value_len: 0,
            first: 0,
            shift: 0,
            head,
            before_key,
            before_value,
            whole: 0,
        }
    }
}

impl Shape {
    #[inline(always)]
    pub(super) fn is_of(&self, delta: u64, offset: u32, key_len: usize, value_len: usize) -> bool {
        self.value_len == value_len
            && self.key_len == key_len
            && self.delta == delta
            && offset.wrapping_sub(self.first) < ALIKE
    }

    /// `None`, and nothing has changed, if the timestamp is too far from that of the first record, or before it.
    /// `offset` is below 2^20, and the lengths are at most `Usual::LONGEST`.
    #[inline(never)]
    pub(super) fn become_of(&mut self, delta: u64, offset: u32, key_len: usize, value_len: usize) -> Option<()> {
        // Zigzag is a shift for what is not negative.
        if delta >= TWO_BYTES / 2 {
            return None;
        }
        let first = offset & !(ALIKE - 1);
        let time = Varint { word: 0, len: 1 }.then(Varint::of(delta << 1));
        let head = time.then(Varint::of_count(first));
        let (key, value) = (Varint::of_len(key_len), Varint::of_len(value_len));
        let bytes = |len: usize| if len == NULL { 0 } else { len };
        let body = head.len + key.len + bytes(key_len) + value.len + bytes(value_len) + 1;
        let len = Varint::of((body as u64) << 1);
        *self = Shape {
            delta,
            key_len,
            value_len,
            first,
            shift: 8 * (len.len + time.len) as u32 + 1,
            head: len.then(head),
            before_key: key,
            before_value: if key_len == NULL { key.then(value) } else { value },
            whole: len.len + body,
        };
        Some(())
    }

    /// That of a record with this offset.
    #[inline(always)]
    pub(super) fn head(&self, offset: u32) -> Varint {
        Varint { word: self.head.word + (u64::from(offset - self.first) << self.shift), len: self.head.len }
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
    /// Of a number below [`TWO_BYTES`].
    fn of(value: u64) -> Varint {
        if value < 0x80 { Varint { word: value, len: 1 } } else { Self::of_two(value) }
    }

    fn of_two(value: u64) -> Varint {
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
    fn of_len(len: usize) -> Varint {
        if len == NULL { Varint { word: 1, len: 1 } } else { Varint::of((len as u64) << 1) }
    }

    fn then(self, next: Varint) -> Varint {
        Varint { word: self.word | next.word << (8 * self.len), len: self.len + next.len }
    }
}
