//! A compressor that has seen a batch allocates nothing for the next one of its size.
#![expect(unsafe_code, reason = "an allocator that counts")]

use ottla_core::compress::{Codec, Compressor};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_second_batch_allocates_nothing() {
    let plain: Vec<u8> = (0..300_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
    for (codec, level) in [(Codec::None, 0), (Codec::Gzip, 6), (Codec::Snappy, 0), (Codec::Lz4, 9), (Codec::Zstd, 3)] {
        for chunk in [plain.len(), 16_384, 1_000] {
            let mut compressor = Compressor::new(codec, level).unwrap();
            let mut out = Vec::new();
            let mut batch = |length: usize| {
                out.clear();
                allocations(|| compressor.compress(plain[..length].chunks(chunk), &mut out).unwrap())
            };
            assert!(batch(plain.len()) > 0, "{codec:?}: the counter counts");
            for length in [plain.len(), 16_384, 0, 65_536, 100_000, plain.len()] {
                assert_eq!(batch(length), 0, "{codec:?}, {length} bytes in chunks of {chunk}");
            }
        }
    }
}
