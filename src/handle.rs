//! Control blocks of producers. One is never given back to the allocator, so looking at a handle that was freed is
//! harmless and is noticed until its block serves another producer, which takes sixty-four frees more.

use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::sink::Polled;
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::sync::Arc;
use ottla_engine::producer::Producer;

/// What a handle leads to.
pub(super) struct Engine {
    pub(super) producer: Producer,
    pub(super) polled: Polled,
    /// Reports that were polled and not yet freed.
    pub(super) reports_held: Arc<AtomicU64>,
}

/// A Kafka producer: a thread that sends records to the brokers of one cluster, and the memory in which records wait.
/// (Java: KafkaProducer.)
///
/// Life: ottla_producer_new(); ottla_producer_topic() for each topic; ottla_producer_send() and the other functions
/// that send; ottla_producer_flush() to wait until all records are decided; ottla_producer_close() to end in order,
/// with a time limit; ottla_topic_free() and ottla_producer_free(). Every accepted record gets exactly one delivery,
/// whatever happens. For transactions see ottla_transaction_state.
///
/// All functions except ottla_producer_free() take it as const: any thread, any number at once. One producer is enough
/// for a whole process. In a child after fork() calls return OTTLA_ERR_FORKED, except those that only read counts;
/// ottla_producer_free() releases nothing of the parent's there.
pub struct ottla_producer {
    /// An `Arc<Engine>` as a raw pointer; NULL once freed.
    engine: AtomicPtr<Engine>,
    /// Calls that are running, except sends: the topic handle keeps their engine.
    calls: AtomicUsize,
    /// Which free among all released it; `IN_USE` before. It is reused after 64 more.
    freed: AtomicU64,
    /// The block before it in the list of all.
    next: AtomicPtr<ottla_producer>,
}

/// All blocks ever made. Lock-free, because in a forked child a lock may be held by a thread that is not there.
static BLOCKS: AtomicPtr<ottla_producer> = AtomicPtr::new(std::ptr::null_mut());
static FREES: AtomicU64 = AtomicU64::new(0);

const QUARANTINE: u64 = 64;
const IN_USE: u64 = u64::MAX;

impl ottla_producer {
    pub(super) fn new(engine: Engine) -> *mut ottla_producer {
        let engine = Arc::into_raw(Arc::new(engine)).cast_mut();
        if let Some(block) = reuse() {
            block.engine.store(engine, Ordering::SeqCst);
            return std::ptr::from_ref(block).cast_mut();
        }
        let block = Box::into_raw(Box::new(ottla_producer {
            engine: AtomicPtr::new(engine),
            calls: AtomicUsize::new(0),
            freed: AtomicU64::new(IN_USE),
            next: AtomicPtr::new(std::ptr::null_mut()),
        }));
        // SAFETY: just made, and never given back.
        let fresh = unsafe { &*block };
        let mut first = BLOCKS.load(Ordering::Acquire);
        loop {
            fresh.next.store(first, Ordering::Relaxed);
            match BLOCKS.compare_exchange_weak(first, block, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return block,
                Err(other) => first = other,
            }
        }
    }

    /// The engine, for the length of a call. `free` waits until the guard is dropped.
    pub(super) fn enter(&self) -> Result<Entered<'_>> {
        // Counted before looking: a free that takes the pointer away either is seen here, or sees this call.
        self.calls.fetch_add(1, Ordering::SeqCst);
        let engine = self.engine.load(Ordering::SeqCst);
        let entered = Entered { block: self, engine };
        if engine.is_null() { Err(freed()) } else { Ok(entered) }
    }

    /// Whether this is the producer of `engine`. It does not count the call: the caller holds the engine.
    #[inline]
    pub(super) fn is_of(&self, engine: &Arc<Engine>) -> Result<()> {
        if self.leads_to(engine) { Ok(()) } else { Err(not_of(self.engine.load(Ordering::Relaxed).is_null())) }
    }

    #[inline(always)]
    pub(super) fn leads_to(&self, engine: &Arc<Engine>) -> bool {
        self.engine.load(Ordering::Relaxed).cast_const() == Arc::as_ptr(engine)
    }

    /// Ends the producer: wakes the calls that wait, and waits until they have returned.
    pub(super) fn free(&self) -> Result<()> {
        let entered = self.enter()?;
        if !entered.producer.belongs_to_this_process() {
            // The thread and the sockets are the parent's; what is shared with them is left alone for good.
            self.engine.store(std::ptr::null_mut(), Ordering::SeqCst);
            return Ok(());
        }
        if entered.producer.in_callback() {
            let message =
                "ottla_producer_free was called in a callback, where it would wait for itself; call it elsewhere";
            return Err(Error::new(ErrorKind::InCallback, message));
        }
        let engine = self.engine.swap(std::ptr::null_mut(), Ordering::SeqCst);
        drop(entered);
        if engine.is_null() {
            return Err(freed());
        }
        // SAFETY: the pointer came from Arc::into_raw, and the swap gave it to this call alone.
        let engine = unsafe { Arc::from_raw(engine) };
        engine.producer.shut_down();
        engine.polled.end();
        while self.calls.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
        drop(engine);
        self.freed.store(FREES.fetch_add(1, Ordering::Relaxed), Ordering::Release);
        Ok(())
    }
}

/// A block that has been free for long enough.
fn reuse() -> Option<&'static ottla_producer> {
    let frees = FREES.load(Ordering::Relaxed);
    let mut at = BLOCKS.load(Ordering::Acquire);
    // SAFETY: blocks are never given back, and the list only grows at its head.
    while let Some(block) = unsafe { at.as_ref() } {
        let freed = block.freed.load(Ordering::Relaxed);
        if freed != IN_USE
            && frees.saturating_sub(freed) > QUARANTINE
            && block.freed.compare_exchange(freed, IN_USE, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            return Some(block);
        }
        at = block.next.load(Ordering::Acquire);
    }
    None
}

/// A running call of a producer.
pub(super) struct Entered<'a> {
    block: &'a ottla_producer,
    engine: *const Engine,
}

impl std::ops::Deref for Entered<'_> {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        // SAFETY: `enter` gives out none that is NULL, and `free` keeps the engine while this is counted in `calls`.
        unsafe { &*self.engine }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.block.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Entered<'_> {
    /// A reference that may outlive the call.
    pub(super) fn share(&self) -> Arc<Engine> {
        // SAFETY: the pointer came from Arc::into_raw, and the count is at least one while this exists.
        unsafe {
            Arc::increment_strong_count(self.engine);
            Arc::from_raw(self.engine)
        }
    }
}

#[cold]
fn freed() -> Error {
    Error::new(ErrorKind::Closed, "the producer was freed")
}

#[cold]
fn not_of(is_freed: bool) -> Error {
    if is_freed { freed() } else { super::boundary::invalid("topic belongs to another producer") }
}
