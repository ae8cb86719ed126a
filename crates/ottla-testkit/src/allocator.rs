//! An allocator that counts, for tests of what allocates. A program makes it its `#[global_allocator]`.
#![expect(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static OF_THREAD: Cell<usize> = const { Cell::new(0) };
}

static TOTAL: AtomicU64 = AtomicU64::new(0);

/// The system's allocator. Growing or shrinking in place counts as an allocation, too.
pub struct Counting;

/// The number of allocations that this thread makes during `work`.
pub fn allocations_during(work: impl FnOnce()) -> usize {
    let before = OF_THREAD.get();
    work();
    OF_THREAD.get() - before
}

/// The number of allocations that all threads have made so far.
pub fn total_allocations() -> u64 {
    TOTAL.load(Ordering::Relaxed)
}

fn count() {
    OF_THREAD.set(OF_THREAD.get() + 1);
    TOTAL.fetch_add(1, Ordering::Relaxed);
}

// SAFETY: everything is passed on unchanged to the system's allocator; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
