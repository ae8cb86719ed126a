//! Handles of producers.

use std::mem::{MaybeUninit, align_of, offset_of, size_of};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::error::{ottla_code, ottla_error};
use super::sink::Polled;
use super::{boundary, guarded, required, wait};
use ottla_engine::{Producer, Result, Wait};
use ottla_host::arguments::invalid;
use ottla_host::handle::{Entered, Handle, Handles, Hosted};

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
    handle: Handle<Engine>,
}

/// A pointer to one is a pointer to its handle.
const _: () = assert!(
    offset_of!(ottla_producer, handle) == 0
        && size_of::<ottla_producer>() == size_of::<Handle<Engine>>()
        && align_of::<ottla_producer>() == align_of::<Handle<Engine>>()
);

static PRODUCERS: Handles<Engine> = Handles::new();

impl ottla_producer {
    pub(super) fn new(engine: Engine) -> *mut ottla_producer {
        PRODUCERS.hand_out(engine).cast()
    }

    pub(super) fn enter(&self) -> Result<Entered<'_, Engine>> {
        self.handle.enter()
    }

    /// What `body` reads of a producer; `otherwise` for NULL and for a producer that was freed.
    pub(super) fn read<T>(producer: Option<&Self>, otherwise: T, body: impl FnOnce(&Engine) -> T) -> T {
        let read = || producer.and_then(|producer| producer.enter().ok()).map(|entered| body(&entered));
        guarded(None, read).unwrap_or(otherwise)
    }

    /// A call that takes nothing but a time limit, and waits.
    pub(super) fn call(
        producer: Option<&Self>,
        timeout_ms: i64,
        error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
        body: impl FnOnce(&Producer, Wait) -> Result<()>,
    ) -> ottla_code {
        boundary(error_out, || {
            let wait = wait(timeout_ms)?;
            body(&required(producer, "producer")?.enter()?.producer, wait)
        })
    }

    /// An error unless a topic's engine is this producer's.
    #[inline]
    pub(super) fn check_owns(&self, engine: &Arc<Engine>) -> Result<()> {
        self.handle.check_leads_to(engine, || invalid("topic belongs to another producer"))
    }

    #[inline(always)]
    pub(super) fn leads_to(&self, engine: &Arc<Engine>) -> bool {
        self.handle.leads_to(engine)
    }

    pub(super) fn free(&self) -> Result<()> {
        PRODUCERS.free(&self.handle)
    }
}

impl Hosted for Engine {
    fn belongs_to_this_process(&self) -> bool {
        self.producer.belongs_to_this_process()
    }

    fn check_free(&self) -> Result<()> {
        self.producer.refuse_in_callback("ottla_producer_free")
    }

    fn end(&self) {
        self.producer.shut_down();
        self.polled.end();
    }
}
