//! A piece of memory with a fixed capacity, filled from the front.
#![expect(unsafe_code, reason = "`len` is within the capacity: asking again costs each record as much as its checksum")]

/// Bytes and how many of them are in use. A record never straddles two chunks, so each is a valid slice of records.
#[derive(Default)]
pub struct Chunk {
    bytes: Box<[u8]>,
    len: usize,
}

/// Chunks that are filled one after the other, the one that is being filled at hand.
#[derive(Default)]
pub struct Chunks {
    full: Vec<Chunk>,
    /// Without capacity while there is none.
    last: Chunk,
}

/// The chunks in order.
pub type ChunkIter<'a> = std::iter::Chain<std::slice::Iter<'a, Chunk>, std::option::IntoIter<&'a Chunk>>;

impl Chunks {
    pub fn iter(&self) -> ChunkIter<'_> {
        self.full.iter().chain(Some(&self.last).filter(|last| last.capacity() > 0))
    }

    /// The chunk that is being filled.
    #[inline(always)]
    pub(super) fn last(&mut self) -> &mut Chunk {
        &mut self.last
    }

    pub(super) fn count(&self) -> usize {
        self.iter().count()
    }

    pub(super) fn push(&mut self, chunk: Chunk) {
        let before = std::mem::replace(&mut self.last, chunk);
        if before.capacity() > 0 {
            self.full.push(before);
        }
    }

    /// Takes them all out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Chunk> + '_ {
        let last = Some(std::mem::take(&mut self.last)).filter(|last| last.capacity() > 0);
        self.full.drain(..).chain(last)
    }

    pub(super) fn pop(&mut self) -> Option<Chunk> {
        let last = std::mem::replace(&mut self.last, self.full.pop().unwrap_or_default());
        Some(last).filter(|last| last.capacity() > 0)
    }
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

    /// All that is not in use.
    #[inline(always)]
    pub(super) fn spare(&mut self) -> &mut [u8] {
        // SAFETY: `len` is never more than the capacity: whatever changes it sees to that.
        unsafe { self.bytes.get_unchecked_mut(self.len..) }
    }

    /// Takes the first `len` of the spare bytes into use.
    ///
    /// # Safety
    /// There are as many.
    #[inline(always)]
    pub(super) unsafe fn fill(&mut self, len: usize) {
        debug_assert!(len <= self.room());
        self.len += len;
    }

    /// The next bytes to fill, if there is room for them.
    #[inline(always)]
    pub(super) fn take<const LEN: usize>(&mut self) -> Option<&mut [u8; LEN]> {
        if self.room() < LEN {
            return None;
        }
        let start = self.len;
        self.len += LEN;
        // SAFETY: `start` and LEN bytes more are within the capacity, as was seen.
        unsafe { self.bytes.get_unchecked_mut(start..start + LEN) }.first_chunk_mut()
    }

    /// The next `len` bytes to fill; there must be room for them.
    #[inline]
    pub fn grow(&mut self, len: usize) -> &mut [u8] {
        let start = self.len;
        let taken = &mut self.bytes[start..start + len];
        self.len += len;
        taken
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
