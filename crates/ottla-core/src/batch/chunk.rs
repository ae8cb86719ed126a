//! A chunk: a piece of memory with a fixed capacity, into which records are encoded.
#![expect(
    unsafe_code,
    reason = "its bytes are written once, not cleared before, and `len` is not compared for each record"
)]

use std::mem::MaybeUninit;

use super::NoRoom;

/// Memory that is uninitialised, or whose content does not matter any more.
pub(super) type Space = Box<[MaybeUninit<u8>]>;

/// Memory, and how many bytes of it are in use. A record never straddles two chunks, so each chunk is a valid run of
/// records.
#[derive(Default)]
pub struct Chunk {
    space: Space,
    /// At most the length of `space`. This many bytes of it are initialised.
    len: usize,
}

/// Chunks that are filled one after the other. The one that is being filled has a field of its own.
#[derive(Default)]
#[repr(C)]
pub struct Chunks {
    /// Has no capacity if there is no chunk yet.
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

    /// Takes all chunks out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Chunk> + '_ {
        let last = Some(std::mem::take(&mut self.last)).filter(|last| last.capacity() > 0);
        self.full.drain(..).chain(last)
    }

    pub(super) fn pop(&mut self) -> Option<Chunk> {
        let last = std::mem::replace(&mut self.last, self.full.pop().unwrap_or_default());
        Some(last).filter(|last| last.capacity() > 0)
    }
}

/// The chunk sizes that are kept for reuse. A batch's first chunk is as small as its first record allows, so that ten
/// thousand partitions with one record each cost little. A partition that filled its last batch starts with the
/// largest.
pub(super) const CLASSES: [usize; 4] = [256, 1024, 4096, 16384];

impl Chunk {
    /// `None` if the system has no memory.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        let mut space = Vec::new();
        space.try_reserve_exact(capacity).ok()?;
        // SAFETY: the capacity was reserved, and `MaybeUninit` needs no initialisation.
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
        // SAFETY: `len` is within the space, and that many bytes are initialised.
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

    /// The address of the next byte.
    #[inline(always)]
    pub(super) fn end(&mut self) -> *mut u8 {
        // SAFETY: `len` is within the space.
        unsafe { self.space.as_mut_ptr().add(self.len).cast() }
    }

    /// Adds the next `len` bytes to those in use.
    ///
    /// # Safety
    /// There is room for them, and they are written before the chunk is used in any other way.
    #[inline(always)]
    pub(super) unsafe fn fill(&mut self, len: usize) {
        debug_assert!(len <= self.room());
        self.len += len;
    }

    /// Removes the first `len` bytes.
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
        // SAFETY: there is room, and all of it is written. `bytes` cannot overlap it, because no reference to it
        // exists.
        unsafe {
            self.end().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            self.fill(bytes.len());
        }
        Some(())
    }

    /// The next `len` bytes, zeroed, for the caller to write. There must be room for them.
    #[inline]
    pub fn grow(&mut self, len: usize) -> &mut [u8] {
        assert!(len <= self.room(), "a chunk does not grow");
        // SAFETY: there is room, and all of it is initialised with zeros.
        unsafe {
            let out = self.end();
            out.write_bytes(0, len);
            self.fill(len);
            std::slice::from_raw_parts_mut(out, len)
        }
    }
}

/// The size class for `bytes`; `None` if a chunk of exact size is better.
pub(super) fn class_for(bytes: usize) -> Option<usize> {
    // Above half of the largest class, a chunk of exact size wastes less.
    if bytes > CLASSES[CLASSES.len() - 1] / 2 { None } else { CLASSES.iter().position(|&size| size >= bytes) }
}

/// Rounds an exact size up, to spare the allocator odd sizes.
pub(super) fn exact_size(bytes: usize) -> usize {
    bytes.next_multiple_of(512)
}
