//! A piece of memory with a fixed capacity, filled from the accumulator.
#![expect(
    unsafe_code,
    reason = "its bytes are written once, not cleared before, and `len` is not compared for each record"
)]

use std::mem::MaybeUninit;

use super::NoRoom;

/// Memory that nothing was written to, or what is of no interest any more.
pub(super) type Space = Box<[MaybeUninit<u8>]>;

/// Bytes and how many of them are in use. A record never straddles two chunks, so each is a valid slice of records.
#[derive(Default)]
pub struct Chunk {
    space: Space,
    /// Within the space; so many bytes of it were written.
    len: usize,
}

/// Chunks that are filled one after the other, the one that is being filled at hand.
#[derive(Default)]
#[repr(C)]
pub struct Chunks {
    /// Without capacity while there is none.
    last: Chunk,
    full: Vec<Chunk>,
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

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Chunk> {
        self.full.iter_mut().chain(Some(&mut self.last))
    }

    /// Makes a place for another chunk, so that the next `push` cannot fail.
    pub(super) fn reserve(&mut self) -> Result<(), NoRoom> {
        self.full.try_reserve(1).map_err(|_| NoRoom::System(size_of::<Chunk>()))
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
    /// `None` if the system has no memory for it.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        let mut space = Vec::new();
        space.try_reserve_exact(capacity).ok()?;
        // SAFETY: there is room for as many, and none of them has to be initialised.
        unsafe { space.set_len(capacity) };
        Some(Chunk { space: space.into_boxed_slice(), len: 0 })
    }

    pub(super) fn reuse(space: Space) -> Self {
        Chunk { space, len: 0 }
    }

    pub(super) fn into_space(self) -> Space {
        self.space
    }

    #[inline]
    pub fn filled(&self) -> &[u8] {
        // SAFETY: `len` is within the space, and as much was written.
        unsafe { std::slice::from_raw_parts(self.space.as_ptr().cast(), self.len) }
    }

    #[inline]
    pub fn capacity(&self) -> usize {
        self.space.len()
    }

    #[inline]
    pub fn room(&self) -> usize {
        self.space.len() - self.len
    }

    /// Where the next byte goes.
    #[inline(always)]
    pub(super) fn end(&mut self) -> *mut u8 {
        // SAFETY: `len` is within the space.
        unsafe { self.space.as_mut_ptr().add(self.len).cast() }
    }

    /// Takes the next `len` bytes into use.
    ///
    /// # Safety
    /// There is room for them, and they are written before anything else is done with the chunk.
    #[inline(always)]
    pub(super) unsafe fn fill(&mut self, len: usize) {
        debug_assert!(len <= self.room());
        self.len += len;
    }

    /// Drops the first `len` bytes.
    pub(super) fn drop_first(&mut self, len: usize) {
        self.space.copy_within(len..self.len, 0);
        self.len -= len;
    }

    /// Appends `bytes` if there is room for them.
    #[inline(always)]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        if self.room() < bytes.len() {
            return None;
        }
        // SAFETY: there is room, and all of it is written. Nobody else has a reference to it.
        unsafe {
            self.end().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            self.fill(bytes.len());
        }
        Some(())
    }

    /// The next `len` bytes, to be written; there must be room for them.
    #[inline]
    pub fn grow(&mut self, len: usize) -> &mut [u8] {
        assert!(len <= self.room(), "a chunk does not grow");
        // SAFETY: there is room, and all of it is written, if only with zeros.
        unsafe {
            let out = self.end();
            out.write_bytes(0, len);
            self.fill(len);
            std::slice::from_raw_parts_mut(out, len)
        }
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
