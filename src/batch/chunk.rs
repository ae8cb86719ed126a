//! A piece of memory with a fixed capacity, filled from the front.

/// Bytes and how many of them are in use. A record never straddles two chunks, so each is a valid slice of records.
#[derive(Default)]
pub struct Chunk {
    bytes: Box<[u8]>,
    len: usize,
}

/// The sizes that are kept for reuse. A batch's first chunk is as small as its first record allows, so that ten
/// thousand partitions with a record each cost little; a partition that filled its last batch starts with the largest.
pub(super) const CLASSES: [usize; 4] = [256, 1024, 4096, 16384];

impl Chunk {
    pub(super) fn new(capacity: usize) -> Self {
        Chunk { bytes: vec![0; capacity].into_boxed_slice(), len: 0 }
    }

    pub(super) fn reuse(bytes: Box<[u8]>) -> Self {
        Chunk { bytes, len: 0 }
    }

    pub(super) fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }

    #[inline]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub fn room(&self) -> usize {
        self.bytes.len() - self.len
    }

    /// The next `len` bytes to fill; there must be room for them.
    #[inline]
    pub fn grow(&mut self, len: usize) -> &mut [u8] {
        let start = self.len;
        self.len += len;
        &mut self.bytes[start..start + len]
    }
}

/// The class to use for `bytes`, or `None` if that is better served by an exact size.
pub(super) fn class_for(bytes: usize) -> Option<usize> {
    // Above half of the largest class, a chunk to itself wastes less than a chunk of the class would.
    if bytes > CLASSES[CLASSES.len() - 1] / 2 { None } else { CLASSES.iter().position(|&size| size >= bytes) }
}

/// Exact sizes are rounded up to this, to spare the allocator odd ones.
pub(super) fn exact_size(bytes: usize) -> usize {
    bytes.next_multiple_of(512)
}
