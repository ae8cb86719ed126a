//! Handles of producers: pointers that C code holds.
//!
//! A [`Handle`] is a control block that leads to what it serves, and counts the calls inside. It is never given back to
//! the allocator, so a call with a handle that was freed is harmless. It is noticed until the block serves another
//! producer, which takes sixty-four more frees.
#![expect(unsafe_code, reason = "control blocks are shared with C code and never released")]

use std::ops::Deref;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ottla_engine::{Error, ErrorKind, Result};

/// How many more frees it takes until a control block that was freed is used again.
const QUARANTINE: u64 = 64;
/// `freed` of a block that is in use.
const IN_USE: u64 = u64::MAX;

/// What a handle leads to: a producer and what the C library keeps with it.
pub trait Hosted: Send + Sync {
    /// In a forked child it is a copy without threads, which must not be touched.
    fn belongs_to_this_process(&self) -> bool;

    /// An error if this thread runs a callback, where a free would wait for itself.
    fn check_free(&self) -> Result<()>;

    /// Ends it, and wakes the calls that wait inside.
    fn end(&self);
}

/// A control block.
pub struct Handle<T> {
    /// From `Arc::into_raw`; NULL once it was freed.
    hosted: AtomicPtr<T>,
    /// Calls inside, apart from sends, which their topic keeps safe.
    calls: AtomicUsize,
    /// The number of its last free, or `IN_USE`.
    freed: AtomicU64,
    /// The next of all blocks.
    next: AtomicPtr<Handle<T>>,
}

/// All control blocks of a library, in one static. There is no lock, because in a forked child it may be held by a thread
/// that is not there.
pub struct Handles<T> {
    /// The list only grows, at its head.
    blocks: AtomicPtr<Handle<T>>,
    frees: AtomicU64,
}

impl<T: Hosted> Handles<T> {
    pub const fn new() -> Self {
        Handles { blocks: AtomicPtr::new(null_mut()), frees: AtomicU64::new(0) }
    }

    /// The handle is valid for the life of the process.
    pub fn hand_out(&'static self, hosted: T) -> *mut Handle<T> {
        let hosted = Arc::into_raw(Arc::new(hosted)).cast_mut();
        if let Some(block) = self.reuse() {
            block.hosted.store(hosted, Ordering::SeqCst);
            return std::ptr::from_ref(block).cast_mut();
        }
        let block = Box::into_raw(Box::new(Handle {
            hosted: AtomicPtr::new(hosted),
            calls: AtomicUsize::new(0),
            freed: AtomicU64::new(IN_USE),
            next: AtomicPtr::new(null_mut()),
        }));
        // SAFETY: just made, and never given back.
        let fresh = unsafe { &*block };
        let mut first = self.blocks.load(Ordering::Acquire);
        loop {
            fresh.next.store(first, Ordering::Relaxed);
            match self.blocks.compare_exchange_weak(first, block, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return block,
                Err(other) => first = other,
            }
        }
    }

    /// A block that was freed long ago.
    fn reuse(&'static self) -> Option<&'static Handle<T>> {
        let frees = self.frees.load(Ordering::Relaxed);
        let mut next = self.blocks.load(Ordering::Acquire);
        // SAFETY: blocks are never given back, and the list only grows at its head.
        while let Some(block) = unsafe { next.as_ref() } {
            let freed = block.freed.load(Ordering::Relaxed);
            if freed != IN_USE
                && frees.saturating_sub(freed) > QUARANTINE
                && block.freed.compare_exchange(freed, IN_USE, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                return Some(block);
            }
            next = block.next.load(Ordering::Acquire);
        }
        None
    }

    /// Ends what the handle leads to, waits until every call has left it, and drops it. From the beginning of this on the
    /// handle leads nowhere.
    pub fn free(&'static self, handle: &Handle<T>) -> Result<()> {
        let entered = handle.enter()?;
        if !entered.belongs_to_this_process() {
            // What is shared with the parent's threads is left alone for good.
            handle.hosted.store(null_mut(), Ordering::SeqCst);
            return Ok(());
        }
        entered.check_free()?;
        let hosted = handle.hosted.swap(null_mut(), Ordering::SeqCst);
        drop(entered);
        if hosted.is_null() {
            return Err(freed());
        }
        // SAFETY: the pointer came from Arc::into_raw, and the swap gave it to this call alone.
        let hosted = unsafe { Arc::from_raw(hosted) };
        hosted.end();
        while handle.calls.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
        drop(hosted);
        handle.freed.store(self.frees.fetch_add(1, Ordering::Relaxed), Ordering::Release);
        Ok(())
    }
}

impl<T> Handle<T> {
    /// Begins a call. Until it ends, a free waits for it.
    pub fn enter(&self) -> Result<Entered<'_, T>> {
        // Counted before looking: a free that takes the pointer away either is seen here, or sees this call.
        self.calls.fetch_add(1, Ordering::SeqCst);
        let hosted = self.hosted.load(Ordering::SeqCst);
        let entered = Entered { handle: self, hosted };
        if hosted.is_null() { Err(freed()) } else { Ok(entered) }
    }

    /// Whether it leads to the same as another handle, for example a topic's, which keeps it alive. This counts no call.
    #[inline(always)]
    pub fn leads_to(&self, hosted: &Arc<T>) -> bool {
        self.hosted.load(Ordering::Relaxed).cast_const() == Arc::as_ptr(hosted)
    }

    /// An error with a message of the caller's choice, or that it was freed, unless it leads to `hosted`.
    #[inline]
    pub fn check_leads_to(&self, hosted: &Arc<T>, otherwise: impl FnOnce() -> Error) -> Result<()> {
        if self.leads_to(hosted) {
            return Ok(());
        }
        Err(if self.hosted.load(Ordering::Relaxed).is_null() { freed() } else { otherwise() })
    }
}

/// A call inside a producer.
pub struct Entered<'a, T> {
    handle: &'a Handle<T>,
    hosted: *const T,
}

impl<T> Deref for Entered<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `enter` gives out none that is NULL, and `free` keeps it while this is counted in `calls`.
        unsafe { &*self.hosted }
    }
}

impl<T> Drop for Entered<'_, T> {
    fn drop(&mut self) {
        self.handle.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<T> Entered<'_, T> {
    /// A reference that may outlive the call.
    pub fn share(&self) -> Arc<T> {
        // SAFETY: the pointer came from Arc::into_raw, and the count is at least one while this exists.
        unsafe {
            Arc::increment_strong_count(self.hosted);
            Arc::from_raw(self.hosted)
        }
    }
}

#[cold]
fn freed() -> Error {
    Error::new(ErrorKind::Closed, "the producer was freed")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Counts what happens to it.
    #[derive(Default)]
    struct Probe {
        is_copy_in_child: bool,
        in_callback: AtomicBool,
        ended: Arc<AtomicBool>,
        dropped: Arc<AtomicUsize>,
    }

    impl Hosted for Probe {
        fn belongs_to_this_process(&self) -> bool {
            !self.is_copy_in_child
        }

        fn check_free(&self) -> Result<()> {
            match self.in_callback.load(Ordering::Relaxed) {
                true => Err(Error::new(ErrorKind::InCallback, "in a callback")),
                false => Ok(()),
            }
        }

        fn end(&self) {
            self.ended.store(true, Ordering::SeqCst);
        }
    }

    impl Drop for Probe {
        fn drop(&mut self) {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn handles() -> &'static Handles<Probe> {
        Box::leak(Box::new(Handles::new()))
    }

    fn hand_out(handles: &'static Handles<Probe>, probe: Probe) -> &'static Handle<Probe> {
        // SAFETY: valid for the life of the process.
        unsafe { &*handles.hand_out(probe) }
    }

    fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[test]
    fn a_call_with_a_freed_handle_is_refused() {
        let handles = handles();
        let probe = Probe::default();
        let dropped = probe.dropped.clone();
        let handle = hand_out(handles, probe);
        let shared = handle.enter().unwrap_or_else(|error| panic!("{error}")).share();
        assert!(handle.leads_to(&shared));
        assert_eq!(handles.free(handle), Ok(()));
        assert_eq!(dropped.load(Ordering::SeqCst), 0, "a topic still has it");
        let other = || Error::new(ErrorKind::InvalidArgument, "of another producer");
        assert_eq!(kind(handle.check_leads_to(&shared, other)), Some(ErrorKind::Closed));
        assert_eq!(kind(handle.enter()), Some(ErrorKind::Closed));
        assert_eq!(kind(handles.free(handle)), Some(ErrorKind::Closed));
        let second = hand_out(handles, Probe::default());
        assert_eq!(kind(second.check_leads_to(&shared, other)), Some(ErrorKind::InvalidArgument));
        drop(shared);
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_block_is_used_again_after_sixty_four_more_frees_and_not_before() {
        let handles = handles();
        let first = hand_out(handles, Probe::default());
        handles.free(first).expect("nobody is inside");
        for _ in 0..QUARANTINE {
            let next = hand_out(handles, Probe::default());
            assert!(!std::ptr::eq(first, next));
            handles.free(next).expect("nobody is inside");
        }
        assert!(std::ptr::eq(first, hand_out(handles, Probe::default())));
        assert!(first.enter().is_ok());
    }

    #[test]
    fn free_ends_it_and_then_waits_for_the_calls_inside() {
        let handles = handles();
        let probe = Probe::default();
        let (ended, dropped) = (probe.ended.clone(), probe.dropped.clone());
        let handle = hand_out(handles, probe);
        let entered = handle.enter().unwrap_or_else(|error| panic!("{error}"));
        let freeing = std::thread::spawn(move || handles.free(handle));
        while !ended.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20));
        assert!(!freeing.is_finished() && dropped.load(Ordering::SeqCst) == 0);
        assert!(!entered.is_copy_in_child, "the call can still use it");
        drop(entered);
        assert_eq!(freeing.join().expect("no panic"), Ok(()));
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn one_of_many_frees_succeeds() {
        let handles = handles();
        let probe = Probe::default();
        let dropped = probe.dropped.clone();
        let handle = hand_out(handles, probe);
        let freeing: Vec<_> = (0..4).map(|_| std::thread::spawn(move || handles.free(handle).is_ok())).collect();
        let succeeded = freeing.into_iter().filter_map(|thread| thread.join().ok()).filter(|freed| *freed).count();
        assert_eq!((succeeded, dropped.load(Ordering::SeqCst)), (1, 1));
    }

    #[test]
    fn a_free_in_a_callback_is_refused_and_changes_nothing() {
        let handles = handles();
        let handle = hand_out(handles, Probe::default());
        let entered = handle.enter().unwrap_or_else(|error| panic!("{error}"));
        entered.in_callback.store(true, Ordering::Relaxed);
        assert_eq!(kind(handles.free(handle)), Some(ErrorKind::InCallback));
        entered.in_callback.store(false, Ordering::Relaxed);
        assert!(!entered.ended.load(Ordering::Relaxed));
        drop(entered);
        assert_eq!(handles.free(handle), Ok(()));
    }

    #[test]
    fn a_forked_childs_copy_is_left_alone() {
        let handles = handles();
        let mut probe = Probe::default();
        probe.is_copy_in_child = true;
        let (ended, dropped) = (probe.ended.clone(), probe.dropped.clone());
        let handle = hand_out(handles, probe);
        assert_eq!(handles.free(handle), Ok(()));
        assert_eq!(kind(handle.enter()), Some(ErrorKind::Closed));
        assert!(!ended.load(Ordering::SeqCst) && dropped.load(Ordering::SeqCst) == 0);
    }
}
